import { expect, test } from 'vitest';
import type { Operation, Patcher } from '../../src/patch/operation.ts';
import { Program } from '../../src/patch/program.ts';

const load = (address: bigint): Operation => ({ do: 'load', address, bytes: 8, what: 'word' });

/** Loads from where each answer says, eight times at most; 0 ends it. */
function programs(): { readonly program: Program; readonly started: () => number } {
  let started = 0;
  const program = new Program(function* (): Patcher {
    started++;
    for (let n = 0, at = 1n; n < 8 && at !== 0n; n++) at = yield load(at);
  });
  return { program, started: () => started };
}

/** What a program is at, and its hash, behind these answers. */
function behind(program: Program, answers: readonly bigint[]) {
  let node = program.node(0);
  for (const answer of answers) node = program.after(node, answer);
  return { next: node.next, hash: node.hash, number: node.number };
}

const HISTORIES = [[5n, 6n, 7n], [5n], [5n, 6n, 9n, 1n], [0n], [2n, 3n], [5n, 6n, 7n, 8n, 9n, 0n], []];

test('where a patcher is depends on its answers alone, in whatever order they were tried', () => {
  const { program } = programs();
  for (const history of [...HISTORIES, ...HISTORIES.toReversed()]) {
    const { next, hash } = behind(program, history);
    const fresh = behind(programs().program, history);
    expect(next).toEqual(fresh.next);
    expect(hash).toEqual(fresh.hash);
    const last = history.at(-1) ?? 1n;
    expect(next).toEqual(last === 0n ? undefined : load(last));
  }
  const hashes = HISTORIES.map((h) => behind(program, h).hash.join());
  expect(new Set(hashes).size).toBe(HISTORIES.length);
});

test('a place that is known is the same node', () => {
  const { program } = programs();
  const first = behind(program, [5n, 6n, 7n]).number;
  behind(program, [2n, 3n]);
  expect(behind(program, [5n, 6n, 7n]).number).toBe(first);
});

test('going on costs one step of the generator, going elsewhere another generator', () => {
  const { program, started } = programs();
  behind(program, [1n, 2n, 3n, 4n, 5n]);
  expect(started()).toBe(1);
  behind(program, [1n, 2n, 3n, 9n, 9n]);
  expect(started()).toBe(2);
  behind(program, [1n, 2n, 3n, 4n, 5n]);
  expect(started()).toBe(2);
});

test('a patcher that throws can be asked again elsewhere', () => {
  const program = new Program(function* (): Patcher {
    if ((yield load(1n)) === 7n) throw new Error('seven');
    yield load(2n);
  });
  expect(() => behind(program, [7n])).toThrow('seven');
  expect(behind(program, [3n]).next).toEqual(load(2n));
  expect(() => behind(program, [7n])).toThrow('seven');
});
