import { describe, expect, test } from 'vitest';
import { CORE, Stop } from '../../src/engine/layout.ts';
import { AC, Activity, IF, IOPL, RSP, TF, ZF } from '../../src/isa/core-state.ts';
import { decode } from '../../src/isa/decode.ts';
import { MNEMONICS, semanticsOf } from '../../src/isa/semantics/index.ts';
import type { Core } from '../../src/machine/core.ts';
import type { MachineHost } from '../../src/machine/parts.ts';
import { systemHelper } from '../../src/machine/system/index.ts';
import { AT, SELECTOR, TinyMachine } from './tiny-machine.ts';

const [RAX, RCX, RDX, RBX, RDI] = [0, 1, 2, 3, 7];

function machine(host: Partial<MachineHost> = {}) {
  const m = new TinyMachine(2, host);
  const core = m.cores[0]!;
  return {
    m,
    core,
    /** Runs one instruction at the start of the code and gives the vectors that it raised. */
    run: (hex: string): number[] => {
      const before = m.delivered().length;
      core.rip = BigInt(core.small('cpl') === 3 ? AT.user : AT.code);
      m.step(core, hex);
      return m.delivered().slice(before);
    },
  };
}

test('every system mnemonic has a helper', () => {
  const system = MNEMONICS.filter((name) => semanticsOf(name) === semanticsOf('cpuid'));
  expect(system.length).toBeGreaterThan(60);
  expect(system.filter((name) => systemHelper(name) === undefined)).toEqual([]);
});

describe('privilege', () => {
  const privileged = {
    hlt: 'f4',
    rdmsr: '0f32',
    wrmsr: '0f30',
    'mov cr0': '0f22c0',
    'mov from cr3': '0f20d8',
    'mov dr7': '0f23f8',
    clts: '0f06',
    lmsw: '0f01f0',
    lgdt: '0f0110',
    lidt: '0f0118',
    lldt: '0f00d0',
    ltr: '0f00d8',
    invlpg: '0f0138',
    invd: '0f08',
    wbinvd: '0f09',
    swapgs: '0f01f8',
    cli: 'fa',
    sti: 'fb',
    in: 'ec',
    out: 'ee',
    ins: '6c',
    outs: '6e',
    sysret: '480f07',
    sysexit: '480f35',
    rdpmc: '0f33',
  };
  test.each(Object.entries(privileged))('%s is #GP(0) in user mode', (_name, hex) => {
    const { m, core, run } = machine();
    m.toUser(core);
    core.set('sysenterCs', 8n);
    expect(run(hex)).toEqual([13]);
    expect(m.events.at(-1)).toMatchObject({ errorCode: 0n, rip: BigInt(AT.user) });
  });

  test.each([
    ['stac', '0f01cb'],
    ['clac', '0f01ca'],
    ['vmcall', '0f01c1'],
    ['xgetbv', '0f01d0'],
    ['rdrand', '0fc7f0'],
    ['monitor', '0f01c8'],
  ])('%s is #UD in user mode', (_name, hex) => {
    const { m, core, run } = machine();
    m.toUser(core);
    expect(run(hex)).toEqual([6]);
  });

  test.each([
    ['sgdt', '0f0100'],
    ['sidt', '0f0108'],
    ['sldt', '0f00c0'],
    ['str', '0f00c8'],
    ['smsw', '0f01e0'],
  ])('%s in user mode depends on UMIP', (_name, hex) => {
    const { m, core, run } = machine();
    m.toUser(core);
    core.setGpr(RAX, BigInt(AT.data));
    expect(run(hex)).toEqual([]);
    core.set('cr4', core.get('cr4') | (1n << 11n));
    expect(run(hex)).toEqual([13]);
  });

  test.each([
    ['rdtsc', '0f31'],
    ['rdtscp', '0f01f9'],
  ])('%s in user mode depends on TSD', (_name, hex) => {
    const { m, core, run } = machine();
    m.toUser(core);
    expect(run(hex)).toEqual([]);
    core.set('cr4', core.get('cr4') | 4n);
    expect(run(hex)).toEqual([13]);
  });

  test('CLI and STI with IOPL 3', () => {
    const { m, core, run } = machine();
    core.rflags |= IOPL;
    m.toUser(core);
    expect(run('fa')).toEqual([]);
    expect(core.rflags & IF).toBe(0);
  });
});

describe('POPF', () => {
  const popf = (cpl: number, flags: number, image: number): number => {
    const { m, core } = machine();
    core.rflags = flags | 2;
    if (cpl === 3) m.toUser(core);
    core.setGpr(RSP, core.gpr(RSP) - 8n);
    core.store(core.gpr(RSP), 8, BigInt(image));
    const decoded = decode(Uint8Array.of(0x9d));
    if (decoded.kind !== 'instruction') throw new Error('popf');
    systemHelper('popf')!(m, core, decoded.instruction, decoded.fields, core.rip + 1n);
    return core.rflags;
  };

  test('takes IF and IOPL as the privilege level allows, never VM, and clears RF', () => {
    expect(popf(0, 1 << 16, 0x3fffd7)).toBe(0x247fd7);
    expect(popf(3, IF, 0)).toBe(IF | 2);
    expect(popf(3, IF | IOPL, 0)).toBe(IOPL | 2);
    expect(popf(3, 0, IF | IOPL)).toBe(2);
  });
});

describe('ports', () => {
  test('the permission bitmap of the TSS', () => {
    const { m, core, run } = machine();
    m.toUser(core);
    core.set('trLimit', 0x67 + 0x100);
    m.write(AT.tss + 0x66, 0x68n, 2);
    for (let n = 0; n < 0x100; n++) m.write(AT.tss + 0x68 + n, 0xffn, 1);
    m.write(AT.tss + 0x68 + 0x7f, 0xfen, 1);
    core.setGpr(RDX, 0x3f8n);
    expect(run('ee')).toEqual([]);
    expect(run('66ef')).toEqual([13]);
    m.toUser(core);
    core.setGpr(RDX, 0x3f9n);
    expect(run('ee')).toEqual([13]);
  });

  test('serial line', () => {
    const { m, core, run } = machine();
    core.setGpr(RDX, 0x3fdn);
    run('ec');
    expect(core.gpr(RAX) & 0x60n).toBe(0x60n);
    core.setGpr(RDX, 0x3f8n);
    core.setGpr(RAX, 0x41n);
    run('ee');
    m.write(AT.data, 0x4342n, 2);
    core.setGpr(6, BigInt(AT.data));
    core.setGpr(RCX, 2n);
    run('f36e');
    expect([core.rip, core.gpr(RCX)]).toEqual([BigInt(AT.code), 1n]);
    run('f36e');
    expect(core.rip).toBe(BigInt(AT.code + 2));
    expect(m.serial).toEqual([0x41, 0x42, 0x43]);
  });

  test('nothing answers elsewhere', () => {
    const { core, run } = machine();
    core.setGpr(RDX, 0x60n);
    core.setGpr(RAX, 0n);
    run('ed');
    expect(core.gpr(RAX)).toBe(0xffffffffn);
    core.setGpr(RDI, BigInt(AT.data + 8));
    core.rflags |= 1 << 10;
    run('66 6d');
    expect(core.gpr(RDI)).toBe(BigInt(AT.data + 6));
    expect(core.load(BigInt(AT.data + 8), 4)).toBe(0xffffn);
  });

  test('debug exit', () => {
    const { m, core, run } = machine();
    core.setGpr(RAX, 7n);
    run('e6f4');
    expect([core.small('activity'), core.small('exitCode')]).toEqual([Activity.exited, 7]);
    expect(m.events).toEqual([{ kind: 'exit', core: 0, code: 7 }]);
  });
});

describe('serializing', () => {
  const serializing = ['0fa2', '0f01e8', '0f22d8', '0f23f8', '0f0138', '0f09', '0f08', '0f0110', '0f0118', '0f00d0', '0f30'];
  const prepare = (m: TinyMachine, core: Core): void => {
    core.setGpr(RAX, 0n);
    core.setGpr(RCX, 0x277n);
    core.setGpr(RDX, 0n);
    m.write(0, 0n);
  };

  test.each(serializing)('%s drains first, asks for its place, and then does all or nothing', (hex) => {
    const { m, core } = machine();
    prepare(m, core);
    core.setRaw(CORE.storeBufferCount, 1);
    expect(m.step(core, hex)).toBe(Stop.drain);
    core.setRaw(CORE.storeBufferCount, 0);
    m.visible = false;
    expect(m.step(core, hex)).toBe(Stop.systemVisible);
    expect([core.rip, m.serialized]).toEqual([BigInt(AT.code), 0]);
    m.visible = true;
    m.step(core, hex);
    expect([core.rip > BigInt(AT.code), m.serialized, m.delivered()]).toEqual([true, 1, []]);
  });

  test.each(['0f20d8', '440f22c0', '0f31', '0f01f8', 'fa', '0f06'])('%s does not serialize', (hex) => {
    const { m, core } = machine();
    prepare(m, core);
    core.setRaw(CORE.storeBufferCount, 1);
    m.visible = false;
    expect([Stop.budget, Stop.system]).toContain(m.step(core, hex));
    expect([core.rip > BigInt(AT.code), m.serialized]).toEqual([true, 0]);
  });

  test('a fault comes before the drain', () => {
    const { m, core, run } = machine();
    core.setRaw(CORE.storeBufferCount, 1);
    core.setGpr(RCX, 0x12345n);
    expect(run('0f30')).toEqual([13]);
    expect(m.serialized).toBe(0);
  });
});

describe('control registers', () => {
  test('refused values', () => {
    const { core, run } = machine();
    const cases: [string, bigint][] = [
      ['0f22c0', 1n << 32n],
      ['0f22c0', 0x10033n],
      ['0f22c0', 0xa0010033n],
      ['0f22d8', 1n << 52n],
      ['0f22e0', 0n],
      ['0f22e0', 0x1020n],
      ['0f22e0', 0x20020n],
      ['440f22c0', 0x10n],
    ];
    for (const [hex, value] of cases) {
      core.setGpr(RAX, value);
      expect(run(hex)).toEqual([13]);
    }
  });

  test('CR0 keeps ET, drops what is not defined; CR3 and CR4 forget translations', () => {
    const { core, run } = machine();
    core.setGpr(RAX, 0x80010023n | (1n << 8n));
    expect(run('0f22c0')).toEqual([]);
    expect(core.get('cr0')).toBe(0x80010033n);
    core.load(BigInt(AT.user), 8);
    core.setGpr(RAX, 0x200020n);
    expect(run('0f22e0')).toEqual([]);
    core.setGpr(RBX, BigInt(AT.user));
    expect(run('488b03')).toEqual([14]);
    core.rflags &= ~AC;
    expect(run('0f01cb')).toEqual([]);
    expect(run('488b03')).toEqual([]);
    expect(run('0f01ca')).toEqual([]);
    expect(run('488b03')).toEqual([14]);
  });

  test('SMSW and LMSW', () => {
    const { core, run } = machine();
    run('0f01e0');
    expect(core.gpr(RAX)).toBe(0x80010033n);
    core.setGpr(RAX, 8n);
    run('0f01f0');
    expect(core.get('cr0')).toBe(0x80010039n);
    run('0f06');
    expect(core.get('cr0')).toBe(0x80010031n);
  });
});

describe('debug registers', () => {
  test('fixed bits, DR4 as DR6 unless DE, #GP for high halves', () => {
    const { core, run } = machine();
    core.setGpr(RAX, 0xffffffffn);
    run('0f23f0');
    expect(core.get('dr6')).toBe(0xffffefffn);
    expect(run('0f23e0')).toEqual([]);
    core.set('cr4', core.get('cr4') | 8n);
    expect(run('0f23e0')).toEqual([6]);
    core.setGpr(RAX, 1n << 32n);
    expect(run('0f23f8')).toEqual([13]);
    core.setGpr(RAX, 0x1234n);
    run('0f23c8');
    expect(core.get('dr1')).toBe(0x1234n);
  });

  test('general detect', () => {
    const { core, run } = machine();
    core.set('dr7', 0x2400n);
    expect(run('0f21f8')).toEqual([1]);
    expect([core.get('dr6') & 0x2000n, core.get('dr7')]).toEqual([0x2000n, 0x400n]);
  });
});

describe('CPUID', () => {
  const leaf = (eax: bigint, ecx = 0n) => {
    const { core, run } = machine();
    core.setGpr(RAX, eax);
    core.setGpr(RCX, ecx);
    run('0fa2');
    return { eax: core.gpr(RAX), ebx: core.gpr(RBX), ecx: core.gpr(RCX), edx: core.gpr(RDX) };
  };
  const text = (...words: bigint[]): string =>
    words
      .flatMap((word) => [0n, 8n, 16n, 24n].map((shift) => String.fromCharCode(Number((word >> shift) & 0xffn))))
      .join('')
      .replaceAll('\0', '');

  test('vendor and brand', () => {
    const { ebx, ecx, edx } = leaf(0n);
    expect(text(ebx, edx, ecx)).toBe('textpoke CPU');
    const brand = [0x80000002n, 0x80000003n, 0x80000004n].map((n) => leaf(n));
    expect(text(...brand.flatMap((l) => [l.eax, l.ebx, l.ecx, l.edx]))).toBe('textpoke x86-64 emulator');
  });

  test('another vendor, where the machine is given one', () => {
    const { core, run } = machine({ vendor: 'GenuineIntel' });
    core.setGpr(RAX, 0n);
    run('0fa2');
    expect(text(core.gpr(RBX), core.gpr(RDX), core.gpr(RCX))).toBe('GenuineIntel');
  });

  test('OSXSAVE is CR4.OSXSAVE', () => {
    const { core, run } = machine();
    const osxsave = (): bigint => {
      core.setGpr(RAX, 1n);
      run('0fa2');
      return (core.gpr(RCX) >> 27n) & 1n;
    };
    expect(osxsave()).toBe(0n);
    core.set('cr4', core.get('cr4') | (1n << 18n));
    expect(osxsave()).toBe(1n);
  });

  test('a leaf beyond the last is the last', () => {
    expect(leaf(0x1234n, 2n)).toEqual(leaf(0xdn, 2n));
    expect(leaf(0xdn, 2n)).toEqual({ eax: 256n, ebx: 576n, ecx: 0n, edx: 0n });
  });
});

describe('MSRs', () => {
  const access = (msr: number, value?: bigint) => {
    const { core, run } = machine();
    core.setGpr(RCX, BigInt(msr));
    if (value !== undefined) {
      core.setGpr(RAX, value & 0xffffffffn);
      core.setGpr(RDX, value >> 32n);
      const vectors = run('0f30');
      if (vectors.length > 0) return vectors;
    }
    const vectors = run('0f32');
    return vectors.length > 0 ? vectors : (core.gpr(RDX) << 32n) | core.gpr(RAX);
  };

  test('round trips', () => {
    expect(access(0xc0000082, 0xffff800000001234n)).toBe(0xffff800000001234n);
    expect(access(0xc0000100, 0x7fff00000000n)).toBe(0x7fff00000000n);
    expect(access(0x277, 0x0007040600070406n)).toBe(0x0007040600070406n);
    expect(access(0xc0000080, 0x901n)).toBe(0xd01n);
  });

  test('refused', () => {
    expect(access(0xc0000082, 1n << 47n)).toEqual([13]);
    expect(access(0xc0000084, 1n << 32n)).toEqual([13]);
    expect(access(0x277, 2n)).toEqual([13]);
    expect(access(0xc0000080, 0x801n)).toEqual([13]);
    expect(access(0xc0000080, 0x8d01n)).toEqual([13]);
    expect(access(0x1234)).toEqual([13]);
  });
});

describe('segments', () => {
  const load = (sreg: number, selector: number, cpl = 0) => {
    const { m, core, run } = machine();
    if (cpl === 3) m.toUser(core);
    core.setGpr(RAX, BigInt(selector));
    const vectors = run(`8e${(0xc0 | (sreg << 3)).toString(16)}`);
    return vectors.length > 0
      ? [vectors[0], m.events.at(-1)?.kind === 'exception' ? (m.events.at(-1) as { errorCode: bigint }).errorCode : -1n]
      : core.small((['es', 'cs', 'ss', 'ds', 'fs', 'gs'] as const)[sreg]!);
  };

  test('data and stack segments', () => {
    expect(load(3, SELECTOR.userData)).toBe(SELECTOR.userData);
    expect(load(3, SELECTOR.kernelData, 3)).toEqual([13, BigInt(SELECTOR.kernelData)]);
    expect(load(0, SELECTOR.absent)).toEqual([11, BigInt(SELECTOR.absent)]);
    expect(load(0, 0x48)).toEqual([13, 0x48n]);
    expect(load(0, SELECTOR.tss)).toEqual([13, BigInt(SELECTOR.tss)]);
    expect(load(2, 0)).toBe(0);
    expect(load(2, 0, 3)).toEqual([13, 0n]);
    expect(load(2, SELECTOR.userData)).toEqual([13, 0x18n]);
  });

  test('FS and GS bases come from the descriptor; a null selector clears them; POP FS', () => {
    const { m, core, run } = machine();
    m.write(AT.gdt + 0x10, m.read(AT.gdt + 0x10) | (0x12n << 56n) | (0x345678n << 16n));
    core.setGpr(RAX, BigInt(SELECTOR.kernelData));
    run('8ee8');
    expect(core.get('gsBase')).toBe(0x12345678n);
    core.setGpr(RAX, 0n);
    run('8ee8');
    expect(core.get('gsBase')).toBe(0n);
    core.setGpr(RSP, core.gpr(RSP) - 8n);
    core.store(core.gpr(RSP), 8, BigInt(SELECTOR.kernelData));
    run('0fa1');
    expect([core.get('fsBase'), core.gpr(RSP)]).toEqual([0x12345678n, BigInt(AT.stack + 0x1000)]);
  });

  test('LSS loads both', () => {
    const { m, core, run } = machine();
    m.write(AT.data, BigInt(AT.ist));
    m.write(AT.data + 8, BigInt(SELECTOR.kernelData));
    core.setGpr(RAX, BigInt(AT.data));
    run('480fb220');
    expect([core.gpr(RSP), core.small('ss'), core.small('interruptShadow')]).toEqual([BigInt(AT.ist), SELECTOR.kernelData, 2]);
  });

  test('LAR, LSL, VERR and VERW', () => {
    const { core, run } = machine();
    const query = (hex: string, selector: number): bigint | undefined => {
      core.setGpr(RCX, BigInt(selector));
      run(hex);
      return (core.rflags & ZF) === 0 ? undefined : core.gpr(RAX);
    };
    expect(query('0f02c1', SELECTOR.kernelCode)).toBe(0xaf9b00n & 0xf0ff00n);
    expect(query('0f03c1', SELECTOR.kernelData)).toBe(0xffffffffn);
    expect(query('0f03c1', SELECTOR.tss)).toBe(0x67n);
    expect(query('0f02c1', 0)).toBeUndefined();
    expect(query('0f02c1', SELECTOR.kernelData | 3)).toBeUndefined();
    expect(query('0f00e1', SELECTOR.kernelCode)).toBeDefined();
    expect(query('0f00e9', SELECTOR.kernelCode)).toBeUndefined();
    expect(query('0f00e9', SELECTOR.kernelData)).toBeDefined();
  });
});

describe('descriptor tables', () => {
  test('LGDT and SGDT', () => {
    const { m, core, run } = machine();
    m.write(AT.data, 0x1fffn, 2);
    m.write(AT.data + 2, 0xffff800000000000n);
    core.setGpr(RAX, BigInt(AT.data));
    run('0f0118');
    expect([core.get('idtrLimit'), core.get('idtrBase')]).toEqual([0x1fffn, 0xffff800000000000n]);
    core.set('idtrBase', AT.idt);
    core.setGpr(RAX, BigInt(AT.data + 0x20));
    run('0f0100');
    expect([m.read(AT.data + 0x20, 2), m.read(AT.data + 0x22)]).toEqual([0x3fn, BigInt(AT.gdt)]);
    m.write(AT.data + 2, 1n << 50n);
    core.setGpr(RAX, BigInt(AT.data));
    expect(run('0f0110')).toEqual([13]);
  });

  test('LTR wants an available TSS and makes it busy; STR', () => {
    const { m, core, run } = machine();
    core.setGpr(RAX, BigInt(SELECTOR.tss));
    expect(run('0f00d8')).toEqual([13]);
    m.write(AT.gdt + SELECTOR.tss + 5, 0x89n, 1);
    core.setGpr(RAX, BigInt(SELECTOR.tss));
    core.set('trBase', 0);
    expect(run('0f00d8')).toEqual([]);
    expect([core.get('trBase'), m.read(AT.gdt + SELECTOR.tss + 5, 1)]).toEqual([BigInt(AT.tss), 0x8bn]);
    run('0f00c9');
    expect(core.gpr(RCX)).toBe(BigInt(SELECTOR.tss));
  });
});

describe('into the kernel and out', () => {
  test('SYSCALL and SYSRET', () => {
    const { m, core, run } = machine();
    core.set('star', (BigInt(SELECTOR.kernelCode) << 32n) | (0x13n << 48n));
    core.set('lstar', BigInt(AT.code));
    core.set('sfmask', BigInt(IF | TF));
    m.toUser(core);
    expect(run('0f05')).toEqual([]);
    expect([core.rip, core.gpr(RCX), core.gpr(11)]).toEqual([BigInt(AT.code), BigInt(AT.user + 2), BigInt(IF | 2)]);
    expect([core.small('cs'), core.small('ss'), core.small('cpl'), core.rflags & IF]).toEqual([
      SELECTOR.kernelCode,
      SELECTOR.kernelData,
      0,
      0,
    ]);
    run('480f07');
    expect([core.rip, core.small('cs'), core.small('ss'), core.small('cpl')]).toEqual([
      BigInt(AT.user + 2),
      SELECTOR.userCode,
      SELECTOR.userData,
      3,
    ]);
    expect(core.rflags).toBe(IF | 2);
  });

  test('without EFER.SCE they are #UD; SYSRET to an address that is not canonical is #GP in the kernel', () => {
    const { core, run } = machine();
    core.setGpr(RCX, 1n << 47n);
    expect(run('480f07')).toEqual([13]);
    core.set('efer', 0xd00);
    expect([run('0f05'), run('480f07')]).toEqual([[6], [6]]);
  });

  test('SYSENTER and SYSEXIT', () => {
    const { m, core, run } = machine();
    m.toUser(core);
    expect(run('0f34')).toEqual([13]);
    m.toUser(core);
    core.set('sysenterCs', SELECTOR.kernelCode);
    core.set('sysenterEip', AT.code);
    core.set('sysenterEsp', AT.stack + 0x100);
    core.rflags |= IF;
    expect(run('0f34')).toEqual([]);
    expect([core.rip, core.gpr(RSP), core.small('cpl'), core.rflags & IF]).toEqual([BigInt(AT.code), BigInt(AT.stack + 0x100), 0, 0]);
    core.setGpr(RDX, BigInt(AT.user));
    core.setGpr(RCX, BigInt(AT.userStack));
    expect(run('480f35')).toEqual([]);
    expect([core.rip, core.small('cs'), core.small('ss'), core.small('cpl')]).toEqual([BigInt(AT.user), 0x2b, 0x33, 3]);
  });

  test('SWAPGS', () => {
    const { core, run } = machine();
    core.set('gsBase', 1);
    core.set('kernelGsBase', 2);
    run('0f01f8');
    expect([core.get('gsBase'), core.get('kernelGsBase')]).toEqual([2n, 1n]);
  });

  test('far call, far jump and far return', () => {
    const { m, core, run } = machine();
    m.write(AT.data, BigInt(AT.code + 0x100));
    m.write(AT.data + 8, BigInt(SELECTOR.kernelCode));
    core.setGpr(RAX, BigInt(AT.data));
    expect(run('48ff18')).toEqual([]);
    expect([core.rip, m.read(AT.stack + 0xff0), m.read(AT.stack + 0xff8)]).toEqual([
      BigInt(AT.code + 0x100),
      BigInt(AT.code + 3),
      BigInt(SELECTOR.kernelCode),
    ]);
    expect(run('48cb')).toEqual([]);
    expect([core.rip, core.gpr(RSP)]).toEqual([BigInt(AT.code + 3), BigInt(AT.stack + 0x1000)]);
    expect(run('48ff28')).toEqual([]);
    expect(core.rip).toBe(BigInt(AT.code + 0x100));
    m.write(AT.data + 8, BigInt(SELECTOR.userCode));
    expect(run('48ff28')).toEqual([13]);
  });

  test('far return to user mode', () => {
    const { m, core, run } = machine();
    [AT.user, SELECTOR.userCode, AT.userStack + 0x800, SELECTOR.userData].forEach((word, n) => {
      m.write(AT.stack + 0x800 + 8 * n, BigInt(word));
    });
    core.setGpr(RSP, BigInt(AT.stack + 0x800));
    expect(run('48cb')).toEqual([]);
    expect([core.rip, core.gpr(RSP), core.small('cpl')]).toEqual([BigInt(AT.user), BigInt(AT.userStack + 0x800), 3]);
  });
});

describe('time and waiting', () => {
  test('RDTSC, RDTSCP and RDPID', () => {
    const { m, core, run } = machine();
    m.ticks = 0x123456789n;
    core.set('tscAux', 5);
    run('0f01f9');
    expect([core.gpr(RDX), core.gpr(RAX), core.gpr(RCX)]).toEqual([1n, 0x23456789n, 5n]);
    run('f30fc7f8');
    expect(core.gpr(RAX)).toBe(5n);
  });

  test("VMCALL is the host's", () => {
    const answers = [1, 2, 0] as const;
    let asked = 0;
    const m = new TinyMachine(1, { hypercall: () => answers[asked++]! });
    const core = m.cores[0]!;
    expect([m.step(core, '0f01c1'), m.step(core), m.step(core)]).toEqual([Stop.wait, Stop.systemVisible, Stop.system]);
    expect(core.rip).toBe(BigInt(AT.code + 3));
  });
});
