import { describe, expect, test } from 'vitest';
import type { World } from '../../src/explore/world.ts';
import type { Image } from '../../src/image/image.ts';
import { ALIAS, type CodeTest, outcomesOf, POLICIES } from './code-litmus.ts';
import { collector, type GuestModels, guestImage, guestWorld, wholeGraph } from './guest.ts';

/** Final states of P0 and P1 with the instruction at `site` as patched text. */
function patched(image: Image, models: GuestModels, length: number, look: (world: World) => string): string[] {
  const found = new Set<string>();
  const { outcome } = wholeGraph(
    () => {
      const world = guestWorld(image, 2, models);
      world.sites.push({ name: 'S', address: world.lab.symbol('site'), versions: [new Uint8Array(length)], final: 0 });
      world.checkers.push(collector(found, look));
      for (const core of [0, 1]) world.add({ core, entry: `P${core}` });
      return world;
    },
    {},
    () => found.clear(),
  );
  expect(outcome.violations).toEqual([]);
  return [...found].sort();
}

/** Programs whose patched instruction itself reads or writes shared memory. */
describe.each(['interpreter', 'reference'] as const)('a patched instruction with a visible access of its own, %s', (engine) => {
  test('fetches before it reads: what it was is decided first, what it reads later', () => {
    // `movq x(%rip), %r8` becomes `movq x(%rip), %r9`: one byte of ModRM.
    const image = guestImage(
      `P0:\n${ALIAS}\nmovb $0x0d, 2(%rdi)\nmfence\nmovq $1, x(%rip)\njmp cpu_idle\nP1:\n.p2align 6, 0x90\nsite:\nmovq x(%rip), %r8\njmp cpu_idle\n`,
      { x: 0 },
    );
    const states = patched(
      image,
      { memory: 'tso', fetch: 'coherent', engine },
      7,
      (w) => `${w.machine.cores[1]!.gpr(8)} ${w.machine.cores[1]!.gpr(9)}`,
    );
    // Old with 0, new with 0 or 1, and old with 1: fetched before the patch, read after x.
    expect(states).toEqual(['0 0', '0 1', '1 0']);
  });

  test('a read-modify-write of shared memory adds once, and loses what comes between', () => {
    const image = guestImage('P0:\nsite:\nincq x(%rip)\njmp cpu_idle\nP1:\nlock addq $2, x(%rip)\njmp cpu_idle\n', { x: 0 });
    const run = (memory: 'sc' | 'tso'): string[] =>
      patched(image, { memory, fetch: 'intel-sdm', engine }, 7, (w) => w.lab.readLong(0, w.lab.symbol('x')).toString());
    // The locked addition between the read and the write is lost.
    expect(run('sc')).toEqual(['1', '3']);
    expect(run('tso')).toEqual(['1', '3']);
  });

  test('a locked one adds atomically', () => {
    const image = guestImage('P0:\nsite:\nlock incq x(%rip)\njmp cpu_idle\nP1:\nlock addq $2, x(%rip)\njmp cpu_idle\n', { x: 0 });
    expect(
      patched(image, { memory: 'tso', fetch: 'intel-sdm', engine }, 8, (w) => w.lab.readLong(0, w.lab.symbol('x')).toString()),
    ).toEqual(['3']);
  });
});

describe('text beside a site', () => {
  test('is patched text when it is found to be written by the way, and runs', () => {
    const code: CodeTest = {
      name: 'neighbour',
      at: 3,
      outcome: () => true,
      verdicts: ['F', 'F', 'F', 'F', 'F'],
      threads: [`${ALIAS}\nmovq (%rdi), %rcx\nmovq %rcx, (%rdi)\nmovq $2, x(%rip)\n`, 'SITE\nmovq %rbx, %r9\nmovq x(%rip), %r8\n'],
    };
    for (const fetch of POLICIES)
      expect(outcomesOf(code, { memory: 'tso', fetch }).map((o) => (JSON.parse(o) as { r8: number }[])[1]?.r8)).toEqual([0, 2]);
  });
});
