import { TextpokeError } from '../../error.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';

export type StartOptions = SharedFlags;

/** Shows both races and the table of fixes. Returns the exit code. */
export async function startAction(options: StartOptions, _io: Io): Promise<number> {
  throw new TextpokeError('E_INTERNAL', 'the verb start cannot work without its action', { where: JSON.stringify(Object.keys(options)) });
}
