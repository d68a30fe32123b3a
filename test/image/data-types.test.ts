import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type DataType, DataTypes, partOf, pointersIn } from '../../src/image/data-types.ts';
import { readElf } from '../../src/image/elf.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

const image = builtFixture('ftrace');

function part(name: string, offset: number, size: number): string | undefined {
  const type = image.types.variable(image.symbol(name).address);
  return type === undefined ? undefined : partOf(type, offset, size)?.name;
}

test('members, elements and bytes of a variable, as the compiler laid it out', () => {
  const record = image.symbol('ABI_LOC_SIZE').address;
  expect(part('text_poke_array', Number(record), 4)).toBe('.vec[1].addr');
  expect(part('text_poke_array', Number(image.symbol('ABI_ARRAY_NR').address), 4)).toBe('.nr');
  const text = Number(image.symbol('ABI_LOC_TEXT').address);
  expect(part('text_poke_array', text, 1)).toBe('.vec[0].text[0]');
  expect(part('text_poke_array', text, 4)).toBe('.vec[0].text[0..3]');
  expect(part('ftrace_ops_list', 0, 8)).toBe('');
});

test('a struct that one file only declares is the one that another defines', () => {
  const list = image.types.variable(image.symbol('ftrace_ops_list').address);
  const to = list?.kind === 'pointer' ? list.to() : undefined;
  expect(to?.kind === 'struct' && to.name).toBe('ftrace_ops');
  expect(to !== undefined && [...pointersIn(to)].length).toBeGreaterThan(0);
});

test('padding has no name, and neither has what is no variable', () => {
  const padded: DataType = {
    kind: 'struct',
    name: 'padded',
    size: 16,
    members: [
      { name: 'a', offset: 0, type: { kind: 'scalar', size: 1 } },
      {
        name: '',
        offset: 8,
        type: { kind: 'struct', name: '', size: 8, members: [{ name: 'b', offset: 4, type: { kind: 'scalar', size: 4 } }] },
      },
    ],
  };
  expect(partOf(padded, 0, 1)?.name).toBe('.a');
  expect(partOf(padded, 4, 1)).toBeUndefined();
  expect(partOf(padded, 12, 4)?.name).toBe('.b');
  expect(partOf({ kind: 'array', of: { kind: 'scalar', size: 2 }, size: 8 }, 0, 8)?.name).toBe('');
  expect(image.types.variable(image.symbol('patcher_stub').address)).toBeUndefined();
});

describe('debug information that cannot be used', () => {
  const sections = readElf(readFileSync('fixtures/ftrace/ftrace.elf')).sections;
  const info = sections.find((s) => s.name === '.debug_info');

  test('none, compressed, of another version', () => {
    expect([...DataTypes.read([], 'none').variables()]).toEqual([]);
    const old = (info?.bytes ?? new Uint8Array()).slice();
    old[4] = 2;
    const others = sections.filter((s) => s !== info);
    const whole = [...DataTypes.read(sections, 'whole').variables()].length;
    expect(whole).toBeGreaterThan(10);
    // The first unit, which holds no variables, is passed over; the ones behind it are read.
    expect([...DataTypes.read(info === undefined ? [] : [...others, { ...info, bytes: old }], 'old').variables()].length).toBe(whole);
  });

  test('cut short: the error says where', () => {
    const cut = info === undefined ? [] : [...sections.filter((s) => s !== info), { ...info, bytes: info.bytes.slice(0, 100) }];
    expect(() => DataTypes.read(cut, 'cut')).toThrow(/longer than the section/);
  });
});
