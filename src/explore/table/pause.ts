import type { Counts } from '../result.ts';
import type { Violation } from '../violation.ts';
import type { FuturesPause } from './futures.ts';
import { WordReader } from './word-reader.ts';

/** A violation that was found, and the way there by indices into the options of the table. */
export interface FoundOnWay {
  readonly violation: Violation;
  readonly path: readonly number[];
}

/** A place on the way that a depth-first search has gone. */
export interface FramePause {
  readonly state: number;
  /** The option to look at next. */
  readonly next: number;
  /** Choices, by number. */
  readonly asleep: readonly number[];
  /** Undefined: all options. */
  readonly taken: Uint8Array | undefined;
}

/** Where a search over a table stands: with the same table it goes on as if nothing had happened. */
export interface SearchPause {
  readonly counts: Counts;
  /** Keys of all states in the order of their numbers, four words each. */
  readonly keys: Int32Array;
  /** Of the graph. */
  readonly edges: Int32Array;
  readonly reached: Int32Array;
  /** What slept at each state; empty where nothing is left out. */
  readonly masks: Int32Array;
  readonly stack: readonly FramePause[];
  readonly found: readonly Violation[];
  readonly counterexample: FoundOnWay | undefined;
  readonly futures: FuturesPause | undefined;
}

/** Who keeps a search from being lost. */
export interface Keeping {
  /** Asked now and then: whether it is time to keep where the search stands. */
  readonly isDue: () => boolean;
  /** `stopped`: why the search stops there, undefined where it goes on. */
  readonly keep: (pause: SearchPause, stopped: string | undefined) => void;
}

/** A stack as words. */
export function wordsOfStack(stack: readonly FramePause[]): Int32Array {
  return Int32Array.from(
    stack.flatMap(({ state, next, asleep, taken }) => [state, next, asleep.length, ...asleep, taken?.length ?? -1, ...(taken ?? [])]),
  );
}

/** The stack that `wordsOfStack` wrote. */
export function stackOfWords(words: Int32Array): FramePause[] {
  const out: FramePause[] = [];
  for (const reader = new WordReader(words); !reader.atEnd; ) {
    const [state, next, sleeping] = [reader.word(), reader.word(), reader.word()];
    const asleep = Array.from(reader.list(sleeping));
    const length = reader.word();
    out.push({ state, next, asleep, taken: length < 0 ? undefined : Uint8Array.from(reader.list(length)) });
  }
  return out;
}
