import { TextpokeError } from '../../error.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';

export interface ReplayOptions extends SharedFlags {
  /** A token as text; its checks are still to be made. */
  readonly token: string;
  readonly format: 'text' | 'changelog';
  /** Every step, not only those that touch the race. */
  readonly full: boolean;
}

/** Runs the one schedule of a token and prints its trace, byte for byte the same each time. Returns the exit code. */
export async function replayAction(options: ReplayOptions, _io: Io): Promise<number> {
  throw new TextpokeError('E_INTERNAL', 'the verb replay cannot work without its action', { where: JSON.stringify(Object.keys(options)) });
}
