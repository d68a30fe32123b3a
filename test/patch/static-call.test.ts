import { describe, expect, test } from 'vitest';
import { callTo } from '../../src/patch/instructions.ts';
import type { Operation } from '../../src/patch/operation.ts';
import { atomicWriter } from '../../src/patch/site-writer.ts';
import { StaticCall, type StaticCallSite, type StaticCallStubs, staticCallText } from '../../src/patch/static-call.ts';
import { type Part, type TextWorld, threePhases } from '../../src/patch/text-poke.ts';
import type { BatchModification } from '../../src/patch/text-poke-batch.ts';

const hex = (bytes: Uint8Array): string => [...bytes].map((b) => b.toString(16).toUpperCase().padStart(2, '0')).join(' ');

const WORLD: TextWorld = { alias: (a) => a + 0x100000000n, symbol: () => 0n, cores: 1, syncVector: 0xf8, percpuOf: () => 0n };
const STUBS: StaticCallStubs = { return0: 0x3000n, warn: 0x4000n, ret: 0x5000n };

const site = (form: StaticCallSite['form']): StaticCallSite => ({ address: 0x1000n, name: 'site', form });
const text = (form: StaticCallSite['form'], func: bigint): string => {
  const { bytes, emulate } = staticCallText(site(form), func, STUBS);
  return emulate === undefined ? hex(bytes) : `${hex(bytes)} as ${hex(emulate)}`;
};

describe('what a static call site becomes', () => {
  test.each<[string, StaticCallSite['form'], bigint, string]>([
    ['a call', 'call', 0x2000n, 'E8 FB 0F 00 00'],
    ['a call of NULL', 'call', 0n, '0F 1F 44 00 00'],
    ['a call that returns 0, emulated as a call', 'call', 0x3000n, '2E 2E 2E 31 C0 as E8 FB 1F 00 00'],
    ['a call that warns, emulated as a call', 'call', 0x4000n, '67 48 0F B9 3A as E8 FB 2F 00 00'],
    ['a tail call', 'jmp', 0x2000n, 'E9 FB 0F 00 00'],
    ['a tail call of NULL', 'jmp', 0n, 'C3 CC CC CC CC'],
    ['a tail call of what returns 0 stays a jump', 'jmp', 0x3000n, 'E9 FB 1F 00 00'],
    ['a conditional tail call', { condition: 4 }, 0x2000n, '0F 84 FA 0F 00 00'],
    ['a conditional tail call of NULL goes to a RET', { condition: 5 }, 0n, '0F 85 FA 3F 00 00'],
  ])('%s', (_, form, func, expected) => {
    expect(text(form, func)).toBe(expected);
  });

  test('a conditional tail call of NULL needs a RET', () => {
    expect(() => staticCallText(site({ condition: 4 }), 0n)).toThrow(RangeError);
  });
});

/** Runs a part over text at 0x1000; gives what is there behind each phase. */
function phases(before: Uint8Array, part: Part): string[] {
  const bytes = before.slice();
  const seen: string[] = [];
  for (let next = part.next(); next.done !== true; next = part.next(0n)) {
    const op: Operation = next.value;
    if (op.do === 'store')
      for (let i = 0; i < op.bytes; i++) bytes[Number(op.address - WORLD.alias(0x1000n)) + i] = Number((op.value >> BigInt(8 * i)) & 0xffn);
    if (op.do === 'mark' && op.mark.kind === 'phase') seen.push(hex(bytes));
  }
  return seen;
}

const threePhaseWriter = (modification: BatchModification): Part => threePhases(WORLD, [modification], {});

describe('byte timelines of an update', () => {
  const timeline = (form: StaticCallSite['form'], from: bigint, to: bigint): string[] => {
    const key = { name: 'key', initial: from, sites: [site(form)], stubs: STUBS };
    return phases(staticCallText(site(form), from, STUBS).bytes, new StaticCall(key, threePhaseWriter).update(to));
  };
  test.each<[string, StaticCallSite['form'], bigint, bigint, string[]]>([
    ['call 0x2000 -> call 0x12345678', 'call', 0x2000n, 0x12345678n, ['CC FB 0F 00 00', 'CC 73 46 34 12', 'E8 73 46 34 12']],
    ['nop5 -> call 0x2000', 'call', 0n, 0x2000n, ['CC 1F 44 00 00', 'CC FB 0F 00 00', 'E8 FB 0F 00 00']],
    ['call 0x2000 -> nop5', 'call', 0x2000n, 0n, ['CC FB 0F 00 00', 'CC 1F 44 00 00', '0F 1F 44 00 00']],
    ['call 0x2000 -> return 0', 'call', 0x2000n, 0x3000n, ['CC FB 0F 00 00', 'CC 2E 2E 31 C0', '2E 2E 2E 31 C0']],
    ['tail jmp 0x2000 -> ret', 'jmp', 0x2000n, 0n, ['CC FB 0F 00 00', 'CC CC CC CC CC', 'C3 CC CC CC CC']],
    [
      'tail je 0x2000 -> je 0x12345678',
      { condition: 4 },
      0x2000n,
      0x12345678n,
      ['CC 84 FA 0F 00 00', 'CC 84 72 46 34 12', '0F 84 72 46 34 12'],
    ],
  ])('%s', (_, form, from, to, expected) => {
    expect(timeline(form, from, to)).toEqual(expected);
  });
});

describe('the order of an update', () => {
  const at = (address: bigint, name: string, form: StaticCallSite['form']): StaticCallSite => ({ address, name, form });
  function written(from: bigint, to: bigint): string[] {
    const order: string[] = [];
    // biome-ignore lint/correctness/useYield: a writer that only takes notes
    const write = function* (m: BatchModification): Part {
      order.push(`${m.name}: ${hex(m.old)} -> ${hex(m.bytes)}`);
    };
    const key = {
      name: 'key',
      func: 0x9000n,
      initial: from,
      trampoline: at(0x1000n, 'trampoline', 'jmp'),
      sites: [at(0x1100n, 'first', 'call'), at(0x1200n, 'second', 'jmp')],
    };
    const update = new StaticCall(key, write).update(to);
    for (let step = update.next(); step.done !== true; step = update.next(0n)) {
      const op = step.value;
      order.push(op.do === 'store' ? `${op.what} = ${op.value.toString(16)}` : op.do);
    }
    return order;
  }

  test('the word, the trampoline, the sites one by one', () => {
    expect(written(0x2000n, 0x3000n)).toEqual([
      'key.func = 3000',
      'trampoline: E9 FB 0F 00 00 -> E9 FB 1F 00 00',
      'first: E8 FB 0E 00 00 -> E8 FB 1E 00 00',
      'second: E9 FB 0D 00 00 -> E9 FB 1D 00 00',
    ]);
  });

  test('nothing when the function stays', () => {
    expect(written(0x2000n, 0x2000n)).toEqual([]);
  });
});

describe('one store changes a whole site', () => {
  test('the rest of the quadword stays', () => {
    const stores: string[] = [];
    const part = atomicWriter(WORLD)({ site: 0x1002n, name: 'site', old: new Uint8Array(5), bytes: callTo(0x1002n, 0x2000n) });
    for (let next = part.next(); next.done !== true; ) {
      const op = next.value;
      if (op.do === 'store') stores.push(`${op.address.toString(16)} ${op.value.toString(16)}`);
      next = part.next(op.do === 'load' ? 0x1122334455667788n : 0n);
    }
    expect(stores).toEqual(['100001000 1100000ff9e87788']);
  });

  test('a site on two quadwords is refused', () => {
    const part = atomicWriter(WORLD)({ site: 0x1004n, name: 'site', old: new Uint8Array(5), bytes: callTo(0x1004n, 0x2000n) });
    expect(() => part.next()).toThrow(RangeError);
  });
});
