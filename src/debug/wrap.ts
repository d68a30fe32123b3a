/** Breaks text at spaces into lines of at most `width`; the ones behind the first are indented. A word that is too long is cut. */
export function wrap(text: string, width: number, indent = 2): string[] {
  const lines: string[] = [];
  let line = '';
  let room = width;
  const flush = (): void => {
    lines.push(lines.length === 0 ? line : ' '.repeat(indent) + line);
    line = '';
    room = width - indent;
  };
  for (let word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > room) flush();
    while (word.length > room) {
      line = word.slice(0, room);
      word = word.slice(room);
      flush();
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  if (line !== '' || lines.length === 0) flush();
  return lines;
}
