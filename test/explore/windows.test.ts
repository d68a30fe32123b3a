import { describe, expect, test } from 'vitest';
import { death } from '../../src/explore/checkers/death.ts';
import { type ExploreOptions, explore } from '../../src/explore/explore.ts';
import { guestImage, guestWorld, wholeGraph } from '../machine/guest.ts';

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
