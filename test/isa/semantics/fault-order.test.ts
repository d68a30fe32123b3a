import { describe, expect, it } from 'vitest';
import { Vector } from '../../../src/isa/core-state.ts';
import { MachineTarget } from '../../../tools/silicon/machine-target.ts';
import { ReferenceTarget } from '../../../tools/silicon/reference-target.ts';
import { RegionTarget } from '../../../tools/silicon/region-target.ts';
import type { Ran, VectorTarget } from '../../../tools/silicon/target.ts';
import { runOne } from './run-one.ts';

/** What comes first where several things are wrong, and what of an instruction stays that faults: as recorded on silicon. */

const CODE = 0x20000000n;
const DATA = 0x10000000n;
/** The first byte behind the data. */
const END = 0x10010000n;
const [RAX, RCX, RSI, RDI] = [0, 1, 6, 7] as const;

interface Before {
  readonly gpr?: Readonly<Record<number, bigint>>;
  readonly ymm?: readonly bigint[];
  readonly st0?: bigint;
  readonly fcw?: bigint;
  readonly fsw?: bigint;
  readonly ftw?: bigint;
  readonly mxcsr?: bigint;
}

const TARGETS: readonly (readonly [string, () => VectorTarget])[] = [
  ['reference', () => new MachineTarget('reference')],
  ['interpreter', () => new MachineTarget('interpreter')],
  ['region', () => new RegionTarget()],
  ['judge', () => new ReferenceTarget()],
];

describe.each(TARGETS)('on the %s target', (_name, create) => {
  const target = create();
  const run = (hex: string, { gpr = {}, ymm = [], st0 = 0n, fcw = 0x37fn, fsw = 0n, ftw = 0xffn, mxcsr = 0x1f80n }: Before): Ran => {
    const st = [st0, ...Array.from({ length: 7 }, () => 0n)];
    return runOne(target, hex, {
      gpr: Array.from({ length: 16 }, (_, n) => gpr[n] ?? 0n),
      rip: CODE,
      rflags: 0x202n,
      extended: { ymm: Array.from({ length: 16 }, (_, n) => ymm[n] ?? 0n), st, fcw, fsw, ftw, mxcsr },
    });
  };
  const pageFault = (cr2: bigint) => expect.objectContaining({ vector: Vector.PF, cr2 });

  it.each([
    ['fsts (%rax), overflow', 'd918', 0x7ffe8000000000000000n, 0x377n],
    ['fstl (%rax), underflow', 'dd10', 0x00018000000000000000n, 0x36fn],
    ['fistps (%rax), invalid', 'df18', 0x7ffe8000000000000000n, 0x37en],
    ['fbstp (%rax), invalid', 'df30', 0x7ffe8000000000000000n, 0x37en],
  ] as const)('%s: the page fault comes before the exception that is not masked', (_what, hex, st0, fcw) => {
    const ran = run(hex, { gpr: { [RAX]: END }, st0, fcw });
    expect(ran.exception).toEqual(pageFault(END));
    expect([ran.extended.fsw, ran.extended.ftw]).toEqual([0n, 0xffn]);
    // Where it can be written nothing is, and the exception waits.
    const there = run(hex, { gpr: { [RAX]: DATA }, st0, fcw });
    expect(there.exception).toBeUndefined();
    expect(there.changed.size).toBe(0);
    expect(there.extended.fsw & 0x80n).toBe(0x80n);
  });

  it('VCVTPS2PH to memory: the page fault comes before #XM, and leaves MXCSR', () => {
    const big = { ymm: [0x7f7fffffn], mxcsr: 0n };
    const ran = run('c4e3791d0000', { ...big, gpr: { [RAX]: END - 4n } });
    expect(ran.exception).toEqual(pageFault(END));
    expect(ran.extended.mxcsr).toBe(0n);
    expect(run('c4e3791d0000', { ...big, gpr: { [RAX]: DATA } }).exception?.vector).toBe(Vector.XM);
  });

  it('an underflow that is reported is inexact only where it would be so with any exponent', () => {
    // 1.5 * 2^-126 * 2^-1 fits 24 bits; (1 + 2^-23) * 2^-126 * (1 + 2^-23) / 2 does not.
    const flags = (a: bigint, b: bigint, mxcsr: bigint): bigint => run('f30f59c1', { ymm: [a, b], mxcsr }).extended.mxcsr & 0x3fn;
    expect(flags(0x00c00001n, 0x3f000000n, 0x1780n)).toBe(0x10n);
    expect(flags(0x00800001n, 0x3f000001n, 0x1780n)).toBe(0x30n);
    expect(flags(0x00c00001n, 0x3f000000n, 0x1f80n)).toBe(0x30n);
  });

  it.each([
    ['cvtps2pi %xmm0, %mm1', '0f2dc8', true],
    ['cvttps2pi %xmm0, %mm1', '0f2cc8', true],
    ['cvtpd2pi %xmm0, %mm1', '660f2dc8', true],
    ['cvtss2si %xmm0, %eax', 'f30f2dc0', false],
  ] as const)('%s that ends in #XM: %s', (_what, hex, changes) => {
    const ran = run(hex, { ymm: [0x3fc000007fc00001n], mxcsr: 0n, fsw: 0x3800n, ftw: 0n });
    expect(ran.exception?.vector).toBe(Vector.XM);
    expect([ran.extended.fsw, ran.extended.ftw]).toEqual(changes ? [0n, 0xffn] : [0x3800n, 0n]);
  });

  it('CMPS reads ES:RDI first', () => {
    expect(run('a6', { gpr: { [RSI]: END, [RDI]: END + 8n, [RCX]: 1n } }).exception).toEqual(pageFault(END + 8n));
  });

  it('masked stores fault where an element does, MASKMOVDQU whatever its mask is', () => {
    const mask = 1n << 127n;
    // vmaskmovpd %xmm1, %xmm0, (%rax): the upper element alone, behind the end of the page.
    expect(run('c4e2792f08', { ymm: [mask], gpr: { [RAX]: END - 3n } }).exception).toEqual(pageFault(END + 5n));
    expect(run('c4e2792f08', { ymm: [mask], gpr: { [RAX]: END - 12n } }).exception).toEqual(pageFault(END));
    expect(run('c4e2792f08', { ymm: [1n << 63n], gpr: { [RAX]: END - 8n } }).exception).toBeUndefined();
    expect(run('660ff7c8', { gpr: { [RDI]: END - 3n } }).exception).toEqual(pageFault(END));
    expect(run('660ff7c8', { gpr: { [RDI]: END - 16n } }).exception).toBeUndefined();
  });

  it('an access that ends outside the canonical addresses is #GP, though its first page is not there', () => {
    const last = 0x7ffffffffff8n;
    const gp = expect.objectContaining({ vector: Vector.GP });
    expect(run('488b00', { gpr: { [RAX]: last + 1n } }).exception).toEqual(gp);
    expect(run('c5fc1000', { gpr: { [RAX]: last } }).exception).toEqual(gp);
    expect(run('488b00', { gpr: { [RAX]: last } }).exception).toEqual(pageFault(last));
  });
});
