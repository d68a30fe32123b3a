/** CPU seconds of this process (user and system, all threads: the compiler and the collector count) that `body` took, and what it gave. */
export function cpuSeconds<T>(body: () => T): { seconds: number; value: T } {
  const start = process.cpuUsage();
  const value = body();
  const used = process.cpuUsage(start);
  return { seconds: (used.user + used.system) / 1e6, value };
}

/** The middle one of some numbers; of an even count the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('no values');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The geometric mean of positive numbers. */
export const geometricMean = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, v) => sum + Math.log(v), 0) / values.length);

/** One line of the report. Rates are per CPU second. */
export interface Row {
  readonly group: string;
  readonly name: string;
  /** Measured numbers by name, in the order to print them. */
  readonly values: Readonly<Record<string, number>>;
  /** What the row has to reach, where something was promised. */
  readonly goal?: { readonly value: string; readonly atLeast?: number; readonly atMost?: number };
  /** What to know about the numbers. */
  readonly note?: string;
  /** Why what was measured did not come to its end: then no goal is reached. */
  readonly stopped?: string;
}

/** Whether a row reaches its goal; undefined where it has none. */
export function reached(row: Row): boolean | undefined {
  if (row.goal === undefined) return undefined;
  if (row.stopped !== undefined) return false;
  const value = row.values[row.goal.value] as number;
  return value >= (row.goal.atLeast ?? -Infinity) && value <= (row.goal.atMost ?? Infinity);
}

/** What the benchmarks tell while they run, on standard error. */
export const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};
