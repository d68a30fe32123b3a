import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Image } from '../image/image.ts';
import type { LineRange } from '../image/lines.ts';
import type { DapHost } from './host.ts';

/** The source files of an image, by the paths of the client and those of the debug information. */
export class Sources {
  readonly #image: Image;
  readonly #host: DapHost;
  readonly #roots: readonly string[];
  readonly #files = new Map<string, LineRange[]>();
  readonly #starts = new Set<bigint>();
  readonly #paths = new Map<string, string | undefined>();

  constructor(image: Image, host: DapHost, roots: readonly string[]) {
    this.#image = image;
    this.#host = host;
    this.#roots = roots;
    for (const range of image.lines.ranges) {
      const ranges = this.#files.get(range.file);
      if (ranges === undefined) this.#files.set(range.file, [range]);
      else ranges.push(range);
      this.#starts.add(range.start);
    }
  }

  /** The files as the debug information names them. */
  get files(): readonly string[] {
    return [...this.#files.keys()];
  }

  /** Whether the instructions of a line begin here. */
  startsLine(address: bigint): boolean {
    return this.#starts.has(address);
  }

  /** The line of an address as text that can be compared. */
  lineOf(address: bigint): string | undefined {
    const line = this.#image.lineAt(address);
    return line === undefined ? undefined : `${line.file}:${line.line}`;
  }

  /** A file for the client; undefined where it is not to be found, so that the disassembly is shown instead. */
  source(file: string): DebugProtocol.Source | undefined {
    if (!this.#paths.has(file)) this.#paths.set(file, this.#host.findFile(file, this.#roots));
    const path = this.#paths.get(file);
    return path === undefined ? undefined : { name: file.slice(file.lastIndexOf('/') + 1), path };
  }

  /** The file of the debug information that a client's path means: the one that has most of the path's end. */
  fileOf(path: string): string | undefined {
    const wanted = partsOf(path);
    let best: { readonly file: string; readonly common: number } | undefined;
    for (const file of this.#files.keys()) {
      const parts = partsOf(file);
      let common = 0;
      while (common < Math.min(parts.length, wanted.length) && parts.at(-1 - common) === wanted.at(-1 - common)) common++;
      // One of the two must be the end of the other, or another file of that name is meant.
      if (common < Math.min(parts.length, wanted.length)) continue;
      if (common > (best?.common ?? 0)) best = { file, common };
    }
    return best?.file;
  }

  /** Lines of a file that have instructions, from `from` to `to`, in order. */
  lines(file: string, from: number, to: number): readonly number[] {
    const lines = (this.#files.get(file) ?? []).map((r) => r.line).filter((line) => line >= from && line <= to);
    return [...new Set(lines)].sort((a, b) => a - b);
  }

  /** The line itself, or the next one of its file that has instructions, and where they begin: once in each function. */
  place(file: string, line: number): { readonly line: number; readonly addresses: readonly bigint[] } | undefined {
    const ranges = (this.#files.get(file) ?? []).filter((r) => r.line >= line);
    const found = ranges.reduce((least, r) => Math.min(least, r.line), Number.POSITIVE_INFINITY);
    if (found === Number.POSITIVE_INFINITY) return undefined;
    const first = new Map<string, bigint>();
    for (const { start } of ranges.filter((r) => r.line === found)) {
      const name = this.#image.symbolAt(start)?.symbol.name ?? '';
      const known = first.get(name);
      if (known === undefined || start < known) first.set(name, start);
    }
    return { line: found, addresses: [...first.values()] };
  }

  /** All ranges of a line. */
  ranges(file: string, line: number): readonly LineRange[] {
    return (this.#files.get(file) ?? []).filter((r) => r.line === line);
  }
}

const partsOf = (path: string): string[] => path.split(/[\\/]+/).filter((part) => part !== '' && part !== '.');
