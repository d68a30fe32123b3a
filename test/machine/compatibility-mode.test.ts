import { describe, expect, it } from 'vitest';
import { RAX, RCX, RDX, RSP, Vector } from '../../src/isa/core-state.ts';
import { readDescriptor } from '../../src/machine/descriptors.ts';
import type { EngineName } from '../../src/machine/machine.ts';
import { isLong, setSegment } from '../../src/machine/segmentation.ts';
import { AT, type Guest, protectedMachine, SELECTOR } from './protected-machine.ts';

const ENGINES: readonly EngineName[] = ['reference', 'interpreter', 'region'];

const TABLES = 0x10000;
const LONG_IDT = 0x20000;
const EFER = 0xc0000080n;
const LME_AND_SCE = 0x101n;

/** 32-bit code in IA-32e mode, come there by its own instructions. `code` follows at the address that is given back. */
function compatibilityMachine(engine: EngineName, code: string): Guest {
  // mov cr4,eax; mov cr3,eax; wrmsr; mov cr0,eax
  const guest = protectedMachine(engine, `0f 22 e0 0f 22 d8 0f 30 0f 22 c0 ${code}`);
  const { machine, core } = guest;
  machine.writePhysical(TABLES, 8, BigInt(TABLES + 0x1000) | 7n);
  machine.writePhysical(TABLES + 0x1000, 8, BigInt(TABLES + 0x2000) | 7n);
  machine.writePhysical(TABLES + 0x2000, 8, 0x87n);
  for (let vector = 0; vector < 64; vector++) {
    const access = vector < 32 ? 0x8en : 0xeen;
    machine.writePhysical(LONG_IDT + 16 * vector, 8, BigInt(AT.handler) | (BigInt(SELECTOR.code64) << 16n) | (access << 40n));
  }
  machine.writePhysical(AT.tss + 4, 8, BigInt(AT.innerStack));
  core.set('idtrBase', BigInt(LONG_IDT));
  core.set('idtrLimit', 0x3ffn);
  for (const [value, counter] of [
    [0x20n, 0n],
    [BigInt(TABLES), 0n],
    [LME_AND_SCE, EFER],
    [0x80000011n, 0n],
  ] as const) {
    core.setGpr(RAX, value);
    core.setGpr(RCX, counter);
    core.setGpr(RDX, 0n);
    guest.run(1);
  }
  return guest;
}

describe.each(ENGINES)('compatibility mode under %s', (engine) => {
  it('is what paging with EFER.LME gives 32-bit code', () => {
    const { core, seen } = compatibilityMachine(engine, '40');
    expect(seen).toEqual([]);
    expect([isLong(core), core.codeSize, core.small('efer') & 0x400]).toEqual([true, 32, 0x400]);
  });

  it('goes to 64-bit code and back', () => {
    // ljmp code64:1012; (64 bits) inc rax; ljmp [rip+0] to code:1030
    const guest = compatibilityMachine(engine, 'ea 12 10 00 00 68 00 48 ff c0 ff 2d 00 00 00 00 30 10 00 00 08 00');
    const { core } = guest;
    guest.put(0x1030, '40');
    guest.run(1);
    expect([core.codeSize, core.small('cs'), core.rip]).toEqual([64, SELECTOR.code64, 0x1012n]);
    core.setGpr(RAX, 0xffff_ffffn);
    guest.run(1);
    expect(core.gpr(RAX)).toBe(0x1_0000_0000n);
    guest.run(1);
    expect(guest.seen).toEqual([]);
    expect([core.codeSize, core.rip]).toEqual([32, 0x1030n]);
    guest.run(1);
    expect(core.gpr(RAX)).toBe(1n);
    expect(guest.seen).toEqual([]);
  });

  it('calls 64-bit code on the stack that RSP alone says', () => {
    // lcall code64:1012
    const guest = compatibilityMachine(engine, '9a 12 10 00 00 68 00');
    const { machine, core } = guest;
    // Beyond the limit of a segment that has a base.
    setSegment(core, 2, SELECTOR.small, readDescriptor(machine, core, SELECTOR.small)!.hidden);
    core.setGpr(RSP, 0xb000n);
    guest.run(1);
    expect(guest.seen).toEqual([]);
    expect([core.codeSize, core.rip, core.gpr(RSP)]).toEqual([64, 0x1012n, 0xaff8n]);
    expect([guest.word(0xaff8, 4), guest.word(0xaffc, 4)]).toEqual([0x1012, SELECTOR.code]);
  });

  it('enters handlers of 64 bits with a whole frame, and IRETQ comes back', () => {
    // int 21h | iretq
    const guest = compatibilityMachine(engine, 'cd 21');
    const { core } = guest;
    guest.put(AT.handler, '48 cf');
    guest.run(1);
    expect([core.codeSize, core.gpr(RSP)]).toEqual([64, BigInt(AT.stack - 40)]);
    const frame = [0, 1, 2, 3, 4].map((n) => guest.word(AT.stack - 40 + 8 * n, 8));
    expect([frame[0], frame[1], frame[3], frame[4]]).toEqual([AT.code + 13, SELECTOR.code, AT.stack, SELECTOR.data]);
    guest.run(1);
    expect([core.codeSize, core.rip, core.gpr(RSP)]).toEqual([32, BigInt(AT.code + 13), BigInt(AT.stack)]);
  });

  it('is where SYSRET without REX.W goes, and SYSCALL from there is #UD', () => {
    // ljmp code64:1012; sysretl
    const guest = compatibilityMachine(engine, 'ea 12 10 00 00 68 00 0f 07');
    const { core } = guest;
    guest.run(1);
    core.set('star', BigInt(SELECTOR.userCode & ~3) << 48n);
    core.setGpr(RCX, 0x6000n);
    core.setGpr(11, 0x202n);
    guest.put(0x6000, '0f 05');
    guest.run(1);
    expect([core.codeSize, core.small('cs'), core.small('ss'), core.small('cpl')]).toEqual([32, SELECTOR.userCode, SELECTOR.userData, 3]);
    guest.run(1);
    expect(guest.seen).toEqual([[Vector.UD, undefined]]);
    expect([core.codeSize, core.gpr(RSP)]).toEqual([64, BigInt(AT.innerStack - 40)]);
  });

  it('checks limits that 64-bit code ignores', () => {
    // mov eax,[ebx] twice: as 32-bit and as 64-bit code
    const guest = compatibilityMachine(engine, '8b 03');
    const { machine, core } = guest;
    setSegment(core, 3, SELECTOR.small, readDescriptor(machine, core, SELECTOR.small)!.hidden);
    core.setGpr(3, 0x100n);
    guest.run(1);
    expect(guest.seen).toEqual([[Vector.GP, 0]]);
    guest.put(AT.handler, '8b 03');
    guest.run(1);
    expect(core.rip).toBe(BigInt(AT.handler + 2));
    expect(guest.seen).toHaveLength(1);
  });

  it('ends with paging', () => {
    // mov cr0,eax
    const guest = compatibilityMachine(engine, '0f 22 c0');
    guest.core.setGpr(RAX, 0x11n);
    guest.run(1);
    expect([isLong(guest.core), guest.core.small('efer') & 0x400, guest.core.codeSize]).toEqual([false, 0, 32]);
  });
});
