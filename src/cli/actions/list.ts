import { TextpokeError } from '../../error.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';

export interface ListOptions extends SharedFlags {
  /** Families or scenarios; empty: all. */
  readonly families: readonly string[];
}

/** Prints the catalogue of scenarios. Returns the exit code. */
export async function listAction(options: ListOptions, _io: Io): Promise<number> {
  throw new TextpokeError('E_INTERNAL', 'the verb list cannot work without its action', { where: JSON.stringify(Object.keys(options)) });
}
