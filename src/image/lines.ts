/** Where an address comes from in the source. */
export interface SourceLine {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1; 0 is unknown. */
  readonly column: number;
}

/** Addresses in `start <= a < end` come from one source line. */
export interface LineRange extends SourceLine {
  readonly start: bigint;
  readonly end: bigint;
}

/** Finds source lines by address. Ranges are kept sorted by start; where they overlap, the one that starts last wins. */
export class LineTable {
  static readonly empty = new LineTable([]);
  readonly ranges: readonly LineRange[];
  /** The largest end among the ranges up to each one: where a backward search may stop. */
  readonly #reach: bigint[] = [];

  constructor(ranges: readonly LineRange[]) {
    this.ranges = ranges.filter((r) => r.end > r.start).sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
    let reach = 0n;
    for (const r of this.ranges) {
      if (r.end > reach) reach = r.end;
      this.#reach.push(reach);
    }
  }

  /** The source line of `address`, or undefined where the table has none. */
  find(address: bigint): SourceLine | undefined {
    let low = 0;
    let high = this.ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.ranges[middle]?.start ?? 0n) <= address) low = middle + 1;
      else high = middle;
    }
    for (let i = low - 1; i >= 0; i--) {
      const r = this.ranges[i];
      if (!r || (this.#reach[i] ?? 0n) <= address) return undefined;
      if (address < r.end) return { file: r.file, line: r.line, column: r.column };
    }
    return undefined;
  }
}
