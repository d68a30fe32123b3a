import { describe, expect, test } from 'vitest';
import { death } from '../../src/explore/checkers/death.ts';
import { type ExploreOptions, explore } from '../../src/explore/explore.ts';
import { finalStates, guestImage, guestWorld, wholeGraph } from '../machine/guest.ts';

/** Answers an IPI: sets z and ends the interrupt at the APIC. */
const HANDLER =
  'handler:\npushq %rax\npushq %rcx\npushq %rdx\nmovl $1, z(%rip)\nmovl $0x80b, %ecx\nxorl %eax, %eax\nxorl %edx, %edx\nwrmsr\npopq %rdx\npopq %rcx\npopq %rax\niretq\n';

/** Waits for x, sends the IPI, waits for its answer, sets y. */
const SENDER =
  'P1:\n1:\npause\ncmpl $0, x(%rip)\nje 1b\nmovl $0x830, %ecx\nmovl $0xc40f8, %eax\nxorl %edx, %edx\nwrmsr\n2:\npause\ncmpl $0, z(%rip)\nje 2b\nmovl $1, y(%rip)\njmp cpu_idle\n';

describe('an interrupt is taken right before interrupts go off', () => {
  test('CLI behind the store that made the IPI come', () => {
    const image = guestImage(`P0:\nmovl $1, x(%rip)\ncli\nmovl y(%rip), %ebx\nmovl %ebx, r(%rip)\nsti\njmp cpu_idle\n${SENDER}${HANDLER}`, {
      x: 0,
      y: 0,
      z: 0,
      r: 0,
    });
    const read = new Set<bigint>();
    const make = () => {
      const world = guestWorld(image, 2, { memory: 'sc', fetch: 'coherent' });
      world.checkers.push(death, {
        name: 'reader',
        atEnd: (w) => void read.add(w.lab.readLong(0, w.lab.symbol('r'))),
      });
      world.lab.setGate(world.lab.abi('SYNC_CORE_VECTOR'), 'handler', { type: 'interrupt' });
      for (const n of [0, 1]) world.add({ core: n, entry: `P${n}` });
      return world;
    };
    expect(wholeGraph(make, {}, () => read.clear()).outcome.violations).toEqual([]);
    expect([...read].sort()).toEqual([0n, 1n]);
  });
});

describe('what goes wrong before anything visible', () => {
  const searches: readonly ExploreOptions[] = [{ search: 'stateful' }, { search: 'ladder' }, { search: 'pct', schedules: 3 }];

  test.each(searches)('is found by $search', (options) => {
    const image = guestImage('P0:\nud2\njmp cpu_idle\n', {});
    const make = () => {
      const world = guestWorld(image, 1, { memory: 'tso', fetch: 'coherent' });
      world.checkers.push(death);
      world.add({ core: 0, entry: 'P0' });
      return world;
    };
    expect(explore(make, options)).toMatchObject({
      verdict: 'violation',
      counterexample: { violation: { check: 'exception' }, answers: [] },
    });
  });
});

describe('memory that no segment of the image describes', () => {
  /** A free page in the direct map. */
  const FREE = '0xffff888000900000';

  test('is shared as any other: the reader may come first', () => {
    const image = guestImage(
      `P0:\nmovabsq $${FREE}, %rdi\nmovq $1, (%rdi)\njmp cpu_idle\nP1:\nmovabsq $${FREE}, %rdi\nmovq (%rdi), %rax\ntestq %rax, %rax\njnz 1f\nud2\n1:\njmp cpu_idle\n`,
      {},
    );
    const make = () => {
      const world = guestWorld(image, 2, { memory: 'sc', fetch: 'coherent' });
      world.checkers.push(death);
      for (const n of [0, 1]) world.add({ core: n, entry: `P${n}` });
      return world;
    };
    expect(explore(make)).toMatchObject({ verdict: 'violation', counterexample: { violation: { check: 'exception', core: 1 } } });
  });
});

describe('text that is written before it ever ran', () => {
  test.each([
    ['coherent', ['34']],
    ['amd-apm', ['34']],
    ['intel-sdm', ['17', '34']],
    ['strict', ['17', '34']],
  ])('is patched text, without being declared: %s', (fetch, wanted) => {
    const image = guestImage('P0:\nmovb $0x22, site+1(%rip)\n.p2align 4, 0x90\nsite:\nmovl $0x11, %ebx\njmp cpu_idle\n');
    expect(finalStates(image, ['P0'], { memory: 'sc', fetch }, (w) => String(w.machine.cores[0]!.gpr(3)))).toEqual(wanted);
  });
});

describe('what a ladder has covered', () => {
  const run = (source: string, options: ExploreOptions) => {
    const image = guestImage(source, { x: 0 });
    return explore(() => {
      const world = guestWorld(image, 2, { memory: 'tso', fetch: 'coherent' });
      for (const n of [0, 1]) world.add({ core: n, entry: `P${n}` });
      return world;
    }, options);
  };

  test('is never called exhaustive: a livelock escapes it, and not the search over states', () => {
    const spin = 'P0:\n1:\npause\ncmpq $0, x(%rip)\nje 1b\njmp cpu_idle\nP1:\nmovq $0, x(%rip)\njmp cpu_idle\n';
    expect(run(spin, {}).counterexample?.violation).toMatchObject({ check: 'I13', cause: 'livelock' });
    expect(run(spin, { search: 'ladder', preemptions: 9 }).coverage).toEqual({ kind: 'bounded', bounds: ['livelocks not looked for'] });
  });

  test('names a full store buffer as well', () => {
    const stores = Array.from({ length: 40 }, (_, n) => `movq $${n}, x(%rip)\n`).join('');
    const result = run(`P0:\n${stores}jmp cpu_idle\nP1:\nmovq x(%rip), %rax\njmp cpu_idle\n`, { search: 'ladder', preemptions: 0 });
    expect(result.coverage).toEqual({ kind: 'bounded', bounds: ['preemptions <= 0', expect.stringMatching(/^store buffer <= /)] });
  });
});
