import { TextpokeError } from '../error.ts';
import type { ExploreOptions as SearchSettings } from '../explore/explore.ts';
import type { Counts } from '../explore/result.ts';
import type { SharedFlags } from './flags.ts';
import type { Io } from './io.ts';
import type { ProgressLine } from './progress.ts';
import { stopCallback } from './stop.ts';

/** Rough size of what a search keeps for one state that does not say what it holds: its key, its place in the set. Bytes. */
const BYTES_A_STATE = 100;

/** The search engine and budget that the flags ask for. Engines that this build lacks are refused, not replaced. */
export function searchSettings(flags: SharedFlags, io: Io, progress: ProgressLine, label: string): SearchSettings {
  const search = flags.search ?? 'stateful';
  const time = stopCallback(io, flags);
  const stop = (counts: Counts): string | undefined => {
    const reason = time();
    if (reason === 'time') return `time budget of ${flags.maxSeconds} s spent`;
    if (reason === 'interrupt') return 'interrupted';
    if (flags.maxMemory !== undefined && (counts.bytes ?? counts.states * BYTES_A_STATE) > flags.maxMemory)
      return `memory budget of ${flags.maxMemory} bytes spent`;
    return undefined;
  };
  return {
    search,
    seed: flags.seed,
    budget: { stop, ...(flags.maxSteps === undefined ? {} : { maxSteps: flags.maxSteps }) },
    onProgress: (counts, phase) => progress.show({ states: counts.states, depth: counts.depth, note: `${label} ${phase}` }),
  };
}

/** For what one worker does alone. */
export function refuseJobs(flags: SharedFlags, what: string): void {
  if (flags.jobs === undefined || flags.jobs === 1) return;
  throw new TextpokeError('E_USAGE', `${what} on one worker`, {
    where: `--jobs ${flags.jobs}`,
    hint: 'leave --jobs and TEXTPOKE_JOBS out; explore --search stateful and matrix take it',
  });
}

/** The flags that a search goes by, as a message for another thread. */
export function plainFlags(flags: SharedFlags): SharedFlags {
  const { cores, memory, fetch, engine, search, seed, seedIsDefault, maxSeconds, maxSteps, maxMemory, jobs } = flags;
  const { json, quiet, verbose, color, width, out } = flags;
  const model = { cores, memory, fetch, engine, search, seed, seedIsDefault };
  return { ...model, maxSeconds, maxSteps, maxMemory, jobs, json, quiet, verbose, color, width, out };
}
