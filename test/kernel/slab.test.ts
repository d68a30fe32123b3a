import { describe, expect, test } from 'vitest';
import { choose, options } from '../../src/explore/path.ts';
import type { Violation } from '../../src/explore/violation.ts';
import type { World } from '../../src/explore/world.ts';
import type { Lab } from '../../src/kernel/lab.ts';
import type { Operation, Patcher } from '../../src/patch/operation.ts';
import { kernelWorld } from '../../src/scenario/kernel-world.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

/** What a program of one core may do. */
class Kernel {
  readonly lab: Lab;

  constructor(lab: Lab) {
    this.lab = lab;
  }

  call(what: string, ...args: (bigint | number)[]): Operation {
    return { do: 'call', address: this.lab.symbol(what), args: args.map(BigInt), what };
  }

  store(address: bigint, value: bigint): Operation {
    return { do: 'store', address, bytes: 8, value, what: 'object' };
  }

  /** Words of memory as they are. */
  words(address: bigint, count: number): bigint[] {
    return Array.from({ length: count }, (_, i) => this.lab.readLong(0, address + BigInt(8 * i)));
  }
}

/** Runs a program on the only core; what it pushed, and the first violation. */
function run<T>(
  program: (kernel: Kernel, out: T[]) => Patcher,
  switches: (lab: Lab) => Readonly<Record<string, number | bigint>> = () => ({}),
): { out: T[]; violation: Violation | undefined } {
  const world: World = kernelWorld(builtFixture('small-world'), { victims: 0, fetch: 'coherent', memory: 'sc' });
  world.lab.configure(switches(world.lab));
  let out: T[] = [];
  world.add({
    core: 0,
    entry: 'patcher_stub',
    patcher: () => {
      // The generator may be replayed: what counts is its last run.
      out = [];
      return program(new Kernel(world.lab), out);
    },
  });
  world.begin();
  let violation: Violation | undefined = world.early[0];
  for (let open = options(world, 0); violation === undefined && open.length > 0; open = options(world, 0)) {
    world.machine.mark();
    violation = choose(world, open[0]!)[0];
  }
  return { out, violation };
}

function* allocate(kernel: Kernel, out: bigint[], times: number): Patcher {
  for (let i = 0; i < times; i++) out.push(yield kernel.call('kmalloc', 16));
}

const failures = (out: readonly bigint[]): number[] => out.flatMap((object, i) => (object === 0n ? [i + 1] : []));

describe('which kmalloc() fails', () => {
  test.each<[string, (lab: Lab) => Readonly<Record<string, number | bigint>>, number[]]>([
    ['none', () => ({}), []],
    ['the third', (lab) => ({ fail_mode: lab.abi('FAIL_NTH'), fail_nth: 3 }), [3]],
    ['all from the third on', (lab) => ({ fail_mode: lab.abi('FAIL_ALWAYS'), fail_nth: 3 }), [3, 4, 5]],
    ['those of this caller', (lab) => callerFails(lab, 'patcher_stub'), [1, 2, 3, 4, 5]],
    ['those of another caller', (lab) => callerFails(lab, 'free_twice'), []],
  ])('%s', (_, switches, failed) => {
    const { out, violation } = run<bigint>((kernel, out) => allocate(kernel, out, 5), switches);
    expect(violation).toBeUndefined();
    expect(failures(out)).toEqual(failed);
  });

  test('one that is too large, and one more than there are objects', () => {
    const { out } = run<bigint>(function* (kernel, out) {
      out.push(yield kernel.call('kmalloc', kernel.lab.abi('SLAB_SIZE') + 1));
      out.push(yield kernel.call('kmalloc', kernel.lab.abi('SLAB_SIZE')));
      yield* allocate(kernel, out, kernel.lab.abi('SLAB_OBJECTS'));
    });
    expect(failures(out)).toEqual([1, out.length]);
  });

  function callerFails(lab: Lab, name: string): Readonly<Record<string, number | bigint>> {
    const { address, size } = lab.image.symbol(name);
    return { fail_mode: lab.abi('FAIL_CALLER'), fail_caller: address, fail_caller_size: size };
  }
});

describe('objects', () => {
  test('do not overlap, and what was freed is not handed out again', () => {
    const { out, violation } = run<bigint>(function* (kernel, out) {
      yield* allocate(kernel, out, 3);
      yield kernel.call('kfree', out[1]!);
      yield kernel.call('kfree', 0);
      yield* allocate(kernel, out, 2);
    });
    expect(violation).toBeUndefined();
    expect(new Set(out).size).toBe(5);
    const sorted = [...out].sort((a, b) => (a < b ? -1 : 1));
    for (let i = 1; i < sorted.length; i++) expect(sorted[i]! - sorted[i - 1]!).toBeGreaterThanOrEqual(16n + 8n);
  });

  test('are taken again where the switch says so, at another size', () => {
    const { out, violation } = run<bigint>(
      function* (kernel, out) {
        for (const size of [32, 8, 64]) {
          const object = yield kernel.call('kmalloc', size);
          out.push(object);
          for (let at = 0n; at < size; at += 8n) yield kernel.store(object + at, 1n);
          yield kernel.call('kfree', object);
        }
      },
      () => ({ slab_reuse: 1 }),
    );
    expect(violation).toBeUndefined();
    expect(new Set(out).size).toBe(1);
  });

  test.each([
    [1, [0x6b6b6b6b6b6b6b6bn, 0x6b6b6b6b6b6b6b6bn]],
    [0, [7n, 8n]],
  ])('are poisoned when they are freed: slab_poison %i', (slab_poison, wanted) => {
    const { out } = run<bigint>(
      function* (kernel, out) {
        const object = yield kernel.call('kmalloc', 16);
        yield kernel.store(object, 7n);
        yield kernel.store(object + 8n, 8n);
        yield kernel.call('kfree', object);
        out.push(...kernel.words(object, 2));
      },
      () => ({ slab_poison }),
    );
    expect(out).toEqual(wanted);
  });
});

describe('what kfree() refuses', () => {
  test.each<[string, (kernel: Kernel) => Patcher]>([
    [
      'kfree(slab): freed twice',
      function* (kernel) {
        const object = yield kernel.call('kmalloc', 16);
        yield kernel.call('kfree', object);
        yield kernel.call('kfree', object);
      },
    ],
    [
      'kfree(slab+0x8): no object of the allocator',
      function* (kernel) {
        yield kernel.call('kfree', (yield kernel.call('kmalloc', 16)) + 8n);
      },
    ],
    [
      'kfree(published): no object of the allocator',
      function* (kernel) {
        yield kernel.call('kfree', kernel.lab.symbol('published'));
      },
    ],
    [
      'kfree(slab): somebody wrote behind the object',
      function* (kernel) {
        const object = yield kernel.call('kmalloc', 16);
        yield kernel.store(object + 16n, 0n);
        yield kernel.call('kfree', object);
      },
    ],
    [
      'kfree(slab): somebody wrote behind the object',
      function* (kernel) {
        const size = kernel.lab.abi('SLAB_SIZE');
        const object = yield kernel.call('kmalloc', size);
        yield kernel.store(object + BigInt(size), 0n);
        yield kernel.call('kfree', object);
      },
    ],
  ])('%s', (message, program) => {
    expect(run(program).violation).toMatchObject({ check: 'I5', message: `CPU0: ${message}` });
  });
});

test('the text of a module becomes INT3, nothing else does', () => {
  const { out, violation } = run<string>(function* (kernel, out) {
    const { lab } = kernel;
    const start = lab.symbol('lifetime_module');
    const end = lab.symbol('lifetime_module_end');
    const around = lab.peek(end, 8);
    yield kernel.call('free_module_text', start, end);
    yield { do: 'fence' };
    out.push(Buffer.from(lab.peek(start, Number(end - start))).toString('hex'));
    out.push(Buffer.from(lab.peek(end, 8)).equals(around) ? 'as it was' : 'changed');
  });
  expect(violation).toBeUndefined();
  expect(out).toEqual(['cc'.repeat(64), 'as it was']);
});
