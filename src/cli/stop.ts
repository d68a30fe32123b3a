import type { Io } from './io.ts';

/** Why work should stop: the time of `--max-seconds` is spent, or the user pressed ^C. */
export type StopReason = 'time' | 'interrupt';

/**
 * The stop callback of a search: the explorer counts steps, only the command line knows time. Cheap enough to be called
 * every thousand steps. Once it gave a reason it keeps it.
 */
export function stopCallback(io: Io, { maxSeconds }: { readonly maxSeconds: number | undefined }): () => StopReason | undefined {
  const end = maxSeconds === undefined ? Number.POSITIVE_INFINITY : io.now() + maxSeconds * 1000;
  let reason: StopReason | undefined;
  return () => {
    if (reason === undefined && io.interrupted()) reason = 'interrupt';
    if (reason === undefined && io.now() >= end) reason = 'time';
    return reason;
  };
}
