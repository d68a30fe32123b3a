import type { Keeper } from '../explore/keeper.ts';
import { nameHash } from '../explore/token.ts';
import type { Io } from './io.ts';

/** A search that dies loses at most this much. */
const EVERY_MS = 60_000;
/** What took less is not worth a file, unless the user asked for it. */
const WORTH_MS = 20_000;

interface Files {
  /** Where to write; a name of its own in .textpoke/checkpoints when undefined. */
  readonly file: string | undefined;
  /** The file to begin with. */
  readonly resume: string | undefined;
  /** Called when one was written of a search that goes on, for the first time: whoever kills it should know where. */
  readonly onFirst: (file: string) => void;
}

/** Writes checkpoints of one search into a file. */
export class CheckpointFile implements Keeper {
  readonly name: string;
  readonly resume?: Uint8Array;
  /** Where the last checkpoint was written of a search that was stopped. */
  written: string | undefined;
  readonly #io: Pick<Io, 'now' | 'interrupted' | 'replaceFile'>;
  readonly #file: string;
  readonly #isAskedFor: boolean;
  readonly #start: number;
  #last: number;
  #onFirst: Files['onFirst'] | undefined;

  /** `name`: image and cell. */
  constructor(io: Io, name: string, { file, resume, onFirst }: Files) {
    this.#io = io;
    this.name = name;
    this.#onFirst = onFirst;
    if (resume !== undefined) this.resume = io.readFile(resume);
    this.#file = file ?? resume ?? `.textpoke/checkpoints/${nameHash(name).toString(16).padStart(8, '0')}.bin`;
    this.#isAskedFor = file !== undefined || resume !== undefined;
    this.#start = io.now();
    this.#last = this.#start;
  }

  isDue(): boolean {
    return this.#io.now() - this.#last >= EVERY_MS;
  }

  keep(checkpoint: Uint8Array, stopped: string | undefined): void {
    this.#last = this.#io.now();
    const isWorthIt = this.#isAskedFor || this.#io.interrupted() || this.#last - this.#start >= WORTH_MS;
    if (stopped !== undefined && !isWorthIt) return;
    this.#io.replaceFile(this.#file, checkpoint);
    if (stopped !== undefined) this.written = this.#file;
    else this.#onFirst?.(this.#file);
    this.#onFirst = undefined;
  }
}
