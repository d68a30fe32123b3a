import { describe, expect, test } from 'vitest';
import { callTo, jccTo, jumpTo, nop2, nop5, retPadded, returnZero, shortJumpTo } from '../../src/patch/instructions.ts';
import type { Operation } from '../../src/patch/operation.ts';
import { type Part, type TextWorld, textPoke, threePhases } from '../../src/patch/text-poke.ts';

const hex = (bytes: Uint8Array): string => [...bytes].map((b) => b.toString(16).toUpperCase().padStart(2, '0')).join(' ');
const bytesOf = (text: string): Uint8Array => Uint8Array.from(text.split(' '), (b) => Number.parseInt(b, 16));

/** A kernel of one core and no memory but the text. */
const WORLD: TextWorld = {
  alias: (address) => address + 0x100000000n,
  symbol: () => 0n,
  cores: 1,
  syncVector: 0xf8,
  percpuOf: () => 0n,
};

/** Applies the stores of a patcher to bytes at `site`; gives what is there at each step of the protocol, and every other store. */
function timeline(site: bigint, before: Uint8Array, part: Part): { phases: string[]; stores: string[]; text: Uint8Array } {
  const text = before.slice();
  const phases: string[] = [];
  const stores: string[] = [];
  for (let next = part.next(); next.done !== true; next = part.next(0n)) {
    const op: Operation = next.value;
    if (op.do === 'store') {
      const at = Number(op.address - WORLD.alias(site));
      expect(at, `${op.what} lies in the site`).toBeGreaterThanOrEqual(0);
      expect(at + op.bytes, `${op.what} lies in the site`).toBeLessThanOrEqual(text.length);
      for (let i = 0; i < op.bytes; i++) text[at + i] = Number((op.value >> BigInt(8 * i)) & 0xffn);
      stores.push(`${op.bytes}@${at}`);
    }
    if (op.do === 'mark' && op.mark.kind === 'phase') phases.push(hex(text));
  }
  return { phases, stores, text };
}

interface Golden {
  readonly name: string;
  readonly site: bigint;
  readonly before: string;
  readonly after: Uint8Array;
  /** What a data load sees behind P1, P2 and P3. */
  readonly phases: readonly [string, string, string];
  readonly stores: readonly string[];
}

const CALLS = { near: callTo(0x1000n, 0x2000n), far: callTo(0x1000n, 0x12345678n) };

const TIMELINES: readonly Golden[] = [
  {
    name: 'call 0x2000 -> call 0x12345678',
    site: 0x1000n,
    before: 'E8 FB 0F 00 00',
    after: CALLS.far,
    phases: ['CC FB 0F 00 00', 'CC 73 46 34 12', 'E8 73 46 34 12'],
    stores: ['1@0', '4@1', '1@0'],
  },
  {
    name: 'nop5 -> call 0x2000',
    site: 0x1000n,
    before: '0F 1F 44 00 00',
    after: CALLS.near,
    phases: ['CC 1F 44 00 00', 'CC FB 0F 00 00', 'E8 FB 0F 00 00'],
    stores: ['1@0', '4@1', '1@0'],
  },
  {
    name: 'call 0x2000 -> nop5',
    site: 0x1000n,
    before: 'E8 FB 0F 00 00',
    after: nop5(),
    phases: ['CC FB 0F 00 00', 'CC 1F 44 00 00', '0F 1F 44 00 00'],
    stores: ['1@0', '4@1', '1@0'],
  },
  {
    name: 'nop5 -> jmp 0x1180',
    site: 0x1100n,
    before: '0F 1F 44 00 00',
    after: jumpTo(0x1100n, 0x1180n),
    phases: ['CC 1F 44 00 00', 'CC 7B 00 00 00', 'E9 7B 00 00 00'],
    stores: ['1@0', '4@1', '1@0'],
  },
  {
    name: 'nop2 -> jmp8 0x1180',
    site: 0x1100n,
    before: '66 90',
    after: shortJumpTo(0x1100n, 0x1180n),
    phases: ['CC 90', 'CC 7E', 'EB 7E'],
    stores: ['1@0', '1@1', '1@0'],
  },
  {
    name: 'static call -> return 0',
    site: 0x1000n,
    before: 'E8 FB 0F 00 00',
    after: returnZero(),
    phases: ['CC FB 0F 00 00', 'CC 2E 2E 31 C0', '2E 2E 2E 31 C0'],
    stores: ['1@0', '4@1', '1@0'],
  },
  {
    name: 'static tail jmp 0x2000 -> ret',
    site: 0x1000n,
    before: 'E9 FB 0F 00 00',
    after: retPadded(),
    phases: ['CC FB 0F 00 00', 'CC CC CC CC CC', 'C3 CC CC CC CC'],
    stores: ['1@0', '4@1', '1@0'],
  },
  {
    name: 'static tail je 0x2000 -> je 0x12345678',
    site: 0x1000n,
    before: '0F 84 FA 0F 00 00',
    after: jccTo(4, 0x1000n, 0x12345678n),
    phases: ['CC 84 FA 0F 00 00', 'CC 84 72 46 34 12', '0F 84 72 46 34 12'],
    stores: ['1@0', '4@1', '1@5', '1@0'],
  },
  {
    name: 'optprobe over 55 48 89 E5 41 57, detour 11 22 33 44',
    site: 0x1000n,
    before: 'CC 48 89 E5 41 57',
    after: bytesOf('E9 11 22 33 44'),
    phases: ['CC 48 89 E5 41 57', 'CC 11 22 33 44 57', 'E9 11 22 33 44 57'],
    stores: ['1@0', '4@1', '1@0'],
  },
  {
    name: 'its unoptimise: it stays an INT3',
    site: 0x1000n,
    before: 'E9 11 22 33 44 57',
    after: bytesOf('CC 48 89 E5 41'),
    phases: ['CC 11 22 33 44 57', 'CC 48 89 E5 41 57', 'CC 48 89 E5 41 57'],
    stores: ['1@0', '4@1'],
  },
  {
    name: 'uprobe optimise, trampoline 11 22 33 44',
    site: 0x1000n,
    before: 'CC 2E 0F 1F 84 00 00 00 00 00',
    after: bytesOf('48 8D 64 24 80 E8 11 22 33 44'),
    phases: ['CC 2E 0F 1F 84 00 00 00 00 00', 'CC 8D 64 24 80 E8 11 22 33 44', '48 8D 64 24 80 E8 11 22 33 44'],
    stores: ['1@0', '4@1', '4@5', '1@9', '1@0'],
  },
  {
    name: 'uprobe unoptimise: one ten-byte NOP whose middle is still a call',
    site: 0x1000n,
    before: '48 8D 64 24 80 E8 11 22 33 44',
    after: bytesOf('66 2E 0F 1F 84'),
    phases: ['CC 8D 64 24 80 E8 11 22 33 44', 'CC 2E 0F 1F 84 E8 11 22 33 44', '66 2E 0F 1F 84 E8 11 22 33 44'],
    stores: ['1@0', '4@1', '1@0'],
  },
];

describe('golden byte timelines', () => {
  test.each(TIMELINES)('$name', ({ site, before, after, phases, stores }) => {
    const run = timeline(site, bytesOf(before), threePhases(WORLD, [{ site, name: 'S', bytes: after }], {}));
    expect(run.phases).toEqual(phases);
    expect(run.stores).toEqual(stores);
  });

  test('kprobe on 48 89 E5: one store, it stays an INT3', () => {
    const run = timeline(0x1000n, bytesOf('48 89 E5'), textPoke(WORLD, 0x1000n, Uint8Array.of(0xcc), 'kprobe'));
    expect(hex(run.text)).toBe('CC 89 E5');
    expect(run.stores).toEqual(['1@0']);
  });

  test('an INT3 that replaces a call goes without the last step', () => {
    const run = timeline(
      0x1000n,
      bytesOf('E8 FB 0F 00 00'),
      threePhases(WORLD, [{ site: 0x1000n, name: 'S', bytes: bytesOf('CC FB 0F 00 00') }], {}),
    );
    expect(hex(run.text)).toBe('CC FB 0F 00 00');
    expect(run.stores).toEqual(['1@0', '4@1']);
  });

  test('the error path restores the first byte and leaves the rest', () => {
    const part = threePhases(WORLD, [{ site: 0x1000n, name: 'S', bytes: CALLS.far }], {}, { rollback: { old: [0xe8], sync: true } });
    const run = timeline(0x1000n, bytesOf('E8 FB 0F 00 00'), part);
    expect(hex(run.text)).toBe('E8 FB 0F 00 00');
    expect(run.stores).toEqual(['1@0', '1@0']);
  });

  test('several sites go through each phase together', () => {
    const order: string[] = [];
    const sites = [0x1000n, 0x2000n].map((site) => ({ site, name: 'S', bytes: nop5() }));
    const part = threePhases(WORLD, sites, {});
    for (let next = part.next(); next.done !== true; next = part.next(0n)) {
      const op: Operation = next.value;
      if (op.do === 'mark' && op.mark.kind === 'phase') order.push(`P${op.mark.phase} ${op.mark.site.toString(16)}`);
      if (op.do === 'mark' && op.mark.kind === 'sync') order.push(op.mark.what);
    }
    expect(order).toEqual(['P1 1000', 'P1 2000', 'sync1', 'P2 1000', 'P2 2000', 'sync2', 'P3 1000', 'P3 2000', 'final sync']);
  });

  test.each([
    [{ sync1: false }, ['P1', 'P2', 'sync2', 'P3', 'final sync']],
    [{ sync2: false }, ['P1', 'sync1', 'P2', 'P3', 'final sync']],
    [{ finalSync: false }, ['P1', 'sync1', 'P2', 'sync2', 'P3']],
    [{ order: 'tail-first' }, ['P2', 'P1', 'sync1', 'sync2', 'P3', 'final sync']],
    [{ order: 'head-before-tail' }, ['P1', 'sync1', 'P3', 'sync2', 'P2', 'final sync']],
    [{ order: 'p3-before-sync2' }, ['P1', 'sync1', 'P2', 'P3', 'sync2', 'final sync']],
  ] as const)('switch %j does what its name says', (switches, steps) => {
    const seen: string[] = [];
    const part = threePhases(WORLD, [{ site: 0x1000n, name: 'S', bytes: CALLS.far }], switches);
    for (let next = part.next(); next.done !== true; next = part.next(0n)) {
      const op: Operation = next.value;
      if (op.do === 'mark' && op.mark.kind === 'phase') seen.push(`P${op.mark.phase}`);
      if (op.do === 'mark' && op.mark.kind === 'sync') seen.push(op.mark.what);
    }
    expect(seen).toEqual(steps);
  });
});

describe('text_poke', () => {
  test('stores between two CR3 switches with interrupts off, through the alias', () => {
    const ops: string[] = [];
    const part = textPoke(WORLD, 0x1000n, bytesOf('73 46 34 12'), 'tail');
    for (let next = part.next(); next.done !== true; next = part.next(0n)) {
      const op: Operation = next.value;
      ops.push(
        op.do === 'store'
          ? `store ${op.bytes} at ${op.address.toString(16)} = ${op.value.toString(16)}`
          : op.do === 'interrupts'
            ? `interrupts ${op.on}`
            : op.do === 'serialize'
              ? op.what
              : op.do,
      );
    }
    expect(ops).toEqual(['interrupts false', 'CR3', 'store 4 at 100001000 = 12344673', 'CR3', 'interrupts true']);
  });
});

describe('instructions', () => {
  test.each([
    ['call forward', callTo(0x1000n, 0x2000n), 'E8 FB 0F 00 00'],
    ['call backward', callTo(0x2000n, 0x1000n), 'E8 FB EF FF FF'],
    ['call at the top of the address space', callTo(0xffffffff81000000n, 0xffffffff81000100n), 'E8 FB 00 00 00'],
    ['jmp', jumpTo(0x1100n, 0x1180n), 'E9 7B 00 00 00'],
    ['jmp to itself', jumpTo(0x1000n, 0x1000n), 'E9 FB FF FF FF'],
    ['jmp8 forward as far as it goes', shortJumpTo(0x1000n, 0x1081n), 'EB 7F'],
    ['jmp8 backward as far as it goes', shortJumpTo(0x1000n, 0xf82n), 'EB 80'],
    ['je', jccTo(4, 0x1000n, 0x2000n), '0F 84 FA 0F 00 00'],
    ['jg backward', jccTo(15, 0x2000n, 0x1000n), '0F 8F FA EF FF FF'],
    ['nop5', nop5(), '0F 1F 44 00 00'],
    ['nop2', nop2(), '66 90'],
    ['ret', retPadded(), 'C3 CC CC CC CC'],
    ['return 0', returnZero(), '2E 2E 2E 31 C0'],
  ] as const)('%s', (_, bytes, wanted) => {
    expect(hex(bytes)).toBe(wanted);
  });

  test('what is out of reach is refused', () => {
    expect(() => callTo(0n, 0x80000005n)).toThrow(RangeError);
    expect(hex(callTo(0n, 0x80000004n))).toBe('E8 FF FF FF 7F');
    expect(() => shortJumpTo(0x1000n, 0x1082n)).toThrow(RangeError);
    expect(() => shortJumpTo(0x1000n, 0xf81n)).toThrow(RangeError);
  });
});
