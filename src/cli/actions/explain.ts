import { TextpokeError } from '../../error.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';

export interface ExplainOptions extends SharedFlags {
  /** A scenario's name or alias, when no token was given. */
  readonly scenario: string | undefined;
  /** A token as text, when one was given; its checks are still to be made. */
  readonly token: string | undefined;
}

/** Tells a scenario's story, or why the schedule of a token goes wrong. Returns the exit code. */
export async function explainAction(options: ExplainOptions, _io: Io): Promise<number> {
  throw new TextpokeError('E_INTERNAL', 'the verb explain cannot work without its action', { where: JSON.stringify(Object.keys(options)) });
}
