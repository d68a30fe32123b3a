import { describe, expect, it } from 'vitest';
import { coreBase } from '../../../src/engine/layout.ts';
import { OFFSET, Vector } from '../../../src/isa/core-state.ts';
import { IE, MASKS_AT, MXCSR_START, PE, ZE } from '../../../src/isa/helpers/mxcsr.ts';
import { MachineTarget } from '../../../tools/silicon/machine-target.ts';
import type { Ran } from '../../../tools/silicon/target.ts';
import { runOne } from './run-one.ts';

const OSFXSR = 1n << 9n;
const OSXMMEXCPT = 1n << 10n;
const OSXSAVE = 1n << 18n;
const EM = 1n << 2n;
const TS = 1n << 3n;

const CODE = 0x20000000n;
const DATA = 0x10000000n;
const ONE = 0x3f800000n;
const TWO = 0x40000000n;
/** `value` in each of the elements of a YMM register. */
const all = (value: bigint, size: number): bigint => {
  let out = 0n;
  for (let at = 0; at < 256; at += size) out |= value << BigInt(at);
  return out;
};
const low = (value: bigint, bits: number): bigint => BigInt.asUintN(bits, value);

interface Before {
  readonly ymm?: readonly bigint[];
  readonly mxcsr?: number;
  readonly rax?: bigint;
  readonly memory?: readonly (readonly [bigint, Uint8Array])[];
  /** Bits of CR0 that are set, of CR4 that are cleared. */
  readonly cr0?: bigint;
  readonly cr4?: bigint;
}

describe.each(['reference', 'interpreter'] as const)('on the %s engine', (engine) => {
  const target = new MachineTarget(engine);
  const { view } = target.engine;
  const base = coreBase(0);

  /** Runs the instruction with what `before` says, all else zero. */
  function run(hex: string, { ymm = [], mxcsr = MXCSR_START, rax = DATA, memory = [], cr0 = 0n, cr4 = 0n }: Before): Ran {
    const words = { cr0: view.getBigUint64(base + OFFSET.cr0, true), cr4: view.getBigUint64(base + OFFSET.cr4, true) };
    view.setBigUint64(base + OFFSET.cr0, words.cr0 | cr0, true);
    view.setBigUint64(base + OFFSET.cr4, words.cr4 & ~cr4, true);
    try {
      return runOne(target, hex, {
        gpr: [rax, ...Array.from({ length: 15 }, () => 0n)],
        rip: CODE,
        rflags: 2n,
        extended: { ymm: Array.from({ length: 16 }, (_, n) => ymm[n] ?? 0n), mxcsr: BigInt(mxcsr) },
        memory,
      });
    } finally {
      view.setBigUint64(base + OFFSET.cr0, words.cr0, true);
      view.setBigUint64(base + OFFSET.cr4, words.cr4, true);
    }
  }

  it('an unmasked exception is #XM, or #UD without OSXMMEXCPT; the flags are set and nothing else is', () => {
    const before = { ymm: [all(ONE, 32), 0n], mxcsr: MXCSR_START & ~(ZE << MASKS_AT) };
    for (const [cr4, vector] of [
      [0n, Vector.XM],
      [OSXMMEXCPT, Vector.UD],
    ] as const) {
      // divps %xmm1, %xmm0
      const ran = run('0f5ec1', { ...before, cr4 });
      expect(ran.exception).toEqual({ vector });
      expect(ran.rip).toBe(CODE);
      expect(Number(ran.extended.mxcsr)).toBe(before.mxcsr | ZE);
      expect(ran.extended.ymm[0]).toBe(all(ONE, 32));
    }
  });

  it('what comes before computation hides what comes behind it, of all elements', () => {
    // One element is an invalid operation, the other inexact: divpd %xmm1, %xmm0.
    const ymm = [0x3ff0000000000000n << 64n, 0x4008000000000000n << 64n];
    const masked = run('660f5ec1', { ymm });
    expect(Number(masked.extended.mxcsr)).toBe(MXCSR_START | IE | PE);
    const unmasked = run('660f5ec1', { ymm, mxcsr: MXCSR_START & ~(IE << MASKS_AT) });
    expect(Number(unmasked.extended.mxcsr)).toBe((MXCSR_START & ~(IE << MASKS_AT)) | IE);
    const precision = run('660f5ec1', { ymm, mxcsr: MXCSR_START & ~(PE << MASKS_AT) });
    expect(Number(precision.extended.mxcsr)).toBe((MXCSR_START & ~(PE << MASKS_AT)) | IE | PE);
    expect(precision.exception).toEqual({ vector: Vector.XM });
  });

  it.each([
    ['addps', '0f58c1', OSFXSR, EM | TS, Vector.UD],
    ['addps', '0f58c1', 0n, EM, Vector.UD],
    ['addps', '0f58c1', 0n, TS, Vector.NM],
    ['cvtpi2ps from MMX', '0f2ac1', 0n, TS, Vector.NM],
    ['cvtpi2ps from MMX', '0f2ac1', OSFXSR, 0n, Vector.UD],
    ['cvtpi2ps from memory', '0f2a00', 0n, TS, Vector.NM],
    ['ldmxcsr', '0fae10', 0n, TS, Vector.NM],
    ['vaddps', 'c5f858c1', OSXSAVE, TS, Vector.UD],
    ['vaddps', 'c5f858c1', 0n, TS, Vector.NM],
    ['vfmadd231pd', 'c4e2f5b8c2', OSXSAVE, 0n, Vector.UD],
    ['vcvtph2ps', 'c4e27913c1', 0n, TS, Vector.NM],
  ] as const)('%s (%s) is there only where the state is: CR4 without %s, CR0 with %s', (_name, hex, cr4, cr0, vector) => {
    expect(run(hex, { cr4, cr0 }).exception?.vector).toBe(vector);
    expect(run(hex, {}).exception).toBeUndefined();
  });

  it('vaddps does not ask for CR4.OSFXSR', () => {
    expect(run('c5f858c1', { cr4: OSFXSR }).exception).toBeUndefined();
  });

  it('memory of 16 bytes must be aligned in the legacy encodings, scalars need not be', () => {
    expect(run('0f5800', { rax: DATA + 4n }).exception).toEqual({ vector: Vector.GP, errorCode: 0n });
    expect(run('0f5b00', { rax: DATA + 4n }).exception?.vector).toBe(Vector.GP);
    expect(run('0f5a00', { rax: DATA + 4n }).exception).toBeUndefined();
    expect(run('f30f5800', { rax: DATA + 3n }).exception).toBeUndefined();
    expect(run('c5fc5800', { rax: DATA + 4n }).exception).toBeUndefined();
  });

  it('what is above the result stays in legacy encodings; in VEX ones it comes from the first source up to bit 127', () => {
    const ymm = [all(ONE, 32), all(TWO, 32), all(0x1234n, 32)];
    const three = 0x40400000n;
    const upper = (value: bigint, from: number): bigint => (value >> BigInt(from)) << BigInt(from);
    // addss %xmm1, %xmm0; addps; vaddss %xmm1, %xmm0, %xmm2; vaddps; vcvtpd2ps %ymm0, %xmm2
    expect(run('f30f58c1', { ymm }).extended.ymm[0]).toBe(upper(ymm[0]!, 32) | three);
    expect(run('0f58c1', { ymm }).extended.ymm[0]).toBe(upper(ymm[0]!, 128) | low(all(three, 32), 128));
    expect(run('c5fa58d1', { ymm }).extended.ymm[2]).toBe(low(upper(ymm[0]!, 32) | three, 128));
    expect(run('c5f858d1', { ymm }).extended.ymm[2]).toBe(low(all(three, 32), 128));
    expect(run('c5fd5ad0', { ymm }).extended.ymm[2]! >> 128n).toBe(0n);
    // cvtsd2ss %xmm1, %xmm0; cvtpd2ps %xmm1, %xmm0
    expect(run('f20f5ac1', { ymm }).extended.ymm[0]! >> 32n).toBe(ymm[0]! >> 32n);
    expect(run('660f5ac1', { ymm }).extended.ymm[0]! >> 64n).toBe((ymm[0]! >> 128n) << 64n);
  });

  it('LDMXCSR refuses reserved bits; STMXCSR gives what it loaded', () => {
    const memory = (value: number): Before => ({ memory: [[DATA, Uint8Array.from([value, value >> 8, value >> 16, value >> 24])]] });
    const refused = run('0fae10', memory(0x10000 | MXCSR_START));
    expect(refused.exception).toEqual({ vector: Vector.GP, errorCode: 0n });
    expect(Number(refused.extended.mxcsr)).toBe(MXCSR_START);
    expect(Number(run('c5f8ae10', memory(0xffbf)).extended.mxcsr)).toBe(0xffbf);
    expect([...run('0fae18', { mxcsr: 0x5fa1 }).changed.values()]).toEqual([0xa1, 0x5f]);
  });

  it('a store that faults half-way leaves memory and flags', () => {
    // vcvtps2ph $0, %ymm0, (%rax) over the end of what is mapped; the elements are inexact in half precision.
    const ran = run('c4e37d1d0000', { ymm: [all(ONE + 1n, 32)], rax: DATA + 0xfff8n });
    expect(ran.exception?.vector).toBe(Vector.PF);
    expect(ran.changed.size).toBe(0);
    expect(Number(ran.extended.mxcsr)).toBe(MXCSR_START);
    const stored = run('c4e37d1d0000', { ymm: [all(ONE + 1n, 32)], rax: DATA + 0xfff0n });
    expect(stored.changed.size).toBe(8);
    expect(Number(stored.extended.mxcsr)).toBe(MXCSR_START | PE);
  });
});
