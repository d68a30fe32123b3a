import { describe, expect, it } from 'vitest';
import { RAX, RBP, RBX, RCX, RDX, RSI, RSP } from '../../src/isa/core-state.ts';
import { CS, RIGHTS } from '../../src/isa/segments.ts';
import type { Core } from '../../src/machine/core.ts';
import { type EngineName, Machine } from '../../src/machine/machine.ts';
import { setHidden, updateMode } from '../../src/machine/segmentation.ts';

const ENGINES: readonly EngineName[] = ['reference', 'interpreter', 'region'];
const DATA_RIGHTS = RIGHTS.present | RIGHTS.user | RIGHTS.writable | RIGHTS.accessed;
const CODE_RIGHTS = DATA_RIGHTS | RIGHTS.code;

interface Start {
  readonly codeSize: 16 | 32;
  readonly stackSize?: 16 | 32;
  readonly base?: bigint;
  readonly limit?: bigint;
}

/** A core without paging, with all segments of one base and limit and its code at offset 0x1000. */
function start(
  engine: EngineName,
  code: string,
  { codeSize, stackSize = codeSize, base = 0n, limit = 0xffffn }: Start,
): { machine: Machine; core: Core } {
  const machine = new Machine({ cores: 1, ramBytes: 1 << 20, engine });
  const core = machine.cores[0]!;
  const bytes = code.split(' ').map((b) => Number.parseInt(b, 16));
  machine.engine.touch(0, 1 << 20);
  machine.engine.bytes.set(bytes, machine.engine.map.ram + Number(base) + 0x1000);
  core.set('cr0', 1n);
  const big = (size: number): number => (size === 32 ? RIGHTS.big : 0);
  for (let n = 0; n < 6; n++)
    setHidden(core, n, { base, limit, rights: n === CS ? CODE_RIGHTS | big(codeSize) : DATA_RIGHTS | big(stackSize) });
  updateMode(machine, core);
  core.rip = 0x1000n;
  core.setGpr(RSP, 0x8000n);
  return { machine, core };
}

const read = (machine: Machine, at: number, bytes: number): bigint => machine.readPhysical(at, bytes);

describe.each(ENGINES)('16- and 32-bit code under %s', (engine) => {
  it('takes sizes, addresses and the stack of 32-bit code', () => {
    // mov eax,12345678h; push eax; push 5; mov [esi+ecx*4+8],ax; call +1; (skipped nop); pop ebx; inc edx; jmp $
    const { machine, core } = start(engine, 'b8 78 56 34 12 50 6a 05 66 89 44 8e 08 e8 01 00 00 00 90 5b 42 eb fe', { codeSize: 32 });
    core.setGpr(RSI, 0xffffffff00002000n);
    core.setGpr(RCX, 2n);
    machine.runCore(core, 9);
    expect(core.gpr(RAX)).toBe(0x12345678n);
    expect(read(machine, 0x7ffc, 4)).toBe(0x12345678n);
    expect(read(machine, 0x7ff8, 4)).toBe(5n);
    expect(read(machine, 0x2010, 4)).toBe(0x5678n);
    expect(core.gpr(RBX)).toBe(0x1012n);
    expect(core.gpr(RSP)).toBe(0x7ff8n);
    expect(core.gpr(RDX)).toBe(1n);
    expect(core.rip).toBe(0x1015n);
  });

  it('takes those of 16-bit code, and prefixes turn them round', () => {
    // mov ax,1234h; push ax; mov [bx+si-2],ax; mov eax,[ebp+4]; push dword 7; call near +0; pop cx; loop +0
    const { machine, core } = start(engine, 'b8 34 12 50 89 40 fe 67 66 8b 45 04 66 6a 07 e8 00 00 59 eb fe', {
      codeSize: 16,
      base: 0x10000n,
    });
    core.setGpr(RBX, 0xfff0n);
    core.setGpr(RSI, 0x2012n);
    core.setGpr(RBP, 0x3000n);
    machine.engine.bytes.set([1, 2, 3, 4], machine.engine.map.ram + 0x13004);
    core.setGpr(RSP, 0xabc_0000_8000n & 0xffffffffn);
    machine.runCore(core, 7);
    expect(read(machine, 0x12000, 4)).toBe(0x1234n);
    expect(core.gpr(RAX)).toBe(0x04030201n);
    expect(read(machine, 0x17ffe, 2)).toBe(0x1234n);
    expect(read(machine, 0x17ffa, 4)).toBe(7n);
    expect(core.gpr(RCX)).toBe(0x1012n);
    expect(core.gpr(RSP)).toBe(0x7ffan);
  });

  it('wraps SP and IP-relative targets at 64 KiB', () => {
    // push ax; jmp -2002h (past the beginning of the segment)
    const { machine, core } = start(engine, '50 e9 fb df', { codeSize: 16 });
    core.setGpr(RSP, 0x12340000n);
    machine.runCore(core, 2);
    expect(core.gpr(RSP)).toBe(0x1234fffen);
    expect(core.rip).toBe(0xefffn);
  });
});
