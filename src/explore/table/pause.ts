import type { Counts } from '../result.ts';
import type { Violation } from '../violation.ts';
import type { FuturesPause } from './futures.ts';

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
  for (let at = 0; at < words.length; ) {
    const [state, next, sleeping] = words.subarray(at, at + 3) as unknown as [number, number, number];
    at += 3 + sleeping;
    const asleep = Array.from(words.subarray(at - sleeping, at));
    const length = words[at++]!;
    const taken = length < 0 ? undefined : Uint8Array.from(words.subarray(at, at + length));
    at += Math.max(length, 0);
    out.push({ state, next, asleep, taken });
  }
  return out;
}
