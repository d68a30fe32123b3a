import { describe, expect, test } from 'vitest';
import { type Claim, SharedVisited } from '../../../src/explore/parallel/shared-visited.ts';
import { Random } from '../../../src/explore/random.ts';
import { VisitedSet } from '../../../src/explore/visited.ts';

function keys(count: number, seed: number): Int32Array[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => Int32Array.from({ length: 4 }, () => random.below(2 ** 32) | 0));
}

describe('a set of keys that several threads fill', () => {
  test('numbers keys as a set of one thread does, over several levels', () => {
    const [shared, plain] = [new SharedVisited(SharedVisited.buffer()), new VisitedSet()];
    const all = keys(30_000, 1);
    for (const key of [...all, ...all.slice(500, 2000)]) expect(shared.add(key, 0)).toBe(plain.add(key, 0));
    expect(shared.size).toBe(30_000);
    // Three levels of 4096, 16384 and 65536 entries of 20 bytes.
    expect(shared.bytes).toBe(64 + 20 * (4096 + 16384 + 65536));
  });

  test('keys that differ in one word are different, whichever word, and all zeros is a key', () => {
    const shared = new SharedVisited(SharedVisited.buffer());
    const all = [0, 1, 2, 3].map((word) => Int32Array.from({ length: 4 }, (_, n) => (n === word ? 8 : 0)));
    for (const [n, key] of [new Int32Array(4), ...all].entries()) expect(shared.add(key, 0)).toBe(n);
    for (const [n, key] of [new Int32Array(4), ...all].entries()) expect(shared.add(key, 0)).toBe(-1 - n);
  });

  test('another view of the buffer knows what was added, also at levels that it has not seen', () => {
    const buffer = SharedVisited.buffer();
    const [one, other] = [new SharedVisited(buffer), new SharedVisited(buffer)];
    const all = keys(9000, 2);
    const numbers = all.map((key) => one.add(key, 0));
    expect(all.map((key) => -1 - other.add(key, 0))).toEqual(numbers);
  });
});

describe('two that come with the same key at the same time', () => {
  /** Between looking and claiming, the other one adds the same key. */
  function numbersOf(claim: Claim): { readonly numbers: readonly number[]; readonly size: number } {
    const buffer = SharedVisited.buffer();
    const key = Int32Array.of(1, 2, 3, 4);
    const numbers: number[] = [];
    const other = new SharedVisited(buffer);
    let isFirst = true;
    const late = new SharedVisited(buffer, (words, at, from, to) => {
      if (isFirst) numbers.push(other.add(key, 0));
      isFirst = false;
      return claim(words, at, from, to);
    });
    numbers.push(late.add(key, 0));
    return { numbers, size: late.size };
  }

  test('only one of them is the first', () => {
    expect(numbersOf(Atomics.compareExchange)).toEqual({ numbers: [0, -1], size: 1 });
  });

  test('a claim that is not atomic would count the state twice', () => {
    const notAtomic: Claim = (words, at, from, to) => {
      // What it read before the other one came.
      words[at] = to;
      return from;
    };
    expect(numbersOf(notAtomic)).toEqual({ numbers: [0, 1], size: 2 });
  });

  test('a different key that was put there first goes to the next entry', () => {
    const buffer = SharedVisited.buffer();
    const [mine, theirs] = [Int32Array.of(1, 2, 3, 4), Int32Array.of(1, 5, 3, 4)];
    const other = new SharedVisited(buffer);
    let isFirst = true;
    const late = new SharedVisited(buffer, (words, at, from, to) => {
      if (isFirst) expect(other.add(theirs, 0)).toBe(0);
      isFirst = false;
      return Atomics.compareExchange(words, at, from, to);
    });
    expect(late.add(mine, 0)).toBe(1);
    expect([late.add(theirs, 0), other.add(mine, 0)]).toEqual([-1, -2]);
  });
});
