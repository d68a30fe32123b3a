import { describe, expect, test } from 'vitest';
import { PAGE } from '../../src/engine/layout.ts';
import { CS, RIGHTS } from '../../src/isa/segments.ts';
import { translate } from '../../src/machine/look.ts';
import { Machine } from '../../src/machine/machine.ts';
import { type Access, walk } from '../../src/machine/paging.ts';
import { setPdptes } from '../../src/machine/paging-modes.ts';
import { setHidden, updateMode } from '../../src/machine/segmentation.ts';
import { cpuidLeaf } from '../../src/machine/system/cpuid.ts';

const [WRITE, USER, ACCESSED, DIRTY, LARGE, NX] = [2n, 4n, 0x20n, 0x40n, 0x80n, 1n << 63n];
const [PSE, PAE, SMEP, SMAP] = [1n << 4n, 1n << 5n, 1n << 20n, 1n << 21n];
const [PG, WP, NXE] = [0x80000001n, 1n << 16n, 1n << 11n];
const ALL = 7n;
const RAM = 1 << 20;

// The table's address would be that of a large page too.
const [DIRECTORY, TABLE, DATA] = [0x2000, 0x1000, 0x5000];

/** A core at 32-bit code with paging: the first entry of the directory refers to the table, whose first entry maps the data at linear address 0. */
function machine(cr4: bigint, { efer = 0n, cr0 = 0n } = {}) {
  const m = new Machine({ cores: 1, ramBytes: RAM });
  const core = m.cores[0]!;
  m.engine.touch(0, RAM);
  const rights = RIGHTS.present | RIGHTS.user | RIGHTS.writable | RIGHTS.accessed | RIGHTS.big;
  for (let n = 0; n < 6; n++) setHidden(core, n, { base: 0n, limit: 0xffffffffn, rights: n === CS ? rights | RIGHTS.code : rights });
  core.set('cr0', PG | cr0);
  core.set('cr3', DIRECTORY);
  core.set('cr4', cr4);
  core.set('efer', efer);
  updateMode(m, core);
  const bytes = (cr4 & PAE) === 0n ? 4 : 8;
  const write = (at: number, entry: bigint): void => {
    m.writePhysical(at, bytes, entry);
    m.flushTlb(core);
  };
  if (bytes === 8) setPdptes(core, [BigInt(DIRECTORY) | 1n, 0n, 0n, 0n]);
  write(DIRECTORY, BigInt(TABLE) | ALL);
  write(TABLE, BigInt(DATA) | ALL);
  return {
    m,
    core,
    write,
    read: (at: number): bigint => m.readPhysical(at, bytes),
    walk: (address: bigint | number, access: Access = 'read', implicit = false) => walk(m, core, BigInt(address), access, implicit),
  };
}

describe.each([
  ['32-bit', 0n, 4, 22n],
  ['PAE', PAE, 8, 21n],
])('%s paging', (_name, mode, bytes, shift) => {
  test('two levels, with the accessed flag in both and the dirty flag in the last', () => {
    const { m, walk, read, write } = machine(mode);
    write(TABLE + 3 * bytes, BigInt(DATA) | ALL);
    write(DIRECTORY + bytes, BigInt(TABLE) | ALL);
    const linear = (1n << shift) + 0x3456n;
    expect(walk(linear)).toEqual({ physical: DATA + 0x456, writable: false, executable: true });
    expect(read(DIRECTORY + bytes)).toBe(BigInt(TABLE) | ALL | ACCESSED);
    expect(read(TABLE + 3 * bytes)).toBe(BigInt(DATA) | ALL | ACCESSED);
    expect(walk(linear, 'write')).toEqual({ physical: DATA + 0x456, writable: true, executable: true });
    expect(read(DIRECTORY + bytes)).toBe(BigInt(TABLE) | ALL | ACCESSED);
    expect(read(TABLE + 3 * bytes)).toBe(BigInt(DATA) | ALL | ACCESSED | DIRTY);
    // Their neighbours are as they were.
    expect(read(TABLE + 2 * bytes)).toBe(0n);
    expect(read(TABLE + 4 * bytes)).toBe(0n);
    expect([DIRECTORY, TABLE, DATA].map((at) => m.pageInfo(at) & PAGE.pageTable)).toEqual([PAGE.pageTable, PAGE.pageTable, 0]);
  });

  test('linear addresses have 32 bits, and none is not canonical', () => {
    const { walk, write, m, core } = machine(mode);
    expect(walk(0x7_0000_0123n)).toMatchObject({ physical: DATA + 0x123 });
    expect(walk(1n << 60n)).toMatchObject({ physical: DATA });
    expect(translate(m, core, 0x1_0000_0123n)).toBe(DATA + 0x123);
    write(DIRECTORY, 0n);
    expect(walk(0xabc_0000_0123n)).toMatchObject({ fault: 14, cr2: 0x123n });
    expect(translate(m, core, 0x123n)).toBeUndefined();
  });

  test('error codes', () => {
    const { core, walk, write } = machine(mode);
    write(TABLE, 0n);
    expect(walk(0)).toMatchObject({ errorCode: 0n });
    expect(walk(0, 'write')).toMatchObject({ errorCode: 2n });
    write(TABLE, BigInt(DATA) | 1n | WRITE);
    core.setSmall('cpl', 3);
    expect(walk(0)).toMatchObject({ errorCode: 5n });
    expect(walk(0, 'write')).toMatchObject({ errorCode: 7n });
    expect(walk(0, 'read', true)).toMatchObject({ physical: DATA });
    write(TABLE, BigInt(DATA) | ALL);
    expect(walk(0, 'write')).toMatchObject({ physical: DATA });
    // All levels have to allow it.
    write(DIRECTORY, BigInt(TABLE) | 1n | WRITE);
    expect(walk(0)).toMatchObject({ errorCode: 5n });
  });

  test('read-only pages and CR0.WP', () => {
    const { core, walk, write } = machine(mode, { cr0: WP });
    write(DIRECTORY, BigInt(TABLE) | 1n | USER);
    expect(walk(0, 'write')).toMatchObject({ errorCode: 3n });
    core.set('cr0', PG);
    expect(walk(0, 'write')).toMatchObject({ physical: DATA, writable: true });
    core.setSmall('cpl', 3);
    expect(walk(0, 'write')).toMatchObject({ errorCode: 7n });
  });

  test('SMEP and SMAP', () => {
    const { core, walk } = machine(mode);
    expect(walk(0, 'fetch')).toMatchObject({ physical: DATA });
    core.set('cr4', mode | SMEP);
    expect(walk(0, 'fetch')).toMatchObject({ errorCode: 0x11n });
    expect(walk(0, 'read')).toMatchObject({ executable: false });
    core.set('cr4', mode | SMAP);
    expect(walk(0, 'read')).toMatchObject({ errorCode: 1n });
    expect(walk(0, 'fetch')).toMatchObject({ physical: DATA });
    core.rflags |= 1 << 18;
    expect(walk(0, 'read')).toMatchObject({ physical: DATA });
  });

  test('a table behind the end of RAM', () => {
    const { walk, write, m, core } = machine(mode);
    write(DIRECTORY, 0xf0000000n | ALL);
    expect(walk(0x1000)).toEqual({ absent: true, at: 0xf0000000 + bytes });
    expect(translate(m, core, 0x1000n)).toBeUndefined();
  });
});

describe('32-bit paging', () => {
  test('PS maps 4 MiB with CR4.PSE, and means nothing without', () => {
    const { core, walk, write, m, read } = machine(PSE);
    write(DIRECTORY + 8, LARGE | ALL);
    expect(walk(0x80fedcb, 'write')).toMatchObject({ fault: 14 });
    expect(walk(0x8fedcb, 'write')).toEqual({ physical: 0xfedcb, writable: true, executable: true });
    expect(read(DIRECTORY + 8)).toBe(LARGE | ALL | ACCESSED | DIRTY);
    write(DIRECTORY, BigInt(TABLE) | LARGE | ALL);
    expect(walk(0x123)).toMatchObject({ physical: 0x123 });
    core.set('cr4', 0n);
    m.flushTlb(core);
    expect(walk(0x123)).toMatchObject({ physical: DATA + 0x123 });
    expect(translate(m, core, 0x123n)).toBe(DATA + 0x123);
  });

  test('CPUID reports large pages and PSE-36', () => {
    const { m, core } = machine(0n);
    const edx = cpuidLeaf(m, core, 1, 0)[3];
    expect([3, 17].map((bit) => (edx >>> bit) & 1)).toEqual([1, 1]);
  });

  test('PSE-36: bits 20 to 13 are bits 39 to 32 of the address, bit 12 is PAT, bit 21 is reserved', () => {
    const { walk, write } = machine(PSE);
    write(DIRECTORY, LARGE | ALL | (0x5an << 13n));
    expect(walk(0x123456)).toEqual({ absent: true, at: 0x5a_0012_3456 });
    write(DIRECTORY, LARGE | ALL | (1n << 12n));
    expect(walk(0x23456)).toMatchObject({ physical: 0x23456 });
    write(DIRECTORY, LARGE | ALL | (1n << 21n));
    expect(walk(0x23456)).toMatchObject({ errorCode: 9n });
  });

  test('knows no XD: EFER.NXE makes no bit reserved, and no fetch is reported', () => {
    const { core, walk, write } = machine(0n, { efer: NXE });
    expect(walk(0, 'fetch')).toMatchObject({ physical: DATA });
    write(TABLE, 0n);
    expect(walk(0, 'fetch')).toMatchObject({ errorCode: 0n });
    core.set('cr4', SMEP);
    expect(walk(0, 'fetch')).toMatchObject({ errorCode: 0x10n });
  });

  test('reaches the last page of 4 GiB', () => {
    const { walk, write } = machine(0n);
    write(DIRECTORY + 4 * 1023, BigInt(TABLE) | ALL);
    write(TABLE + 4 * 1023, BigInt(DATA) | ALL);
    expect(walk(0xffffffff)).toMatchObject({ physical: DATA + 0xfff });
    expect(walk(-1n)).toMatchObject({ physical: DATA + 0xfff });
  });
});

describe('PAE paging', () => {
  test('takes the entry for each GiB from the core, and memory does not say it again', () => {
    const { m, core, walk } = machine(PAE);
    setPdptes(core, [0n, 0n, BigInt(DIRECTORY) | 1n, 0n]);
    expect(walk(0x80000123)).toMatchObject({ physical: DATA + 0x123 });
    expect(walk(0x123)).toMatchObject({ fault: 14, errorCode: 0n });
    expect(walk(0xc0000123, 'write')).toMatchObject({ errorCode: 2n });
    expect(translate(m, core, 0x80000123n)).toBe(DATA + 0x123);
    expect(translate(m, core, 0xc0000123n)).toBeUndefined();
    // They have no rights and no accessed flag.
    core.setSmall('cpl', 3);
    expect(walk(0x80000123, 'write')).toMatchObject({ physical: DATA + 0x123 });
    expect(core.get('pdpte2')).toBe(BigInt(DIRECTORY) | 1n);
  });

  test('PS maps 2 MiB whatever CR4.PSE is; its bits 20 to 13 are reserved', () => {
    const { walk, write, read } = machine(PAE);
    write(DIRECTORY + 8, LARGE | ALL | (1n << 12n));
    expect(walk(0x2fedcb, 'write')).toMatchObject({ physical: 0xfedcb });
    expect(read(DIRECTORY + 8) & DIRTY).toBe(DIRTY);
    for (const bit of [13n, 20n]) {
      write(DIRECTORY + 8, LARGE | ALL | (1n << bit));
      expect(walk(0x2fedcb)).toMatchObject({ errorCode: 9n });
    }
  });

  test.each([40n, 51n, 52n, 62n])('bit %s is reserved in every entry', (bit) => {
    const { walk, write } = machine(PAE);
    write(TABLE, BigInt(DATA) | ALL | (1n << bit));
    expect(walk(0)).toMatchObject({ errorCode: 9n });
    write(DIRECTORY, BigInt(TABLE) | ALL | (1n << bit));
    expect(walk(0, 'write')).toMatchObject({ errorCode: 11n });
    write(DIRECTORY, 0n);
    expect(walk(0)).toMatchObject({ errorCode: 0n });
  });

  test('XD with EFER.NXE, else a reserved bit', () => {
    const { core, walk, write } = machine(PAE, { efer: NXE });
    write(DIRECTORY, BigInt(TABLE) | ALL | NX);
    expect(walk(0, 'fetch')).toMatchObject({ errorCode: 0x11n });
    expect(walk(0)).toMatchObject({ physical: DATA, executable: false });
    write(DIRECTORY, 0n);
    expect(walk(0, 'fetch')).toMatchObject({ errorCode: 0x10n });
    core.set('efer', 0n);
    expect(walk(0, 'fetch')).toMatchObject({ errorCode: 0n });
    write(DIRECTORY, BigInt(TABLE) | ALL | NX);
    expect(walk(0)).toMatchObject({ errorCode: 9n });
  });
});

test('4-level paging with EFER.LMA, whose entries ignore bits 52 to 62', () => {
  const { m, core, walk, write } = machine(PAE, { efer: 0x500n });
  const [PML4, PDPT] = [0x3000, 0x4000];
  core.set('cr3', PML4);
  write(PML4, BigInt(PDPT) | ALL | (1n << 62n));
  write(PDPT, BigInt(DIRECTORY) | ALL | (1n << 52n));
  expect(walk(0x123, 'write')).toMatchObject({ physical: DATA + 0x123 });
  // Compatibility mode reaches its descriptor tables with 64 bits.
  expect(walk(0x1_0000_0123n)).toMatchObject({ fault: 14, cr2: 0x1_0000_0123n });
  expect(walk(1n << 47n)).toEqual({ nonCanonical: true });
  expect(translate(m, core, 1n << 47n)).toBeUndefined();
  write(PML4, BigInt(PDPT) | ALL | LARGE);
  expect(walk(0x123)).toMatchObject({ errorCode: 9n });
});

test('without CR0.PG linear addresses are physical', () => {
  const { m, core, walk } = machine(PAE | PSE);
  core.set('cr0', 1n);
  core.setSmall('cpl', 3);
  expect(walk(DATA + 0x1_0000_0000, 'write')).toEqual({ physical: DATA, writable: true, executable: true });
  expect(walk(RAM)).toEqual({ absent: true, at: RAM });
  expect(translate(m, core, BigInt(DATA))).toBe(DATA);
  expect(translate(m, core, BigInt(RAM))).toBeUndefined();
});
