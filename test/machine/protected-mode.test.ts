import { describe, expect, it } from 'vitest';
import { IF, NT, RAX, RBX, RCX, RSP, Vector } from '../../src/isa/core-state.ts';
import type { EngineName } from '../../src/machine/machine.ts';
import { AT, gate, protectedMachine, realMachine, SELECTOR } from './protected-machine.ts';

const ENGINES: readonly EngineName[] = ['reference', 'interpreter', 'region'];

describe.each(ENGINES)('protected mode under %s', (engine) => {
  it('enters a handler of level 0 from level 3 on the stack of the TSS, and IRET goes back', () => {
    // int 21h | iretd
    const guest = protectedMachine(engine, 'cd 21', 3);
    const { core } = guest;
    guest.put(AT.handler, 'cf');
    core.rflags = 0x202;
    guest.run(1);
    expect([core.small('cs'), core.small('ss'), core.small('cpl'), core.rip]).toEqual([
      SELECTOR.code,
      SELECTOR.data,
      0,
      BigInt(AT.handler),
    ]);
    expect(core.gpr(RSP)).toBe(BigInt(AT.innerStack - 20));
    const frame = [0, 4, 8, 12, 16].map((at) => guest.word(AT.innerStack - 20 + at, 4));
    expect(frame).toEqual([AT.code + 2, SELECTOR.userCode, 0x202, AT.stack, SELECTOR.userData]);
    expect(core.rflags & IF).toBe(0);
    guest.run(1);
    expect([core.small('cs'), core.small('ss'), core.small('cpl'), core.rip]).toEqual([
      SELECTOR.userCode,
      SELECTOR.userData,
      3,
      BigInt(AT.code + 2),
    ]);
    expect(core.gpr(RSP)).toBe(BigInt(AT.stack));
    expect(core.rflags & IF).toBe(IF);
  });

  it('pushes three words, and an error code, where the level stays', () => {
    // mov ds,ax
    const guest = protectedMachine(engine, '8e d8');
    guest.core.setGpr(RAX, BigInt(SELECTOR.absent));
    guest.run(1);
    expect(guest.seen).toEqual([[Vector.NP, SELECTOR.absent]]);
    expect(guest.core.gpr(RSP)).toBe(BigInt(AT.stack - 16));
    expect(guest.word(AT.stack - 16, 4)).toBe(SELECTOR.absent);
    expect(guest.word(AT.stack - 12, 4)).toBe(AT.code);
  });

  it('takes 16-bit gates', () => {
    const guest = protectedMachine(engine, 'cd 21');
    guest.machine.writePhysical(AT.idt + 8 * 0x21, 8, gate(SELECTOR.code16, AT.handler, 0x86));
    guest.run(1);
    expect(guest.core.gpr(RSP)).toBe(BigInt(AT.stack - 6));
    expect([guest.word(AT.stack - 6, 2), guest.word(AT.stack - 4, 2)]).toEqual([AT.code + 2, SELECTOR.code]);
    expect(guest.core.codeSize).toBe(16);
  });

  it.each([
    // mov eax,[ebx] with DS or SS, mov [ebx],eax with CS
    ['the last byte of a segment', '8a 03', SELECTOR.small, 0xffn, []],
    ['a byte behind its limit', '8a 03', SELECTOR.small, 0x100n, [[Vector.GP, 0]]],
    ['an access that ends behind its limit', '8b 03', SELECTOR.small, 0xfdn, [[Vector.GP, 0]]],
    ['an expand-down segment above its limit', '8b 03', SELECTOR.expandDown, 0x100n, []],
    ['an expand-down segment below its limit', '8b 03', SELECTOR.expandDown, 0xffn, [[Vector.GP, 0]]],
    ['a null segment', '8b 03', 0, 0n, [[Vector.GP, 0]]],
    ['a store to code', '2e 89 03', SELECTOR.data, 0n, [[Vector.GP, 0]]],
    ['a load from code', '2e 8b 03', SELECTOR.data, 0n, []],
    ['a load through SS', '36 8b 03', SELECTOR.data, 0xffff_ffffn, [[Vector.SS, 0]]],
  ])('checks %s', (_name, access, selector, offset, seen) => {
    // mov ds,cx; then the access
    const guest = protectedMachine(engine, `8e d9 ${access}`);
    guest.core.setGpr(RCX, BigInt(selector));
    guest.core.setGpr(RBX, offset);
    guest.run(2);
    expect(guest.seen).toEqual(seen);
  });

  it.each([
    ['SS of another level', '8e d0', SELECTOR.userData, [[Vector.GP, SELECTOR.userData & ~3]]],
    ['a null SS', '8e d0', 0, [[Vector.GP, 0]]],
    ['code that cannot be read', '8e d8', SELECTOR.executeOnly, [[Vector.GP, SELECTOR.executeOnly]]],
    ['a selector outside the table', '8e d8', 0x100, [[Vector.GP, 0x100]]],
    ['INT n through a gate that is not for level 3', 'cd 0d', SELECTOR.data, [[Vector.GP, 0x0d * 8 + 2]]],
  ])('refuses %s', (_name, code, selector, seen) => {
    const guest = protectedMachine(engine, code, code.startsWith('cd') ? 3 : 0);
    guest.core.setGpr(RAX, BigInt(selector));
    guest.run(1);
    expect(guest.seen).toEqual(seen);
  });

  it('goes to 16-bit code and a 16-bit stack and back', () => {
    // mov ss,cx; ljmp code16:1009; (16 bits) push ax; ljmpd code:1012; push eax
    const guest = protectedMachine(engine, '8e d1 ea 09 10 00 00 30 00 50 66 ea 12 10 00 00 08 00 50');
    guest.core.setGpr(RCX, BigInt(SELECTOR.data16));
    guest.core.setGpr(RSP, 0xffff_8000n);
    guest.core.setGpr(RAX, 0x1234n);
    guest.run(3);
    expect([guest.core.codeSize, guest.core.gpr(RSP)]).toEqual([16, 0xffff_7ffen]);
    guest.run(2);
    expect([guest.core.codeSize, guest.core.gpr(RSP)]).toEqual([32, 0xffff_7ffan]);
    expect(guest.word(0x7ffa, 4)).toBe(0x1234);
    expect(guest.seen).toEqual([]);
  });

  it('calls and returns through far pointers, to an outer level too', () => {
    // lcall code:1008; hlt | lret at 1008
    const guest = protectedMachine(engine, '9a 08 10 00 00 08 00 f4 cb');
    guest.run(1);
    expect([guest.word(AT.stack - 8, 4), guest.word(AT.stack - 4, 4)]).toEqual([AT.code + 7, SELECTOR.code]);
    guest.run(1);
    expect([guest.core.rip, guest.core.gpr(RSP)]).toEqual([BigInt(AT.code + 7), BigInt(AT.stack)]);
    // lret 4 with a frame for level 3: offset, CS, parameters, ESP, SS
    guest.put(0x6000, 'ca 04 00');
    const frame = [AT.code, SELECTOR.userCode, 0, 0x7000, SELECTOR.userData];
    frame.forEach((word, n) => guest.machine.writePhysical(AT.stack + 4 * n, 4, BigInt(word)));
    guest.core.rip = 0x6000n;
    guest.run(1);
    expect([guest.core.small('cpl'), guest.core.gpr(RSP), guest.core.small('ds')]).toEqual([3, 0x7004n, 0]);
  });

  it('says what it does not model', () => {
    // ljmp callGate:0
    expect(() => protectedMachine(engine, 'ea 00 00 00 00 60 00').run(1)).toThrow(/call gates and task switches are not modelled/);
    const nested = protectedMachine(engine, 'cf');
    nested.core.rflags = NT | 2;
    expect(() => nested.run(1)).toThrow(/task switches are not modelled/);
    const task = protectedMachine(engine, 'cd 21');
    task.machine.writePhysical(AT.idt + 8 * 0x21, 8, gate(SELECTOR.tss, 0, 0xe5));
    expect(() => task.run(1)).toThrow(/vector 33 has a task gate/);
    const vm86 = protectedMachine(engine, 'cf');
    [AT.code, SELECTOR.code, 0x20002].forEach((word, n) => vm86.machine.writePhysical(AT.stack + 4 * n, 4, BigInt(word)));
    expect(() => vm86.run(1)).toThrow(/virtual-8086 mode/);
  });
});

describe.each(ENGINES)('real mode under %s', (engine) => {
  it('enters handlers through the vector table without error codes, and IRET goes back', () => {
    // mov ax,[bx] past the limit | iret
    const guest = realMachine(engine, '8b 07');
    guest.put(AT.handler, 'cf');
    guest.core.setGpr(RBX, 0xffffn);
    guest.run(1);
    expect(guest.core.rip).toBe(BigInt(AT.handler));
    expect(guest.core.gpr(RSP)).toBe(BigInt(AT.stack - 6));
    expect(guest.word(AT.stack - 6, 2)).toBe(AT.code);
    guest.run(1);
    expect([guest.core.rip, guest.core.gpr(RSP)]).toEqual([BigInt(AT.code), BigInt(AT.stack)]);
  });

  it('has segments of 16 times the selector', () => {
    // mov ds,cx; mov al,[bx]; ljmp 0a00:0005
    const guest = realMachine(engine, '8e d9 8a 07 ea 05 00 00 0a');
    guest.put(0xa123, '5a');
    guest.core.setGpr(RCX, 0xa00n);
    guest.core.setGpr(RBX, 0x123n);
    guest.run(3);
    expect(guest.core.gpr(RAX)).toBe(0x5an);
    expect([guest.core.small('cs'), guest.core.rip, guest.core.linearRip]).toEqual([0xa00, 5n, 0xa005n]);
  });

  it('finds code of the same offset in other segments', () => {
    // 0000:1000: inc ax; int 20h; inc bx | 0a00:1000: inc cx; iret
    const guest = realMachine(engine, '40 cd 20 43');
    guest.put(0xb000, '41 cf');
    guest.machine.writePhysical(4 * 0x20, 4, 0x0a001000n);
    guest.run(5);
    expect([RAX, RCX, RBX].map((n) => guest.core.gpr(n))).toEqual([1n, 1n, 1n]);
    expect(guest.core.linearRip).toBe(0x1004n);
  });

  it('refuses instructions about descriptors', () => {
    // str ax; lar ax,bx
    for (const code of ['0f 00 c8', '0f 02 c3']) {
      const guest = realMachine(engine, code);
      guest.run(1);
      expect(guest.seen).toEqual([[Vector.UD, undefined]]);
    }
  });

  it('saves addresses of the x87 FPU in its own layout, and takes them back (SDM Vol. 1, "Real Mode x87 FPU State Image in Memory")', () => {
    const pointers = { fop: 0x5a7n, fip: 0xfedc_1234n, fdp: 0x89ab_5678n };
    // fnstenv [bx]; fldenv [bx], with fields of 16 and of 32 bits
    const images = ['', '66 '].map((prefix) => {
      const guest = realMachine(engine, `${prefix}d9 37 ${prefix}d9 27`);
      guest.core.setGpr(RBX, 0xa000n);
      guest.core.useExtended();
      for (const [word, value] of Object.entries(pointers)) guest.core.set(word as keyof typeof pointers, value);
      guest.run(2);
      expect(guest.core.rip).toBe(BigInt(AT.code + (prefix === '' ? 4 : 6)));
      const bytes = prefix === '' ? 2 : 4;
      const kept = (['fop', 'fip', 'fdp'] as const).map((word) => guest.core.get(word));
      return { fields: [3, 4, 5, 6].map((n) => guest.word(0xa000 + n * bytes, bytes)), kept };
    });
    expect(images).toEqual([
      { fields: [0x1234, 0xc5a7, 0x5678, 0xb000], kept: [0x5a7n, 0xc1234n, 0xb5678n] },
      { fields: [0xffff1234, 0xfedc5a7, 0xffff5678, 0x89ab000], kept: [0x5a7n, 0xfedc1234n, 0x89ab5678n] },
    ]);
  });

  it('keeps limits that protected mode loaded (SDM Vol. 3, "Switching Back to Real-Address Mode")', () => {
    const guest = realMachine(engine, '67 8a 03');
    guest.core.set('dsHigh', 0xffffffffn);
    guest.put(0x20000, '77');
    guest.core.setGpr(RBX, 0x20000n);
    guest.run(1);
    expect(guest.core.gpr(RAX)).toBe(0x77n);
    expect(guest.seen).toEqual([]);
  });
});
