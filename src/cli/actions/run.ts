import { TextpokeError } from '../../error.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';

export interface RunOptions extends SharedFlags {
  /** Path of an ELF64 executable or a flat binary. */
  readonly file: string;
  /** A symbol or a hexadecimal address; the image's own entry when undefined. */
  readonly entry: string | undefined;
  /** Where a flat binary is loaded. */
  readonly base: bigint | undefined;
}

/** Loads an image, runs it on emulated cores, prints its serial output and how each core ended. Returns the exit code. */
export async function runAction(options: RunOptions, _io: Io): Promise<number> {
  throw new TextpokeError('E_INTERNAL', 'the verb run cannot work without its action', { where: JSON.stringify(Object.keys(options)) });
}
