import { describe, expect, test } from 'vitest';
import { CORE, PAGE, PAGE_INFO_BASE, Stop, TLB } from '../../src/engine/layout.ts';
import { AC } from '../../src/isa/core-state.ts';
import { AccessStopped } from '../../src/machine/core.ts';
import { type Access, translateFetch, walk } from '../../src/machine/paging.ts';
import { AT, TinyMachine } from './tiny-machine.ts';

const ACCESSED = 0x20n;
const DIRTY = 0x40n;
const LARGE = 0x80n;
const NX = 1n << 63n;

function machine() {
  const m = new TinyMachine();
  const core = m.cores[0]!;
  const pte = (page: number): number => AT.pt + (page >> 9);
  const change = (at: number, f: (entry: bigint) => bigint): void => {
    m.write(at, f(m.read(at)));
    m.flushTlb(core);
  };
  return {
    m,
    core,
    pte,
    change,
    walk: (address: bigint | number, access: Access, implicit = false) => walk(m, core, BigInt(address), access, implicit),
  };
}

test('a read sets the accessed flags on the way, a write also the dirty flag of the page', () => {
  const { m, pte, walk } = machine();
  expect(walk(AT.data + 5, 'read')).toEqual({ physical: AT.data + 5, writable: false, executable: true });
  expect(m.read(pte(AT.data)) & (ACCESSED | DIRTY)).toBe(ACCESSED);
  expect(m.read(AT.pml4) & (ACCESSED | DIRTY)).toBe(ACCESSED);
  expect(walk(AT.data, 'write')).toEqual({ physical: AT.data, writable: true, executable: true });
  expect(m.read(pte(AT.data)) & DIRTY).toBe(DIRTY);
  expect(m.read(AT.pd) & DIRTY).toBe(0n);
  expect(walk(AT.data, 'read')).toMatchObject({ writable: true });
});

test('the pages of the tables are marked', () => {
  const { m, walk } = machine();
  const info = (at: number): number => m.engine.words[(PAGE_INFO_BASE >> 2) + (at >> 12)]! & PAGE.pageTable;
  expect(info(AT.pd)).toBe(0);
  walk(AT.data, 'read');
  expect([AT.pml4, AT.pdpt, AT.pd, AT.pt, AT.data].map(info)).toEqual([PAGE.pageTable, PAGE.pageTable, PAGE.pageTable, PAGE.pageTable, 0]);
});

test('a 2-MiB and a 1-GiB page', () => {
  const { m, core, walk } = machine();
  m.write(AT.pd + 8, 0n | LARGE | 3n);
  expect(walk(0x213456, 'read')).toMatchObject({ physical: 0x13456 });
  m.write(AT.pdpt + 8, 0n | LARGE | 3n);
  expect(walk(0x40013456n, 'write')).toMatchObject({ physical: 0x13456, writable: true });
  expect(m.read(AT.pdpt + 8) & DIRTY).toBe(DIRTY);
  m.write(AT.pd + 8, (0x1000n << 1n) | LARGE | 3n);
  m.flushTlb(core);
  expect(walk(0x213456, 'read')).toMatchObject({ fault: 14, errorCode: 9n });
});

test('error codes of page faults', () => {
  const { core, pte, change, walk } = machine();
  change(pte(AT.data), () => 0n);
  expect(walk(AT.data + 1, 'read')).toEqual({ fault: 14, errorCode: 0n, cr2: BigInt(AT.data + 1) });
  expect(walk(AT.data, 'write')).toMatchObject({ errorCode: 2n });
  expect(walk(AT.data, 'fetch')).toMatchObject({ errorCode: 0x10n });
  core.setSmall('cpl', 3);
  expect(walk(AT.data, 'write')).toMatchObject({ errorCode: 6n });
  expect(walk(AT.stack, 'read')).toMatchObject({ errorCode: 5n });
  expect(walk(AT.stack, 'read', true)).toMatchObject({ physical: AT.stack });
});

test('read-only pages: for the supervisor only under CR0.WP', () => {
  const { core, pte, change, walk } = machine();
  change(pte(AT.data), (entry) => entry & ~2n);
  expect(walk(AT.data, 'write')).toMatchObject({ errorCode: 3n });
  core.set('cr0', core.get('cr0') & ~(1n << 16n));
  expect(walk(AT.data, 'write')).toMatchObject({ physical: AT.data, writable: true });
  core.setSmall('cpl', 3);
  expect(walk(AT.data, 'write')).toMatchObject({ errorCode: 7n });
});

test('no-execute, and NX as a reserved bit without EFER.NXE', () => {
  const { core, pte, change, walk } = machine();
  change(pte(AT.data), (entry) => entry | NX);
  expect(walk(AT.data, 'fetch')).toMatchObject({ errorCode: 0x11n });
  expect(walk(AT.data, 'read')).toMatchObject({ executable: false });
  core.set('efer', core.get('efer') & ~0x800n);
  expect(walk(AT.data, 'read')).toMatchObject({ fault: 14, errorCode: 9n });
});

test('address bits above the physical width are reserved', () => {
  const { pte, change, walk } = machine();
  change(pte(AT.data), (entry) => entry | (1n << 45n));
  expect(walk(AT.data, 'read')).toMatchObject({ errorCode: 9n });
});

describe('SMEP and SMAP', () => {
  test('SMEP keeps the supervisor from executing user pages', () => {
    const { core, walk } = machine();
    expect(walk(AT.user, 'fetch')).toMatchObject({ physical: AT.user });
    core.set('cr4', 0x100020n);
    expect(walk(AT.user, 'fetch')).toMatchObject({ errorCode: 0x11n });
    expect(walk(AT.user, 'read')).toMatchObject({ executable: false });
  });

  test('SMAP keeps the supervisor from user data unless AC is set, and implicit accesses always', () => {
    const { core, walk } = machine();
    core.set('cr4', 0x200020n);
    expect(walk(AT.user, 'read')).toMatchObject({ errorCode: 1n });
    core.rflags |= AC;
    expect(walk(AT.user, 'read')).toMatchObject({ physical: AT.user });
    expect(walk(AT.user, 'read', true)).toMatchObject({ errorCode: 1n });
  });
});

test('behind the end of RAM nothing is there', () => {
  const { pte, change, walk } = machine();
  change(pte(AT.data), () => 0xfee00003n);
  expect(walk(AT.data + 0x30, 'read')).toEqual({ absent: true, at: 0xfee00030 });
});

test('addresses that are not canonical', () => {
  const { m, core, walk } = machine();
  expect(walk(1n << 47n, 'read')).toEqual({ nonCanonical: true });
  expect(translateFetch(m, core, 1n << 47n)).toEqual({ fault: 13, errorCode: 0n });
  const vector = (body: () => void): number => {
    expect(body).toThrow(AccessStopped);
    expect(m.engine.globals.stop.value).toBe(Stop.exception + 1);
    m.engine.globals.stop.value = 0;
    return Number(core.rawLong(CORE.stopVector));
  };
  expect(vector(() => core.load(1n << 47n, 8))).toBe(13);
  expect(vector(() => core.load(1n << 47n, 8, 'stack'))).toBe(12);
});

test('a memory operand through RBP that is not canonical is #SS, through RAX #GP', () => {
  const { m, core } = machine();
  core.setGpr(5, 1n << 50n);
  core.setGpr(0, 1n << 50n);
  m.step(core, '488b4500');
  core.rip = BigInt(AT.code);
  m.step(core, '488b00');
  expect(m.delivered()).toEqual([12, 13]);
});

test('the last page of the address space is not in an empty TLB', () => {
  const { m, core } = machine();
  expect(() => core.load(0xfffffffffffffff8n, 8)).toThrow(AccessStopped);
  m.engine.globals.stop.value = 0;
  expect(core.rawLong(CORE.stopVector)).toBe(14n);
  expect(core.rawLong(CORE.stopCr2)).toBe(0xfffffffffffffff8n);
});

test('a write after a read of a clean page walks again and sets the dirty flag', () => {
  const { m, core, pte } = machine();
  core.load(BigInt(AT.data), 8);
  expect(m.read(pte(AT.data)) & DIRTY).toBe(0n);
  core.store(BigInt(AT.data), 8, 7n);
  expect(m.read(pte(AT.data)) & DIRTY).toBe(DIRTY);
  expect(m.read(AT.data)).toBe(7n);
});

test('fast stores never go to pages of tables', () => {
  const { m, core, pte } = machine();
  core.load(BigInt(AT.data), 8);
  core.store(BigInt(pte(AT.data)), 8, m.read(pte(AT.data)));
  const entry = core.base + CORE.tlb + ((AT.pt >> 12) & (TLB.entries - 1)) * TLB.bytes;
  expect(m.engine.longs[(entry + TLB.tagAny) >> 3]).toBe(BigInt(AT.pt) | 7n);
  expect(m.engine.longs[(entry + TLB.tagWrite) >> 3]).toBe(0xffffffffffffffffn);
});
