/** How much is measured: a minute, as much as is compared by default, or also what takes long. */
export type Size = 'quick' | 'normal' | 'full';

export interface Options {
  readonly size: Size;
  /** Folder of litmus tests. */
  readonly litmus: string;
}

/** CPU seconds after which a search, ours or another's, is given up. */
export const CPU_LIMIT: Readonly<Record<Size, number>> = { quick: 10, normal: 60, full: 600 };

/** A search's `budget.stop`: gives it up when this process has used `seconds` of CPU time from now on. */
export function cpuBudget(seconds: number): () => string | undefined {
  const start = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1e6 > seconds ? `not finished in ${seconds} s` : undefined;
  };
}

/** Memory that this process has in use, in MB. */
export const megabytes = (): number => Math.round(process.memoryUsage().rss / 1e6);
