import { TextpokeError } from '../error.ts';
import type { Fields } from './fields.ts';

/** What a client said of itself with `initialize`: how it counts lines and names files, and what it can show. */
export class Client {
  readonly #firstLine: number;
  readonly #firstColumn: number;
  readonly #uris: boolean;
  readonly showsProgress: boolean;

  constructor(fields: Fields) {
    this.#firstLine = (fields.flag('linesStartAt1') ?? true) ? 1 : 0;
    this.#firstColumn = (fields.flag('columnsStartAt1') ?? true) ? 1 : 0;
    const format = fields.text('pathFormat') ?? 'path';
    if (format !== 'path' && format !== 'uri')
      throw new TextpokeError('E_USAGE', `there is no path format '${format}'`, { where: 'pathFormat', hint: '"path" or "uri"' });
    this.#uris = format === 'uri';
    this.showsProgress = fields.flag('supportsProgressReporting') ?? false;
  }

  /** A line that counts from 1, for the client. */
  line(line: number): number {
    return line - 1 + this.#firstLine;
  }

  column(column: number): number {
    return Math.max(column, 1) - 1 + this.#firstColumn;
  }

  /** A line of the client, counted from 1. */
  lineOf(line: number): number {
    return line - this.#firstLine + 1;
  }

  path(path: string): string {
    return this.#uris ? `file://${path.split('/').map(encodeURIComponent).join('/')}` : path;
  }

  pathOf(path: string): string {
    if (!path.startsWith('file://')) return path;
    try {
      return decodeURIComponent(path.slice('file://'.length));
    } catch {
      return path;
    }
  }
}
