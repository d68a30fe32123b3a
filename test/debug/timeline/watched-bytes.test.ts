import { describe, expect, test } from 'vitest';
import { WatchedBytes } from '../../../src/debug/timeline/watched-bytes.ts';
import { readLinear, translate } from '../../../src/machine/look.ts';
import { BASE, bareOf } from '../../kernel/bare.ts';

describe('bytes that are looked at again and again', () => {
  const { machine } = bareOf('nop\nhlt\n.fill 8192, 1, 0x90');
  const core = machine.cores[0]!;
  const { bytes, map } = machine.engine;
  // Over the end of a page.
  const address = BASE + 4094n;
  const watched = new WatchedBytes(machine, core, address, 4);
  const look = (): { readonly changed: boolean; readonly bytes: number[] } => {
    const changed = watched.changed();
    expect([...watched.bytes]).toEqual([...readLinear(machine, core, address, 4)]);
    return { changed, bytes: [...watched.bytes] };
  };
  const physical = translate(machine, core, address)!;

  test('are others when they are stored to, on both pages', () => {
    expect(look()).toEqual({ changed: false, bytes: [0x90, 0x90, 0x90, 0x90] });
    bytes[map.ram + physical] = 1;
    bytes[map.ram + physical + 3] = 2;
    expect(look()).toEqual({ changed: true, bytes: [1, 0x90, 0x90, 2] });
    expect(look().changed).toBe(false);
    bytes[map.ram + physical - 1] = 3;
    bytes[map.ram + physical + 4] = 3;
    expect(look().changed).toBe(false);
  });

  test('and when page tables lead elsewhere, or nowhere', () => {
    const entries: number[] = [];
    translate(machine, core, address, (at) => entries.push(at));
    expect(entries).toHaveLength(4);
    const last = map.ram + entries.at(-1)!;
    const whole = machine.engine.view.getBigUint64(last, true);
    const other = 0x300000;
    bytes.set([7, 8], map.ram + other + 4094);
    machine.engine.view.setBigUint64(last, (whole & 0xfffn) | BigInt(other), true);
    expect(look()).toEqual({ changed: true, bytes: [7, 8, 0x90, 2] });
    machine.engine.view.setBigUint64(last, 0n, true);
    expect(look()).toEqual({ changed: true, bytes: [] });
    expect(look().changed).toBe(false);
    machine.engine.view.setBigUint64(last, whole, true);
    expect(look()).toEqual({ changed: true, bytes: [1, 0x90, 0x90, 2] });
  });

  test('and when the core turns to other tables, or to none', () => {
    const root = core.get('cr3');
    const tables = 0x310000;
    bytes.copyWithin(map.ram + tables, map.ram + Number(root), map.ram + Number(root) + 4096);
    core.set('cr3', tables);
    expect(look().changed).toBe(false);
    bytes.fill(0, map.ram + tables, map.ram + tables + 4096);
    expect(look()).toEqual({ changed: true, bytes: [] });
    core.set('cr3', root);
    expect(look()).toEqual({ changed: true, bytes: [1, 0x90, 0x90, 2] });
    const cr0 = core.get('cr0');
    core.set('cr0', cr0 & ~(1n << 31n));
    look();
    core.set('cr0', cr0);
    expect(look().bytes).toEqual([1, 0x90, 0x90, 2]);
  });
});
