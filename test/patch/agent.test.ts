import { describe, expect, test } from 'vitest';
import { explore } from '../../src/explore/explore.ts';
import type { Patcher } from '../../src/patch/operation.ts';
import { guestImage, guestWorld } from '../machine/guest.ts';

const IMAGE = guestImage(
  [
    // Six arguments, each in its own digit.
    'digits:\nleaq (%rdi,%rdi,8), %rax\naddq %rdi, %rax\naddq %rsi, %rax\nimulq $10, %rax, %rax\naddq %rdx, %rax\nimulq $10, %rax, %rax\naddq %rcx, %rax',
    'imulq $10, %rax, %rax\naddq %r8, %rax\nimulq $10, %rax, %rax\naddq %r9, %rax\nret',
    'ones:\nmovq $-1, %rax\nret',
    'other:\nmovl $3, x(%rip)\nmovl $4, y(%rip)\njmp cpu_idle',
  ].join('\n'),
  { x: 0, y: 0, z: 0 },
);

/** Runs a patcher on core 0 beside `other` on core 1, every order; `end` sees each end of a run. */
function run(patcher: (address: (name: string) => bigint) => Patcher, end: (read: (name: string) => bigint) => void = () => {}) {
  return explore(() => {
    const world = guestWorld(IMAGE, 2, { memory: 'tso', fetch: 'coherent' });
    world.checkers.push({ name: 'end', atEnd: (w) => end((name) => w.lab.readLong(0, w.lab.symbol(name))) });
    world.add({ core: 0, entry: 'patcher_stub', patcher: () => patcher((name) => world.lab.symbol(name)) });
    world.add({ core: 1, entry: 'other' });
    return world;
  });
}

const OK = { verdict: 'ok', coverage: { kind: 'exhaustive' } };

describe('a patcher in TypeScript', () => {
  test('calls a function with arguments and gets what it returned', () => {
    const got: bigint[] = [];
    const result = run(function* (address) {
      got.push(yield { do: 'call', address: address('digits'), args: [1n, 2n, 3n, 4n, 5n, 6n], what: 'digits()' });
      got.push(yield { do: 'call', address: address('ones'), what: 'ones()' });
    });
    expect(result).toMatchObject(OK);
    expect(new Set(got)).toEqual(new Set([123456n, 0xffffffffffffffffn]));
  });

  test('waits for a condition on several words, whatever the order in which they come', () => {
    const seen = new Set<string>();
    const result = run(
      function* (address) {
        const words = ['x', 'y'].map((name) => ({ address: address(name), bytes: 4 }));
        yield { do: 'await', words, until: ([x, y]) => x === 3n && y === 4n, what: 'x and y' };
        yield { do: 'store', address: address('z'), bytes: 4, value: 1n, what: 'z' };
      },
      (read) => seen.add(`${read('x')} ${read('y')} ${read('z')}`),
    );
    expect(result).toMatchObject(OK);
    expect([...seen]).toEqual(['3 4 1']);
  });

  test('a condition that never holds is a deadlock', () => {
    const result = run(function* (address) {
      yield { do: 'await', words: [{ address: address('x'), bytes: 4 }], until: ([x]) => x === 9n, what: 'x' };
    });
    expect(result).toMatchObject({ verdict: 'violation', counterexample: { violation: { check: 'I13', cause: 'deadlock' } } });
  });

  test('compares and exchanges: it stores only what it expected to replace, and gives what was there', () => {
    const seen = new Set<string>();
    const result = run(
      function* (address) {
        const old = yield { do: 'compare-exchange', address: address('x'), bytes: 4, expected: 0n, value: 7n, what: 'x' };
        yield { do: 'store', address: address('z'), bytes: 4, value: old + 1n, what: 'z' };
      },
      (read) => seen.add(`x ${read('x')}, it was ${read('z') - 1n}`),
    );
    expect(result).toMatchObject(OK);
    // The other core's store comes before, so that nothing is exchanged, or behind, and wins.
    expect([...seen].sort()).toEqual(['x 3, it was 0', 'x 3, it was 3']);
  });
});
