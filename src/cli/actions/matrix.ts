import { TextpokeError } from '../../error.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';

export interface MatrixOptions extends SharedFlags {
  /** Families or scenarios; empty: all. */
  readonly families: readonly string[];
  readonly variant: string | undefined;
  readonly victims: number | undefined;
}

/** Runs the table of scenarios, variants and models, and compares each verdict with the recorded one. Returns the exit code. */
export async function matrixAction(options: MatrixOptions, _io: Io): Promise<number> {
  throw new TextpokeError('E_INTERNAL', 'the verb matrix cannot work without its action', { where: JSON.stringify(Object.keys(options)) });
}
