import { describe, expect, test } from 'vitest';
import { EXTENDED_AT, EXTENDED_BYTES, RAX, RBX, RCX, RDX } from '../../src/isa/core-state.ts';
import type { BareOptions } from '../../src/kernel/bare.ts';
import { endText } from '../../src/kernel/bare-report.ts';
import { runText } from '../kernel/bare.ts';

/** Instructions of the XSAVE set on (%rdi), as the manual encodes them. */
const BYTES: Readonly<Record<string, string>> = {
  fxsave: '0x0f, 0xae, 0x07',
  fxsave64: '0x48, 0x0f, 0xae, 0x07',
  fxrstor: '0x0f, 0xae, 0x0f',
  fxrstor64: '0x48, 0x0f, 0xae, 0x0f',
  xsave64: '0x48, 0x0f, 0xae, 0x27',
  xsaveopt64: '0x48, 0x0f, 0xae, 0x37',
  xsavec64: '0x48, 0x0f, 0xc7, 0x27',
  xsaves64: '0x48, 0x0f, 0xc7, 0x2f',
  xrstor64: '0x48, 0x0f, 0xae, 0x2f',
  xrstors64: '0x48, 0x0f, 0xc7, 0x1f',
  xgetbv: '0x0f, 0x01, 0xd0',
  xsetbv: '0x0f, 0x01, 0xd1',
};
const assembled = (source: string): string =>
  source
    .split('\n')
    .map((line) => (line in BYTES ? `.byte ${BYTES[line]}` : line))
    .join('\n');

/** All components; values in registers of each kind. */
const ALL = 'mov $7, %eax\nxor %edx, %edx\n';
const FILL = `fld1
fldpi
vmovdqu ones(%rip), %ymm3
movdqu ones(%rip), %xmm15
movl $0x9f80, (%rsi)
ldmxcsr (%rsi)
`;
/** Everything is initial again: the way a kernel that knows XRSTOR does it. */
const CLEAR = 'fninit\nvzeroall\nmovl $0x1f80, (%rsi)\nldmxcsr (%rsi)\n';

function run(source: string, engine: NonNullable<BareOptions['engine']>) {
  const text = `lea area(%rip), %rdi\nlea spare(%rip), %rsi\n${assembled(source)}\nhlt\n.balign 64\narea: .skip 1024\nspare: .skip 64\nones: .skip 16, 0x11\n.skip 16, 0x22`;
  const result = runText(text, { engine });
  const { machine, image } = result.bare;
  const at = Number(image.symbol('area').address);
  const core = machine.cores[0]!;
  return {
    core,
    end: endText(image, result.cores[0]!.end).replace(/ at .*/, ''),
    long: (offset: number): bigint => machine.readPhysical(at + offset, 8),
    /** The extended state without what the x87 FPU remembers of the last instruction. */
    state: [...machine.engine.bytes.slice(core.base + EXTENDED_AT, core.base + EXTENDED_AT + EXTENDED_BYTES - 24)],
  };
}

describe.each(['interpreter', 'reference'] as const)('saved state under the %s', (engine) => {
  const filled = run(FILL, engine).state;

  test('FXSAVE lays out the FPU and the lower halves, FXRSTOR takes them back', () => {
    const { long, state } = run(`${FILL}fxsave64\n${CLEAR}fxrstor64`, engine);
    expect(long(0) & 0xffffffffffffn).toBe(0xc0_3000_037fn);
    expect(long(24)).toBe(0xffff00009f80n);
    // ST(0) is pi, ST(1) one.
    expect([long(32), long(48), long(56)]).toEqual([0xc90fdaa22168c235n, 1n << 63n, 0x3fffn]);
    expect([long(160 + 48), long(160 + 240)]).toEqual([0x1111111111111111n, 0x1111111111111111n]);
    // Upper halves are not its business.
    const upper = (bytes: readonly number[]): number[] => bytes.map((byte, n) => (n < 512 && (n & 16) !== 0 ? 0 : byte));
    expect(state).toEqual(upper(filled));
  });

  test('without REX.W addresses have 32 bits; without CR4.OSFXSR the vectors stay out', () => {
    const address = 'mov $0x123456789a, %rax\nmov %rax, %rdx\n';
    expect(run(`${address}fld1\nfxsave`, engine).long(8) >> 32n).toBe(0n);
    const { long } = run(`mov %cr4, %rax\nand $-513, %rax\nmov %rax, %cr4\nfxsave64`, engine);
    expect([long(0), long(24)]).toEqual([0x37fn, 0n]);
  });

  test.each(['xsave64', 'xsaveopt64', 'xsavec64', 'xsaves64'])('%s and what restores it keep everything', (save) => {
    const restore = save === 'xsaves64' ? 'xrstors64' : 'xrstor64';
    const { long, state } = run(`${FILL}${ALL}${save}\n${CLEAR}${restore}`, engine);
    expect(state).toEqual(filled);
    const isCompact = save === 'xsavec64' || save === 'xsaves64';
    expect([long(512), long(520)]).toEqual([7n, isCompact ? (1n << 63n) | 7n : 0n]);
    expect(long(576 + 48)).toBe(0x2222222222222222n);
  });

  test('what is in its initial state is marked so, left out by XSAVEOPT, and made so again', () => {
    const only = (save: string, mask: number) => run(`fld1\nmov $${mask}, %eax\nxor %edx, %edx\n${save}`, engine);
    expect([only('xsave64', 7).long(512), only('xsave64', 6).long(512)]).toEqual([1n, 0n]);
    expect([only('xsavec64', 6).long(512), only('xsavec64', 6).long(520)]).toEqual([0n, (1n << 63n) | 6n]);
    // XSAVE writes what is initial, too, and MXCSR with either of SSE and AVX.
    expect(only('xsave64', 4).long(24)).toBe(0xffff00001f80n);
    expect(only('xsave64', 1).long(24)).toBe(0n);
    const { state } = run(`${ALL}xsave64\n${FILL}${ALL}xrstor64`, engine);
    expect(state).toEqual(run('fld1\nfninit\nxor %eax, %eax\nfninit', engine).state.map((byte, n) => (n < 512 + 128 ? 0 : byte)));
  });

  test('XSTATE_BV keeps the bits of what was not asked for', () => {
    expect(run(`movq $6, 512(%rdi)\nfld1\nmov $1, %eax\nxor %edx, %edx\nxsave64`, engine).long(512)).toBe(7n);
  });

  test('XGETBV and XSETBV', () => {
    expect(run('xor %ecx, %ecx\nxgetbv', engine).core.gpr(RAX)).toBe(7n);
    expect(run('fld1\nmov $1, %ecx\nxgetbv', engine).core.gpr(RAX)).toBe(1n);
    const set = (value: number) => run(`xor %ecx, %ecx\nxor %edx, %edx\nmov $${value}, %eax\nxsetbv\nxor %eax, %eax\nxgetbv`, engine);
    for (const value of [1, 3, 7]) expect([set(value).end, set(value).core.gpr(RAX)]).toEqual(['halted', BigInt(value)]);
    for (const value of [0, 2, 5, 9]) expect([value, set(value).end]).toEqual([value, '#GP']);
    const disabled = 'xor %ecx, %ecx\nxor %edx, %edx\nmov $1, %eax\nxsetbv\n';
    expect(run(`${disabled}vpxor %ymm0, %ymm0, %ymm0`, engine).end).toBe('#UD');
    // CPUID's leaf 0xD tells the size of what is enabled.
    const leaf = run(`${disabled}mov $0xd, %eax\nxor %ecx, %ecx\ncpuid`, engine).core;
    expect([leaf.gpr(RAX), leaf.gpr(RBX), leaf.gpr(RCX), leaf.gpr(RDX)]).toEqual([7n, 576n, 832n, 0n]);
  });

  test('areas that are refused', () => {
    const refused = (source: string): string => run(source, engine).end;
    expect(refused('add $8, %rdi\nfxsave64')).toBe('#GP');
    expect(refused('add $16, %rdi\nfxsave64')).toBe('halted');
    expect(refused(`add $16, %rdi\n${ALL}xsave64`)).toBe('#GP');
    for (const at of [512, 520, 528]) expect([at, refused(`movq $8, ${at}(%rdi)\n${ALL}xrstor64`)]).toEqual([at, '#GP']);
    // MXCSR is in the plain form whatever XSTATE_BV says.
    expect(refused(`movl $0x10000, 24(%rdi)\n${ALL}xrstor64`)).toBe('#GP');
    expect(refused(`movl $0x10000, 24(%rdi)\nfxrstor64`)).toBe('#GP');
    expect(refused(`${ALL}xrstors64`)).toBe('#GP');
    expect(refused(`movb $0x80, 527(%rdi)\nmovq $1, 512(%rdi)\n${ALL}xrstor64`)).toBe('#GP');
    expect(refused(`movb $0x80, 527(%rdi)\nmovb $1, 568(%rdi)\n${ALL}xrstor64`)).toBe('#GP');
    expect(refused(`movb $0x80, 527(%rdi)\n${ALL}xrstor64`)).toBe('halted');
    expect(refused(`mov %cr4, %rax\nbtr $18, %rax\nmov %rax, %cr4\n${ALL}xsave64`)).toBe('#UD');
  });
});
