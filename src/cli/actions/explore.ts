import { TextpokeError } from '../../error.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';

export interface ExploreOptions extends SharedFlags {
  /** A scenario's name or alias, or the path of an image. */
  readonly target: string;
  readonly variant: string | undefined;
  readonly victims: number | undefined;
  /** At most this many preemptions; undefined: unbounded. */
  readonly preemptions: number | undefined;
  /** Whole states in the visited set instead of 128-bit keys. */
  readonly exact: boolean;
  readonly shrink: boolean;
}

/** Tries the orders of a scenario and prints the verdict with its coverage. Returns the exit code. */
export async function exploreAction(options: ExploreOptions, _io: Io): Promise<number> {
  throw new TextpokeError('E_INTERNAL', 'the verb explore cannot work without its action', { where: JSON.stringify(Object.keys(options)) });
}
