import type { LocalStep } from './remembered.ts';
import { WordReader } from './word-reader.ts';

/** What a table has seen, by numbers that another table of the same world gives the same things: enough to decide the same (`Futures`). */
export interface TableMemory {
  /** Names of choices, in the order of their numbers. */
  readonly choices: readonly string[];
  /** Of each core: hashes of its local states in the order of their numbers. */
  readonly locals: readonly Int32Array[];
  /** Of each core all that was run. */
  readonly history: readonly (readonly LocalStep[])[];
}

export const stepKey = (core: number, { from, to, reads, writes }: LocalStep): string => `${core} ${from} ${to} ${reads} / ${writes}`;

/** A core's history as words. */
export function wordsOfHistory(history: readonly LocalStep[]): Int32Array {
  const out = new Int32Array(history.reduce((sum, { reads, writes }) => sum + 4 + reads.length + writes.length, 0));
  let at = 0;
  for (const { from, to, reads, writes } of history) {
    out.set([from, to, reads.length, writes.length], at);
    out.set(reads, at + 4);
    out.set(writes, at + 4 + reads.length);
    at += 4 + reads.length + writes.length;
  }
  return out;
}

/** The history that `wordsOfHistory` wrote. */
export function historyOfWords(words: Int32Array): LocalStep[] {
  const out: LocalStep[] = [];
  for (const reader = new WordReader(words); !reader.atEnd; ) {
    const [from, to, reads, writes] = [reader.word(), reader.word(), reader.word(), reader.word()];
    out.push({ from, to, reads: reader.list(reads), writes: reader.list(writes) });
  }
  return out;
}
