import { describe, expect, it } from 'vitest';
import { GPR_NAMES } from '../../../src/isa/core-state.ts';
import { Machine } from '../../../src/machine/machine.ts';
import type { MachineEvent } from '../../../src/machine/parts.ts';
import { setHidden, updateMode } from '../../../src/machine/segmentation.ts';
import { MachineTarget } from '../../../tools/silicon/machine-target.ts';
import type { Ran } from '../../../tools/silicon/target.ts';
import { bytesOf, runOne } from './run-one.ts';

/** Selectors of the vectors' machine: data at DATA, 64 KiB. */
const [CODE_32, CODE_16, DATA_32, DATA_16] = [0x07, 0x0f, 0x17, 0x1f];
const DATA = 0x10000000n;
const IP = 0x400n;
const [CF, PF, AF, ZF, SF, OF] = [1, 4, 0x10, 0x40, 0x80, 0x800];

type Registers = Partial<Record<(typeof GPR_NAMES)[number], number>>;

interface Before extends Registers {
  readonly flags?: number;
  /** At an offset of the data. */
  readonly memory?: readonly (readonly [at: number, hex: string])[];
  readonly stack?: number;
}

describe.each(['reference', 'interpreter'] as const)('on the %s engine', (engine) => {
  const target = new MachineTarget(engine);

  function run(size: 16 | 32, hex: string, { flags = 0, memory = [], stack, ...registers }: Before = {}): Ran {
    const data = size === 16 ? DATA_16 : DATA_32;
    return runOne(target, hex, {
      segments: [size === 16 ? CODE_16 : CODE_32, stack ?? data, data, data, 0, 0],
      gpr: GPR_NAMES.map((name) => BigInt(registers[name] ?? 0)),
      rip: IP,
      rflags: BigInt(flags | 2),
      extended: { ymm: Array.from({ length: 16 }, () => (1n << 256n) - 1n) },
      memory: memory.map(([at, text]) => [DATA + BigInt(at), bytesOf(text)] as const),
    });
  }

  const register = ({ gpr }: Ran, name: keyof Registers): number => Number(gpr[GPR_NAMES.indexOf(name)]);
  const status = ({ rflags }: Ran): number => Number(rflags) & (CF | PF | AF | ZF | SF | OF);
  const word = ({ changed }: Ran, at: number): number =>
    (changed.get(DATA + BigInt(at)) ?? 0) | ((changed.get(DATA + BigInt(at) + 1n) ?? 0) << 8);

  it.each([
    ['aaa', '37', 0x7a, 0, 0x100, AF | CF],
    ['aas', '3f', 0x0a, 0, 0xff04, AF | CF | SF],
    ['aas of nothing', '3f', 0, 0, 0, ZF | PF],
    ['daa with a carry', '27', 0x1a, CF, 0x80, OF | SF | AF | CF],
    ['das', '2f', 0x9a, 0, 0x34, OF | AF | CF],
    ['aad', 'd50a', 0x10a, 0, 0x14, AF | PF],
    ['aam', 'd40a', 0x63, CF | OF | AF, 0x909, PF],
    ['salc', 'd6', 0x1200, CF, 0x12ff, CF],
  ])('%s', (_name, hex, ax, flags, result, flagsAfter) => {
    const ran = run(32, hex, { rax: ax, flags });
    expect([register(ran, 'rax'), status(ran)]).toEqual([result, flagsAfter]);
  });

  it('aam by 0 is #DE and changes nothing', () => {
    const ran = run(16, 'd400', { rax: 0x1234 });
    expect([ran.exception?.vector, register(ran, 'rax'), ran.rip]).toEqual([0, 0x1234, IP]);
  });

  it('bound takes both bounds themselves, signed', () => {
    const memory = [[0x100, 'feff0300']] as const;
    const outside = (rax: number): number | undefined => run(16, '62060001', { rax, memory }).exception?.vector;
    expect([0xfffe, 3, 0, 0xfffd, 4].map(outside)).toEqual([undefined, undefined, undefined, 5, 5]);
  });

  it('into is a trap behind itself where OF is set', () => {
    const ran = run(32, 'ce', { flags: OF });
    expect([ran.exception?.vector, ran.rip]).toEqual([4, IP + 1n]);
    expect(run(32, 'ce').exception).toBeUndefined();
  });

  it('pusha goes round the end of a 16-bit stack and has SP as it was', () => {
    const ran = run(16, '60', { rax: 1, rcx: 2, rdx: 3, rbx: 4, rsp: 0xabcd0008, rbp: 5, rsi: 6, rdi: 7 });
    expect(register(ran, 'rsp')).toBe(0xabcdfff8);
    expect([6, 4, 2, 0, 0xfffe, 0xfffc, 0xfffa, 0xfff8].map((at) => word(ran, at))).toEqual([1, 2, 3, 4, 8, 5, 6, 7]);
  });

  it('popa does not take SP', () => {
    const memory = [[0x1000, '07000600050099990400030002000100']] as const;
    const ran = run(16, '61', { rsp: 0x1000, rax: 0xffff0000, memory });
    expect(['rdi', 'rsi', 'rbp', 'rbx', 'rdx', 'rcx'].map((name) => register(ran, name as 'rdi'))).toEqual([7, 6, 5, 4, 3, 2]);
    expect([register(ran, 'rax'), register(ran, 'rsp')]).toEqual([0xffff0001, 0x1010]);
  });

  it('push sp pushes what SP was', () => {
    expect(word(run(16, '54', { rsp: 0x1000 }), 0xffe)).toBe(0x1000);
  });

  it('a word at the last byte of a segment is #GP, of the stack #SS', () => {
    expect(run(16, 'a1ffff').exception).toMatchObject({ vector: 13, errorCode: 0n });
    expect(run(16, '36a1ffff').exception).toMatchObject({ vector: 12, errorCode: 0n });
    expect(run(16, '50', { rsp: 1 }).exception).toMatchObject({ vector: 12, errorCode: 0n });
    expect(run(16, 'a0ffff').exception).toBeUndefined();
  });

  it('16-bit addresses wrap at 64 KiB', () => {
    // mov al, [bx+si+10h]
    const ran = run(16, '8a4010', { rbx: 0xfff0, rsi: 0x123, memory: [[0x123, '5a']] });
    expect(register(ran, 'rax')).toBe(0x5a);
  });

  it('loop counts in CX or ECX as the address size says', () => {
    const near = run(16, 'e210', { rcx: 0x10000 });
    expect([register(near, 'rcx'), near.rip]).toEqual([0x1ffff, IP + 0x12n]);
    const wide = run(16, '67e210', { rcx: 0x10001 });
    expect([register(wide, 'rcx'), wide.rip]).toEqual([0x10000, IP + 0x13n]);
    const narrow = run(32, '67e210', { rcx: 0x10001 });
    expect([register(narrow, 'rcx'), narrow.rip]).toEqual([0x10000, IP + 3n]);
  });

  it('jcxz looks at CX, jecxz at ECX', () => {
    expect(run(16, 'e310', { rcx: 0x10000 }).rip).toBe(IP + 0x12n);
    expect(run(16, '67e310', { rcx: 0x10000 }).rip).toBe(IP + 3n);
  });

  it('a branch beyond the limit of CS is #GP at the branch', () => {
    const ran = run(16, 'e90070');
    expect([ran.exception?.vector, ran.rip]).toEqual([13, IP]);
  });

  it('enter of 32 bits on a 16-bit stack keeps the upper half of ESP in EBP', () => {
    const ran = run(16, '66c8100000', { rsp: 0x12345000, rbp: 0x9abcdef0 });
    expect([register(ran, 'rbp'), register(ran, 'rsp')]).toEqual([0x12344ffc, 0x12344fec]);
  });

  it('opcode 82 is 80, and 40 to 4f are INC and DEC', () => {
    expect(register(run(32, '82c005', { rax: 1 }), 'rax')).toBe(6);
    expect(register(run(16, '48', { rax: 0x10000 }), 'rax')).toBe(0x1ffff);
    expect(register(run(32, '41', { rcx: 0xffffffff }), 'rcx')).toBe(0);
  });

  it('arpl raises the RPL, and does not write where it need not', () => {
    const raised = run(32, '63d8', { rax: 0x10010, rbx: 3 });
    expect([register(raised, 'rax'), status(raised)]).toEqual([0x10013, ZF]);
    const kept = run(32, '63d8', { rax: 0x10013, rbx: 1 });
    expect([register(kept, 'rax'), status(kept)]).toEqual([0x10013, 0]);
  });

  it('les loads a pointer and its segment', () => {
    const ran = run(32, 'c40500010000', { memory: [[0x100, '785634121f00']] });
    expect([register(ran, 'rax'), ran.segments?.[3]]).toEqual([0x12345678, DATA_16]);
  });

  it('vzeroupper leaves what such code cannot name', () => {
    const { ymm } = run(32, 'c5f877').extended;
    expect([ymm[7]! >> 128n, ymm[8]! >> 128n]).toEqual([0n, (1n << 128n) - 1n]);
  });

  it.each([
    ['arpl', '63d8'],
    ['andn', 'c4e268f2c1'],
    ['vxorps', 'c5f857c0'],
  ])('%s is #UD in real mode', (_name, hex) => {
    const machine = new Machine({ cores: 1, ramBytes: 1 << 20, engine });
    const events: MachineEvent[] = [];
    machine.observers.push((event) => events.push(event));
    const core = machine.cores[0]!;
    machine.engine.touch(0, 1 << 20);
    machine.peek(0x1000, 16).set(bytesOf(hex));
    core.set('cr0', 0n);
    core.set('cr4', 1n << 18n);
    core.set('xcr0', 7n);
    core.set('idtrLimit', 0x3ff);
    for (let n = 0; n < 6; n++) setHidden(core, n, { base: 0n, limit: 0xffffn, rights: n === 1 ? 0x9b : 0x93 });
    updateMode(machine, core);
    core.rip = 0x1000n;
    machine.runCore(core, 1);
    expect(events.map((event) => (event.kind === 'exception' ? event.vector : event.kind))).toEqual([6]);
  });
});
