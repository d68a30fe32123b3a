import { describe, expect, test } from 'vitest';
import { callTo, nop5, returnZero } from '../../src/patch/instructions.ts';
import { type StaticKeySwitches, StaticKeyUser } from '../../src/patch/jump-label.ts';
import { isStaticCallText, type StaticCallForm } from '../../src/patch/static-call.ts';
import { type ArraySwitches, TextPokeArray } from '../../src/patch/text-poke-array.ts';
import { type BatchModification, emulated, type LocLayout, textPokeBatch } from '../../src/patch/text-poke-batch.ts';
import { type DescGuard, type DescSwitches, textPokeDesc } from '../../src/patch/text-poke-desc.ts';
import { TinyWorld } from './run-part.ts';

const LAYOUT: LocLayout = { size: 0x40, address: 0, disp: 8, length: 12, opcode: 13, text: 16, oldOpcode: 24, oldDisp: 28, count: 0x400 };
const bytesOf = (text: string): Uint8Array => Uint8Array.from(text.split(' '), (b) => Number.parseInt(b, 16));
const poke = (site: bigint): BatchModification => ({ site, name: 'S', old: nop5(), bytes: callTo(site, 0x9000n) });

describe('what the #BP handler can emulate', () => {
  test.each([
    ['E8 FB 0F 00 00', { opcode: 0xe8, disp: 0xffb }],
    ['E9 FB EF FF FF', { opcode: 0xe9, disp: -0x1005 }],
    ['EB 7E', { opcode: 0xeb, disp: 0x7e }],
    ['75 80', { opcode: 0x75, disp: -0x80 }],
    ['0F 84 FA 0F 00 00', { opcode: 0x74, disp: 0xffa }],
    ['C3 CC CC CC CC', { opcode: 0xc3, disp: 0 }],
    ['CC 1F 44 00 00', { opcode: 0xcc, disp: 0 }],
    ['0F 1F 44 00 00', { opcode: 0x90, disp: 0 }],
    ['66 90', { opcode: 0x90, disp: 0 }],
    ['2E 2E 2E 31 C0', undefined],
    ['67 48 0F B9 3A', undefined],
  ])('%s', (text, record) => {
    expect(emulated(bytesOf(text))).toEqual(record);
  });

  test('a record of what it cannot emulate is refused, unless something stands for it', () => {
    const zero = { ...poke(0x1000n), bytes: returnZero() };
    const world = new TinyWorld();
    expect(() => world.run(textPokeBatch(world, LAYOUT, [zero], {}))).toThrow(RangeError);
    world.run(textPokeBatch(world, LAYOUT, [{ ...zero, emulate: callTo(0x1000n, 0x2000n) }], {}));
    expect(world.log).toContain('S record opcode = 232');
  });
});

describe('how a batch of v5.3 to v6.15 ends', () => {
  const ending = (guard: DescGuard, switches: DescSwitches): string[] => {
    const world = new TinyWorld();
    world.run(textPokeDesc(world, LAYOUT, [poke(0x1000n)], guard, switches));
    return world.log.slice(world.log.indexOf('final sync') + 1);
  };
  test.each<[string, DescGuard, DescSwitches, string[]]>([
    ['v5.3', 'vec', {}, ['bp_patching.vec = 0', 'bp_patching.nr_entries = 0']],
    ['the other way round', 'vec', { teardown: 'nr-vec' }, ['bp_patching.nr_entries = 0', 'bp_patching.vec = 0']],
    ['its fix', 'vec', { teardown: 'nr-sync-vec' }, ['bp_patching.nr_entries = 0', 'sync before teardown', 'bp_patching.vec = 0']],
    [
      'a SYNC before both',
      'vec',
      { teardown: 'sync-vec-nr' },
      ['sync before teardown', 'bp_patching.vec = 0', 'bp_patching.nr_entries = 0'],
    ],
    ['on the stack', 'stack', {}, ['bp_desc = 0']],
    ['static', 'static', {}, []],
  ])('%s', (_, guard, switches, steps) => {
    expect(ending(guard, switches)).toEqual(steps);
  });
});

describe('the array of v6.16', () => {
  /** The order in which sites get their INT3, and `|` between batches. */
  const order = (sites: readonly bigint[], switches: ArraySwitches = {}): string => {
    const world = new TinyWorld();
    const array = new TextPokeArray(world, LAYOUT, switches);
    for (const site of sites.slice(0, -1)) world.run(array.locked(array.add(poke(site))));
    world.run(array.locked(array.single(poke(sites.at(-1) as bigint))));
    return world.log
      .filter((line) => /^P1|^final sync|^call/.test(line))
      .map((line) => (line === 'final sync' ? '|' : line.slice(3)))
      .join(' ');
  };
  test.each<[string, readonly bigint[], ArraySwitches, string]>([
    ['in order: one batch', [0x1000n, 0x2000n], {}, '1000 2000 |'],
    ['out of order: what is pending goes first', [0x2000n, 0x1000n], {}, '2000 | 1000 |'],
    ['no room: what is pending goes first', [0x1000n, 0x2000n], { capacity: 1 }, '1000 | 2000 |'],
    ['single() that appends', [0x2000n, 0x1000n], { singleAppends: true }, '2000 1000 |'],
    ['single() that appends behind the end', [0x1000n, 0x2000n], { singleAppends: true, capacity: 1 }, 'l overflow 1000 2000 |'],
  ])('%s', (_, sites, switches, expected) => {
    expect(order(sites, switches)).toBe(expected);
  });
});

describe('static keys', () => {
  const COUNT = 'key.enabled';
  function setup(switches: StaticKeySwitches = {}) {
    const world = new TinyWorld();
    const counts: bigint[] = [];
    const word = { address: world.symbol(COUNT), bytes: 4 };
    const user = new StaticKeyUser(
      world,
      {
        enabled: COUNT,
        *update(on) {
          counts.push(world.value(word));
          world.log.push(on ? 'on' : 'off');
          yield { do: 'fence' };
        },
      },
      switches,
    );
    return { world, user, counts, count: () => world.value(word), changes: () => world.log.filter((l) => l === 'on' || l === 'off') };
  }

  test('the first and the last user write the branches, the others count', () => {
    const { world, user, count, changes } = setup();
    for (const expected of [1n, 2n, 3n]) {
      world.run(user.inc());
      expect(count()).toBe(expected);
    }
    for (const expected of [2n, 1n, 0n]) {
      world.run(user.dec());
      expect(count()).toBe(expected);
    }
    expect(changes()).toEqual(['on', 'off']);
  });

  test.each<[StaticKeySwitches, bigint]>([
    [{}, 0xffffffffn],
    [{ raise: 'at-once' }, 1n],
  ])('with %j the count is %i while the branches are written', (switches, during) => {
    const { world, user, counts } = setup(switches);
    world.run(user.inc());
    expect(counts).toEqual([during]);
  });

  test.each<StaticKeySwitches>([{}, { enableCounts: true }])('enabling twice and disabling once turns it off, with %j', (switches) => {
    const { world, user, count, changes } = setup(switches);
    world.run(user.enable());
    world.run(user.enable());
    world.run(user.disable());
    world.run(user.disable());
    expect(count()).toBe(0n);
    expect(changes()).toEqual(['on', 'off']);
  });
});

describe('which text an update of a static call takes for its own', () => {
  const FORMS: readonly StaticCallForm[] = ['call', 'jmp', { condition: 4 }];
  test.each([
    ['E8 FB 0F 00 00', ['call']],
    ['0F 1F 44 00 00', ['call']],
    ['2E 2E 2E 31 C0', ['call']],
    ['67 48 0F B9 3A', ['call']],
    ['E9 FB 0F 00 00', ['jmp', 'jcc']],
    ['C3 CC CC CC CC', ['jmp', 'jcc']],
    ['0F 84 FA 0F 00', ['jmp', 'jcc']],
    ['CC FB 0F 00 00', []],
    ['B8 07 00 00 00', []],
  ])('%s: %j', (text, known) => {
    const found = FORMS.filter((form) => isStaticCallText(form, bytesOf(text))).map((form) => (typeof form === 'object' ? 'jcc' : form));
    expect(found).toEqual(known);
  });
});
