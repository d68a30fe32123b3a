/** Lines of a source file around one, numbered from 1. */
export function sourceLines(text: string, line: number, around = 6): { readonly number: number; readonly text: string }[] {
  const all = text.split('\n');
  const first = Math.max(0, line - 1 - around);
  return all.slice(first, line + around).map((content, n) => ({ number: first + n + 1, text: content.replaceAll('\t', '    ') }));
}

/** Loads each source file once; undefined where the page has none of that name. */
export function sourceLoader(
  addresses: Readonly<Record<string, string>>,
  load: (address: string) => Promise<string>,
): (file: string) => Promise<string | undefined> {
  const loaded = new Map<string, Promise<string | undefined>>();
  return (file) => {
    const address = addresses[file];
    if (address === undefined) return Promise.resolve(undefined);
    let text = loaded.get(file);
    if (text === undefined) {
      text = load(address).catch(() => undefined);
      loaded.set(file, text);
    }
    return text;
  };
}
