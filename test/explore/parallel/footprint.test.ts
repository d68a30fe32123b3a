import { describe, expect, test } from 'vitest';
import { SHADOW } from '../../../src/engine/layout.ts';
import { Knowledge } from '../../../src/explore/knowledge.ts';
import { contested, type Footprint, learnTogether } from '../../../src/explore/table/footprint.ts';
import type { Partition } from '../../../src/explore/table/owners.ts';

const NONE: Partition = { slots: [], owners: [], constants: [] };
const reads = (core: number): number => 1 << core;
const writes = (core: number): number => 1 << (core + SHADOW.writersShift);
const saw = (touched: readonly number[], executed: readonly number[] = []): Footprint => ({
  touched: Uint32Array.from(touched),
  executed: Uint32Array.from(executed),
  partition: NONE,
});
function learned(...footprints: Footprint[]): ReturnType<Knowledge['beyond']> {
  const knowledge = new Knowledge();
  learnTogether(footprints, knowledge);
  return knowledge.beyond(new Knowledge());
}

describe('what is shared by the union of what several workers saw', () => {
  test('a word that one saw read and another saw written', () => {
    expect(learned(saw([0x100, reads(0)]), saw([0x100, writes(1)]))).toEqual({ visible: [0x100], text: [] });
  });

  test.each([
    ['a core by itself', saw([0x100, reads(1)]), saw([0x100, writes(1)])],
    ['readers', saw([0x100, reads(0)]), saw([0x100, reads(1)])],
    ['who touches different words', saw([0x100, reads(0)]), saw([0x108, writes(1)])],
    ['what is known already', saw([0x100, (reads(0) | SHADOW.declared) >>> 0]), saw([0x100, (writes(1) | SHADOW.declared) >>> 0])],
  ])('not %s', (_title, a, b) => {
    expect(learned(a, b)).toEqual({ visible: [], text: [] });
  });

  test('text that one saw executed and another saw written', () => {
    expect(learned(saw([0x100, reads(0)], [0x100]), saw([0x100, writes(0)]))).toEqual({ visible: [], text: [0x100] });
    expect(learned(saw([0x100, reads(0) | SHADOW.text], [0x100]), saw([0x100, writes(1) | SHADOW.text])).text).toEqual([]);
  });
});

describe('quadwords that tables took for different parts of the state', () => {
  const cells = (...partitions: Partial<Partition>[]): number[] => [...contested(partitions.map((p) => ({ ...NONE, ...p })))];

  test.each<[string, Partial<Partition>, Partial<Partition>]>([
    ["two cores' own", { owners: [[8, 0]] }, { owners: [[8, 1]] }],
    ["a core's own and a slot", { owners: [[8, 0]] }, { slots: [8] }],
    ["a core's own, constant for another", { owners: [[8, 0]] }, { constants: [[8, 1]] }],
    ["a core's own, constant for several", { constants: [[8, -1]] }, { owners: [[8, 0]] }],
    ['a slot, and constant', { constants: [[8, 0]] }, { slots: [8] }],
  ])('%s', (_title, a, b) => {
    expect(cells(a, b)).toEqual([8]);
  });

  test('not those that they agree on', () => {
    const one: Partial<Partition> = {
      slots: [8],
      owners: [[16, 0]],
      constants: [
        [16, 0],
        [24, 1],
      ],
    };
    expect(cells(one, { ...one, constants: [[24, 2]] })).toEqual([]);
  });
});
