/** Sentences of a reason (`why   ...; ...` over several lines), each in pieces: text, and places to go to. */
export function whyParts(text: string): (string | { readonly at: number })[][] {
  const whole = text
    .replace(/^why\s+/, '')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .join(' ');
  if (whole === '') return [];
  return whole.split('; ').map((sentence) =>
    sentence
      .split(/(@\d+)/)
      .filter(Boolean)
      .map((piece) => (/^@\d+$/.test(piece) ? { at: Number(piece.slice(1)) } : piece)),
  );
}
