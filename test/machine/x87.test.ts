import { describe, expect, test } from 'vitest';
import type { BareOptions } from '../../src/kernel/bare.ts';
import { endText } from '../../src/kernel/bare-report.ts';
import { bareOf, runText } from '../kernel/bare.ts';

/** Instructions that the assembler has no form of, as the manual encodes them. */
const BYTES: Readonly<Record<string, string>> = {
  'fnsave16 (%rdi)': '0x66, 0xdd, 0x37',
  'frstor16 (%rdi)': '0x66, 0xdd, 0x27',
};
const assembled = (source: string): string =>
  source
    .split('\n')
    .map((line) => (line in BYTES ? `.byte ${BYTES[line]}` : line))
    .join('\n');

/** What a program of one core leaves in `data`, and how it ends. */
function run(source: string, engine: NonNullable<BareOptions['engine']>, words = 16) {
  const result = runText(`lea data(%rip), %rdi\n${assembled(source)}\nhlt\n.balign 64\ndata: .skip 1024`, { engine });
  const { bare } = result;
  const at = Number(bare.image.symbol('data').address);
  return {
    end: endText(bare.image, result.cores[0]!.end).replace(/ at .*/, ''),
    data: Array.from({ length: words }, (_, n) => bare.machine.readPhysical(at + 4 * n, 4)),
    long: (offset: number): bigint => bare.machine.readPhysical(at + offset, 8),
    core: bare.machine.cores[0]!,
    bare,
  };
}

describe.each(['interpreter', 'reference'] as const)('the x87 FPU under the %s', (engine) => {
  test('FNSTENV tells where the last instruction and its operand were, and masks all exceptions', () => {
    const { data, core, bare } = run('fninit\nmovw $0x360, (%rdi)\nfldcw (%rdi)\nfld1\nfadds 64(%rdi)\nfnstenv (%rdi)', engine);
    const at = bare.image.symbol('data').address;
    expect(data.slice(0, 3)).toEqual([0xffff0360n, 0xffff3800n, 0xffff3fffn]);
    // FLD1 is 2 bytes behind the others; FADD behind it.
    expect(data[3]! > 0x400000n && data[3]! < 0x400030n).toBe(true);
    expect(data.slice(4, 7)).toEqual([0n, at + 64n, 0xffff0000n]);
    expect(core.get('fcw')).toBe(0x37fn);
  });

  test('the tag word tells numbers, zeros, special ones and what is empty', () => {
    const { data } = run('fninit\nfldz\nfld1\nfld1\nfldz\nfdivrp\nfnstenv (%rdi)', engine);
    // R7 holds 0, R6 holds 1, R5 an infinity.
    expect(data[2]).toBe(0xffff0000n | 0b01_00_10_11_11_11_11_11n);
  });

  test('an unmasked exception is reported before the next waiting instruction, with its opcode noted', () => {
    const zero = 'fninit\nmovw $0x37b, (%rdi)\nfldcw (%rdi)\nfld1\nfldz\nfdivrp\n';
    expect(run(zero, engine).end).toBe('halted');
    for (const next of ['fld1', 'fwait', 'fldcw (%rdi)', 'emms', 'fldenv (%rdi)'])
      expect([next, run(zero + next, engine).end]).toEqual([next, '#MF']);
    for (const next of ['fnstsw %ax', 'fnclex\nfld1', 'fninit\nfld1', 'fnstenv (%rdi)\nfld1', 'fnsave (%rdi)', 'fxsave64 (%rdi)'])
      expect([next, run(zero + next, engine).end]).toEqual([next, 'halted']);
    const { core } = run(`${zero}fnstsw %ax`, engine);
    expect(core.gpr(0) & 0xffffn).toBe(0xb084n);
    // DE F9: its low three bits, then the byte behind it.
    expect(core.get('fop')).toBe(0x6f9n);
  });

  test('FLDCW that unmasks what has happened makes it pending', () => {
    expect(run('fninit\nfld1\nfldz\nfdivrp\nmovw $0x37b, (%rdi)\nfldcw (%rdi)\nfwait', engine).end).toBe('#MF');
  });

  test('#NM where the state has been switched away or there is no FPU', () => {
    const set = (bits: number): string => `mov %cr0, %rax\nor $${bits}, %rax\nmov %rax, %cr0\n`;
    for (const [bits, instruction, end] of [
      [8, 'fld1', '#NM'],
      [8, 'fninit', '#NM'],
      [8, 'fwait', '#NM'],
      [8, 'fxsave (%rdi)', '#NM'],
      [8, 'xsave (%rdi)', '#NM'],
      [8, 'emms', '#NM'],
      [4, 'fnstsw %ax', '#NM'],
      [4, 'fwait', 'halted'],
      [4, 'emms', '#UD'],
      [12, 'emms', '#UD'],
    ] as const)
      expect([bits, instruction, run(set(bits) + instruction, engine).end]).toEqual([bits, instruction, end]);
    // FWAIT looks at TS only where CR0.MP says so.
    expect(run(`${set(8)}and $-3, %rax\nmov %rax, %cr0\nfwait`, engine).end).toBe('halted');
    expect(run(`${set(8)}clts\nfld1`, engine).end).toBe('halted');
  });

  test('CR0.NE clear: nothing is connected that could report the exception', () => {
    const { end } = run(
      'mov %cr0, %rax\nand $-33, %rax\nmov %rax, %cr0\nmovw $0x37b, (%rdi)\nfldcw (%rdi)\nfld1\nfldz\nfdivrp\nfld1\nfwait',
      engine,
    );
    expect(end).toBe('halted');
  });

  test('FNSAVE and FRSTOR keep everything but the registers’ places', () => {
    const { core, data } = run('fld1\nfldpi\nfnsave (%rdi)\nfnstsw 512(%rdi)\nfrstor (%rdi)\nfstpl 256(%rdi)\nfstpl 264(%rdi)', engine, 96);
    expect(data.slice(0, 3)).toEqual([0xffff037fn, 0xffff3000n, 0xffff0fffn]);
    // Pi was not exact in 64 bits.
    expect(core.get('fsw')).toBe(0x20n);
    const { long } = run('fld1\nfldpi\nfnsave (%rdi)\nfrstor (%rdi)\nfstpl 256(%rdi)\nfstpl 264(%rdi)', engine);
    expect([long(256), long(264)]).toEqual([0x400921fb54442d18n, 0x3ff0000000000000n]);
    // The 16-bit image is 14 bytes and the registers.
    const short = run('fld1\nfldpi\nfnsave16 (%rdi)\nfrstor16 (%rdi)\nfstpl 256(%rdi)', engine);
    expect(short.long(0) & 0xffffffffffffn).toBe(0x0fff_3000_037fn);
    expect(short.long(256)).toBe(0x400921fb54442d18n);
  });

  test('a store of ten bytes that cannot be done leaves memory and stack alone', () => {
    const guard = bareOf('hlt').layout.guard(0);
    const { end, bare, core } = run(`fld1\nmov $${guard - 4}, %eax\nfstpt (%rax)`, engine);
    expect(end).toBe('#PF');
    expect([core.get('fsw'), core.get('ftw')]).toEqual([0x3800n, 0x80n]);
    expect(core.get('cr2')).toBe(BigInt(guard));
    expect(bare.machine.readPhysical(guard - 4, 4)).toBe(0n);
  });

  test('MMX registers are the low parts of the physical ones', () => {
    const { core, long } = run('fninit\nfld1\nmovq %mm7, (%rdi)\nemms\nfldz\nfnstsw %ax', engine);
    expect(long(0)).toBe(1n << 63n);
    expect(core.gpr(0) & 0xffffn).toBe(0x3800n);
  });
});

test('the FPU of a machine that never used it is as new, and costs no state', () => {
  const { machine } = bareOf('hlt');
  expect(machine.cores[0]!.get('fcw')).toBe(0x37fn);
});
