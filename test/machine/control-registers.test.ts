import { describe, expect, test } from 'vitest';
import { CORE } from '../../src/engine/layout.ts';
import { RAX, RBX, RCX, RDX } from '../../src/isa/core-state.ts';
import { decode } from '../../src/isa/decode.ts';
import { MODES } from '../../src/isa/mode.ts';
import { CS, RIGHTS } from '../../src/isa/segments.ts';
import { AccessStopped, type Core, GuestFault } from '../../src/machine/core.ts';
import { type EngineName, Machine } from '../../src/machine/machine.ts';
import { setHidden, updateMode } from '../../src/machine/segmentation.ts';
import { cpuidLeaf } from '../../src/machine/system/cpuid.ts';
import { systemHelper } from '../../src/machine/system/index.ts';

const ENGINES: readonly EngineName[] = ['reference', 'interpreter', 'region'];
const [PE, ET, NW, CD, PG] = [1n, 0x10n, 1n << 29n, 1n << 30n, 1n << 31n];
const [PSE, PAE, PGE, SMEP] = [0x10n, 0x20n, 0x80n, 1n << 20n];
const [SCE, LME, LMA, NXE] = [1n, 0x100n, 0x400n, 0x800n];
const EFER = 0xc0000080n;
const RAM = 1 << 20;

interface Start {
  /** Of CS; 64 is 64-bit mode without hidden parts. */
  readonly size: 16 | 32 | 64;
  readonly base?: bigint;
  readonly engine?: EngineName;
  readonly cr0?: bigint;
  readonly cr3?: bigint;
  readonly cr4?: bigint;
  readonly efer?: bigint;
  readonly long?: boolean;
}

function start({ size, base = 0n, engine = 'interpreter', cr0 = PE | ET, cr3 = 0n, cr4 = 0n, efer = 0n, long = false }: Start) {
  const machine = new Machine({ cores: 1, ramBytes: RAM, engine });
  const core = machine.cores[0]!;
  machine.engine.touch(0, RAM);
  core.set('cr0', cr0);
  core.set('cr3', cr3);
  core.set('cr4', cr4);
  core.set('efer', efer);
  if (size !== 64) {
    const data = RIGHTS.present | RIGHTS.user | RIGHTS.writable | RIGHTS.accessed | (size === 32 ? RIGHTS.big : 0);
    const code = data | RIGHTS.code | (long ? RIGHTS.long : 0);
    for (let n = 0; n < 6; n++) setHidden(core, n, { base, limit: size === 16 ? 0xffffn : 0xffffffffn, rights: n === CS ? code : data });
  }
  updateMode(machine, core);
  return { machine, core };
}

/** Does one system instruction; gives the vector of its fault. */
function run(machine: Machine, core: Core, hex: string): number | undefined {
  const decoded = decode(
    Uint8Array.from(hex.split(' '), (byte) => Number.parseInt(byte, 16)),
    MODES[core.mode]!,
  );
  if (decoded.kind !== 'instruction') throw new Error(decoded.kind);
  const { instruction, fields } = decoded;
  try {
    systemHelper(instruction.mnemonic)!(machine, core, instruction, fields, 0n);
    return undefined;
  } catch (error) {
    if (!(error instanceof GuestFault)) throw error;
    expect(error.errorCode).toBe(0n);
    return error.vector;
  }
}

type Name = 'cr0' | 'cr3' | 'cr4' | 'efer';
const MOV = { cr0: '0f 22 c0', cr3: '0f 22 d8', cr4: '0f 22 e0', efer: '0f 30' } as const;

/** Writes a register, and gives whether it took the value; else it was #GP(0), and nothing has changed. */
function takes({ machine, core }: { machine: Machine; core: Core }, name: Name, value: bigint): boolean {
  core.setGpr(RAX, name === 'efer' ? value & 0xffffffffn : value);
  core.setGpr(RDX, value >> 32n);
  core.setGpr(RCX, EFER);
  const words = ['cr0', 'cr3', 'cr4', 'efer', 'pdpte0', 'pdpte1', 'pdpte2', 'pdpte3'] as const;
  const before = words.map((word) => core.get(word));
  const vector = run(machine, core, MOV[name]);
  if (vector === undefined) return true;
  expect(vector).toBe(13);
  expect(words.map((word) => core.get(word))).toEqual(before);
  return false;
}

describe('MOV to CR0', () => {
  test('in real mode sets PE, and clears it in protected mode', () => {
    const real = start({ size: 16, cr0: ET });
    expect(takes(real, 'cr0', PE)).toBe(true);
    expect(real.core.get('cr0')).toBe(PE | ET);
    expect(takes(real, 'cr0', 0n)).toBe(true);
    expect(real.core.get('cr0')).toBe(ET);
    expect(real.core.mode).toBe(3);
  });

  test('needs PE for PG, and CD for NW', () => {
    expect(takes(start({ size: 32 }), 'cr0', PG)).toBe(false);
    expect(takes(start({ size: 32 }), 'cr0', PG | PE)).toBe(true);
    expect(takes(start({ size: 32 }), 'cr0', NW | PE)).toBe(false);
    expect(takes(start({ size: 32 }), 'cr0', NW | CD | PE)).toBe(true);
    expect(takes(start({ size: 32, cr0: PE | PG }), 'cr0', PG)).toBe(false);
    expect(takes(start({ size: 32, cr0: PE | PG }), 'cr0', 0n)).toBe(true);
  });

  test('takes 32 bits of the register outside 64-bit mode, ignores reserved bits there and refuses the upper half in 64-bit mode', () => {
    const protectedMode = start({ size: 32 });
    expect(takes(protectedMode, 'cr0', PE | 0xffc0n | (5n << 32n))).toBe(true);
    expect(protectedMode.core.get('cr0')).toBe(PE | ET);
    const long = { size: 64, cr0: PE | PG, cr4: PAE, efer: LME | LMA } as const;
    expect(takes(start(long), 'cr0', PE | PG | (1n << 32n))).toBe(false);
    expect(takes(start(long), 'cr0', PE | PG | 2n)).toBe(true);
  });

  test('IA-32e mode does not begin with a 16-bit TSS', () => {
    const begins = (access: bigint): boolean => {
      const started = start({ size: 32, cr4: PAE, efer: LME });
      const { machine, core } = started;
      machine.writePhysical(0x9008, 8, 0x67n | (access << 40n));
      core.set('gdtrBase', 0x9000n);
      core.set('gdtrLimit', 0xfn);
      core.set('tr', 8n);
      return takes(started, 'cr0', PE | PG);
    };
    expect([0x83n, 0x8bn].map(begins)).toEqual([false, true]);
  });

  test('PG with LME begins IA-32e mode, with PAE and in code without L only', () => {
    const to64 = { size: 32, cr4: PAE, efer: LME | SCE } as const;
    const began = start(to64);
    expect(takes(began, 'cr0', PE | PG)).toBe(true);
    expect(began.core.get('efer')).toBe(LME | LMA | SCE);
    // Compatibility mode: 32-bit code goes on.
    expect(began.core.mode).toBe(1);
    expect(takes(start({ ...to64, cr4: 0n }), 'cr0', PE | PG)).toBe(false);
    expect(takes(start({ ...to64, long: true }), 'cr0', PE | PG)).toBe(false);
    const legacy = start({ ...to64, efer: SCE, long: true });
    expect(takes(legacy, 'cr0', PE | PG)).toBe(true);
    expect(legacy.core.get('efer')).toBe(SCE);
  });

  test('clearing PG ends it in compatibility mode, and is refused in 64-bit mode', () => {
    const long = { cr0: PE | PG, cr4: PAE, efer: LME | LMA } as const;
    const compatibility = start({ size: 32, ...long });
    expect(takes(compatibility, 'cr0', PE)).toBe(true);
    expect(compatibility.core.get('efer')).toBe(LME);
    expect(takes(start({ size: 64, ...long }), 'cr0', PE)).toBe(false);
    expect(takes(start({ size: 16, long: true, ...long }), 'cr0', PE)).toBe(false);
  });
});

describe('MOV to CR4', () => {
  test('refuses bits of features that CPUID does not report', () => {
    for (const bit of [0, 1, 6, 12, 13, 14, 15, 17, 19, 22, 23, 24, 31])
      expect(takes(start({ size: 32 }), 'cr4', 1n << BigInt(bit))).toBe(false);
    for (const bit of [2, 3, 4, 5, 7, 8, 9, 10, 11, 16, 18, 20, 21])
      expect(takes(start({ size: 32 }), 'cr4', 1n << BigInt(bit))).toBe(true);
  });

  test.each([
    ['VME', 1, 0],
    ['VME', 1, 1],
    ['DE', 2, 3],
    ['PSE', 3, 4],
    ['PAE', 6, 5],
    ['MCE', 7, 6],
    ['PGE', 13, 7],
  ])('goes with CPUID about %s', (_name, feature, bit) => {
    const m = start({ size: 32 });
    const reported = ((cpuidLeaf(m.machine, m.core, 1, 0)[3] >>> feature) & 1) !== 0;
    expect(takes(m, 'cr4', 1n << BigInt(bit))).toBe(reported);
  });

  test('cannot clear PAE in IA-32e mode', () => {
    const long = { cr0: PE | PG, cr4: PAE, efer: LME | LMA } as const;
    for (const size of [16, 32, 64] as const) {
      expect(takes(start({ size, ...long }), 'cr4', PSE)).toBe(false);
      expect(takes(start({ size, ...long }), 'cr4', PSE | PAE)).toBe(true);
    }
    expect(takes(start({ size: 32, cr0: PE | PG, cr4: PAE }), 'cr4', PSE)).toBe(true);
  });
});

describe('MOV to CR3', () => {
  test('refuses bits above the physical width in 64-bit mode', () => {
    const long = { size: 64, cr0: PE | PG, cr4: PAE, efer: LME | LMA } as const;
    expect(takes(start(long), 'cr3', 1n << 40n)).toBe(false);
    expect(takes(start(long), 'cr3', 1n << 63n)).toBe(false);
    expect(takes(start(long), 'cr3', 1n << 39n)).toBe(true);
    const narrow = start({ size: 32 });
    expect(takes(narrow, 'cr3', (1n << 40n) | 0x1018n)).toBe(true);
    expect(narrow.core.get('cr3')).toBe(0x1018n);
  });
});

describe('the four entries of PAE paging', () => {
  const AT = 0x1020;
  const GOOD = [0x2001n, 0n, 0x8000_0000_0000_01e6n, 0x3e19n];
  const pae = { size: 32, cr0: PE | PG, cr4: PAE } as const;

  function put(machine: Machine, entries: readonly bigint[], at = AT): void {
    entries.forEach((entry, n) => {
      machine.writePhysical(at + 8 * n, 8, entry);
    });
  }
  const held = (core: Core): bigint[] => (['pdpte0', 'pdpte1', 'pdpte2', 'pdpte3'] as const).map((word) => core.get(word));

  test('MOV to CR3 loads them from the 32 bytes that it points to', () => {
    const m = start(pae);
    put(m.machine, GOOD);
    expect(takes(m, 'cr3', BigInt(AT) | 0x18n)).toBe(true);
    expect(held(m.core)).toEqual(GOOD);
    put(m.machine, [5n << 12n, 0n, 0n, 0n]);
    expect(held(m.core)).toEqual(GOOD);
  });

  test.each([1n, 2n, 5n, 6n, 7n, 8n, 40n, 51n, 62n, 63n])('and refuses a present one with bit %s', (bit) => {
    for (const present of [1n, 0n]) {
      const m = start(pae);
      put(m.machine, [0n, 0n, 0n, present | (1n << bit)]);
      expect(takes(m, 'cr3', BigInt(AT))).toBe(present === 0n);
    }
  });

  test('not with other paging, nor without', () => {
    for (const words of [{ cr0: PE }, { cr4: PSE }, { efer: LME | LMA }]) {
      const m = start({ ...pae, ...words });
      put(m.machine, [0xffffn, 0n, 0n, 0n]);
      expect(takes(m, 'cr3', BigInt(AT))).toBe(true);
      expect(held(m.core)).toEqual([0n, 0n, 0n, 0n]);
    }
  });

  test.each([
    ['PG', { ...pae, cr0: PE }, 'cr0', PE | PG],
    ['CD', pae, 'cr0', PE | PG | CD],
    ['NW', { ...pae, cr0: PE | PG | CD }, 'cr0', PE | PG | CD | NW],
    ['PAE', { ...pae, cr4: 0n }, 'cr4', PAE],
    ['PGE', pae, 'cr4', PAE | PGE],
    ['PSE', pae, 'cr4', PAE | PSE],
    ['SMEP', pae, 'cr4', PAE | SMEP],
  ] as const)('a change of %s loads them too', (_name, words, register, value) => {
    const m = start({ ...words, cr3: BigInt(AT) });
    put(m.machine, [0x2005n, 0n, 0n, 0n]);
    expect(takes(m, register, value)).toBe(false);
    put(m.machine, GOOD);
    expect(takes(m, register, value)).toBe(true);
    expect(held(m.core)).toEqual(GOOD);
  });

  test.each([
    ['WP and TS', 'cr0', PE | PG | (1n << 16n) | 8n],
    ['TSD and OSFXSR', 'cr4', PAE | 0x204n],
    ['the end of paging', 'cr0', PE],
    ['the end of PAE', 'cr4', 0n],
  ] as const)('%s does not', (_name, register, value) => {
    const m = start({ ...pae, cr3: BigInt(AT) });
    put(m.machine, GOOD);
    expect(takes(m, register, value)).toBe(true);
    expect(held(m.core)).toEqual([0n, 0n, 0n, 0n]);
  });

  test('where no memory is the machine says so', () => {
    expect(() => takes(start(pae), 'cr3', 0xfffff000n)).toThrow('there is no memory at physical address 0xfffff000');
  });

  test('are undone and hashed with the rest of the state', () => {
    const machine = new Machine({ cores: 1, ramBytes: RAM, journal: true });
    const core = machine.cores[0]!;
    machine.engine.touch(0, RAM);
    for (const [word, value] of Object.entries({ cr0: PE | PG, cr4: PAE })) core.set(word as Name, value);
    put(machine, GOOD);
    const before = machine.hash();
    const mark = machine.mark();
    expect(takes({ machine, core }, 'cr3', BigInt(AT))).toBe(true);
    expect(held(core)).toEqual(GOOD);
    const loaded = machine.hash();
    machine.rollback(mark);
    expect(held(core)).toEqual([0n, 0n, 0n, 0n]);
    expect(machine.hash()).toBe(before);
    put(machine, [0x2009n]);
    takes({ machine, core }, 'cr3', BigInt(AT));
    expect(machine.hash()).not.toBe(loaded);
  });
});

describe('WRMSR of EFER', () => {
  test('changes LME while paging is off only, and never LMA', () => {
    const off = start({ size: 32 });
    expect(takes(off, 'efer', LME | LMA | NXE)).toBe(true);
    expect(off.core.get('efer')).toBe(LME | NXE);
    expect(takes(off, 'efer', 0n)).toBe(true);
    expect(off.core.get('efer')).toBe(0n);
    expect(takes(start({ size: 32, cr0: PE | PG }), 'efer', LME)).toBe(false);
    const long = { cr0: PE | PG, cr4: PAE, efer: LME | LMA } as const;
    for (const size of [32, 64] as const) {
      expect(takes(start({ size, ...long }), 'efer', NXE)).toBe(false);
      const m = start({ size, ...long });
      expect(takes(m, 'efer', LME | NXE)).toBe(true);
      expect(m.core.get('efer')).toBe(LME | LMA | NXE);
    }
  });

  test('refuses reserved bits', () => {
    for (const bit of [1n, 9n, 12n, 15n, 63n]) expect(takes(start({ size: 16, cr0: ET }), 'efer', 1n << bit)).toBe(false);
  });
});

test('what is cached under other rules is forgotten when they are undone', () => {
  const machine = new Machine({ cores: 1, ramBytes: RAM, journal: true });
  const core = machine.cores[0]!;
  machine.engine.touch(0, RAM);
  const wp = PE | PG | (1n << 16n);
  for (const [word, value] of Object.entries({ cr0: wp, cr3: 0x1000n, cr4: PAE, efer: LME | LMA })) core.set(word as Name, value);
  core.setRawLong(CORE.homeCr3, 0x1000n);
  machine.writePhysical(0x1000, 8, 0x2003n);
  machine.writePhysical(0x2000, 8, 0x3003n);
  machine.writePhysical(0x3000, 8, 0x81n);
  const stores = (): boolean => {
    try {
      core.store(0x8000n, 8, 1n);
      return true;
    } catch (error) {
      if (!(error instanceof AccessStopped)) throw error;
      machine.engine.globals.stop.value = 0;
      return false;
    }
  };
  expect(stores()).toBe(false);
  const mark = machine.mark();
  expect(takes({ machine, core }, 'cr0', PE | PG)).toBe(true);
  expect(stores()).toBe(true);
  machine.rollback(mark);
  expect(stores()).toBe(false);
});

describe('SMSW, LMSW and CLTS', () => {
  test('LMSW sets PE in real mode and cannot clear it', () => {
    const { machine, core } = start({ size: 16, cr0: ET });
    core.setGpr(RAX, 0xfffffff3n);
    expect(run(machine, core, '0f 01 f0')).toBeUndefined();
    expect(core.get('cr0')).toBe(ET | 3n);
    core.setGpr(RAX, 8n);
    expect(run(machine, core, '0f 01 f0')).toBeUndefined();
    expect(core.get('cr0')).toBe(ET | PE | 8n);
    expect(run(machine, core, '0f 06')).toBeUndefined();
    expect(core.get('cr0')).toBe(ET | PE);
  });

  test('SMSW gives a register as many bits as it has', () => {
    const { machine, core } = start({ size: 16, cr0: ET | (5n << 28n) });
    core.setGpr(RAX, 0x1234_5678_9abc_def0n);
    expect(run(machine, core, '0f 01 e0')).toBeUndefined();
    expect(core.gpr(RAX)).toBe(0x1234_5678_9abc_0010n);
    expect(run(machine, core, '66 0f 01 e0')).toBeUndefined();
    expect(core.gpr(RAX)).toBe(0x50000010n);
  });

  test('MOV from a control register gives 32 bits outside 64-bit mode', () => {
    const { machine, core } = start({ size: 16, cr0: ET });
    core.setGpr(RAX, 0xffff_ffff_ffff_ffffn);
    core.set('cr2', 0x1_2345_6789n);
    expect(run(machine, core, '0f 20 d0')).toBeUndefined();
    expect(core.gpr(RAX)).toBe(0x23456789n);
  });

  test('all of them, and WRMSR, need CPL 0', () => {
    for (const hex of [...Object.values(MOV), '0f 20 c0', '0f 01 f0', '0f 06']) {
      const { machine, core } = start({ size: 32 });
      core.setSmall('cpl', 3);
      expect(run(machine, core, hex)).toBe(13);
    }
  });
});

describe.each(ENGINES)('switches under %s', (engine) => {
  const put = (machine: Machine, at: number, hex: string): void =>
    machine.engine.bytes.set(
      Uint8Array.from(hex.split(/\s+/), (byte) => Number.parseInt(byte, 16)),
      machine.engine.map.ram + at,
    );

  test('from real mode to protected mode and back, in the same segment', () => {
    const { machine, core } = start({ size: 16, engine, base: 0x10000n, cr0: ET });
    // mov eax,cr0; inc ax; mov cr0,eax; mov bx,cs; mov ecx,cr0; mov [2000h],cx; dec ax; mov cr0,eax; smsw dx; jmp $
    put(machine, 0x11000, '0f 20 c0 40 0f 22 c0 8c cb 0f 20 c1 89 0e 00 20 48 0f 22 c0 0f 01 e2 eb fe');
    core.set('cs', 0x1000n);
    core.rip = 0x1000n;
    machine.runCore(core, 20);
    expect(core.gpr(RCX)).toBe(PE | ET);
    expect(core.gpr(RBX) & 0xffffn).toBe(0x1000n);
    expect(machine.readPhysical(0x12000, 2)).toBe(0x11n);
    expect(core.gpr(RDX) & 0xffffn).toBe(ET);
    expect(core.get('cr0')).toBe(ET);
    expect(core.rip).toBe(0x1017n);
  });

  test('through all paging modes: each maps another page at 400000h', () => {
    const { machine, core } = start({ size: 32, engine });
    const write = (at: number, entry: bigint, bytes: number): void => machine.writePhysical(at, bytes, entry);
    // Three pages with a mark each.
    [0x50000, 0x51000, 0x52000].forEach((page, n) => {
      write(page, BigInt(0x11111111 * (n + 1)), 4);
    });
    const [LARGE, ALL] = [0x80n, 3n];
    // 32-bit: 4 MiB for the code, a table for the other.
    write(0x10000, LARGE | ALL, 4);
    write(0x10004, 0x11000n | ALL, 4);
    write(0x11000, 0x50000n | ALL, 4);
    // PAE: 2 MiB.
    write(0x20000, 0x21001n, 8);
    write(0x21000, LARGE | ALL, 8);
    write(0x21010, 0x22000n | ALL, 8);
    write(0x22000, 0x51000n | ALL, 8);
    // 4-level.
    write(0x30000, 0x31000n | ALL, 8);
    write(0x31000, 0x32000n | ALL, 8);
    write(0x32000, LARGE | ALL, 8);
    write(0x32010, 0x33000n | ALL, 8);
    write(0x33000, 0x52000n | ALL, 8);
    const code = [
      // mov eax,10h; mov cr4,eax; mov eax,10000h; mov cr3,eax; mov ebx,80000011h; mov cr0,ebx; mov eax,[400000h]; mov [60000h],eax
      'b8 10 00 00 00 0f 22 e0 b8 00 00 01 00 0f 22 d8 bb 11 00 00 80 0f 22 c3 a1 00 00 40 00 a3 00 00 06 00',
      // xor ebx,80000000h; mov cr0,ebx; mov eax,20h; mov cr4,eax; mov eax,20000h; mov cr3,eax; xor ebx,80000000h; mov cr0,ebx; mov eax,[400000h]; mov [60004h],eax
      '81 f3 00 00 00 80 0f 22 c3 b8 20 00 00 00 0f 22 e0 b8 00 00 02 00 0f 22 d8 81 f3 00 00 00 80 0f 22 c3 a1 00 00 40 00 a3 04 00 06 00',
      // xor ebx,80000000h; mov cr0,ebx; mov eax,30000h; mov cr3,eax; mov ecx,0c0000080h; rdmsr; or ah,1; wrmsr; xor ebx,80000000h; mov cr0,ebx
      '81 f3 00 00 00 80 0f 22 c3 b8 00 00 03 00 0f 22 d8 b9 80 00 00 c0 0f 32 80 cc 01 0f 30 81 f3 00 00 00 80 0f 22 c3',
      // mov eax,[400000h]; mov [60008h],eax; rdmsr; mov [6000ch],eax; xor ebx,80000000h; mov cr0,ebx; rdmsr; mov [60010h],eax; jmp $
      'a1 00 00 40 00 a3 08 00 06 00 0f 32 a3 0c 00 06 00 81 f3 00 00 00 80 0f 22 c3 0f 32 a3 10 00 06 00 eb fe',
    ];
    put(machine, 0x8000, code.join(' '));
    core.rip = 0x8000n;
    // The system instructions stop it where nothing is explored.
    for (let n = 0; n < 60; n++) machine.runCore(core, 1);
    expect([0, 4, 8, 12, 16].map((at) => machine.readPhysical(0x60000 + at, 4))).toEqual([
      0x11111111n,
      0x22222222n,
      0x33333333n,
      0x500n,
      0x100n,
    ]);
    expect(core.get('cr0')).toBe(PE | ET);
    expect(core.mode).toBe(1);
  });
});
