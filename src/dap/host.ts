import type { EngineName } from '../machine/machine.ts';
import type { CellRunner } from '../scenario/matrix.ts';
import type { Scenario } from '../scenario/scenario.ts';

/** What a debug adapter needs of the world outside. */
export interface DapHost {
  /** The bytes of a file. Throws `TextpokeError` E_FILE. */
  readFile(path: string): Uint8Array;
  /** The whole path of a file that is there, below one of the folders or where textpoke itself lies; undefined when there is none. */
  findFile(path: string, folders: readonly string[]): string | undefined;
  /** Runs cells on the fixtures. */
  runner(engine: EngineName | undefined): CellRunner;
  /** The scenarios that can be named; those of a file, too, when one is given. */
  scenarios(file: string | undefined): Promise<readonly Scenario[]>;
  /** Does work soon, after what has arrived meanwhile was looked at. */
  later(work: () => void): void;
}
