import { Vector } from '../../core-state.ts';
import type { Instruction } from '../../instruction.ts';
import type { Vocabulary } from '../../vocabulary.ts';
import { mustBeProtected } from '../protected.ts';
import type { Semantics } from '../semantics.ts';

const CR0_MP_EM = 1n << 2n;
const CR0_TS = 1n << 3n;
const CR4_OSFXSR = 1n << 9n;
const CR4_OSXSAVE = 1n << 18n;
const XCR0_SSE_AVX = 6n;

/** An instruction of SSE to SSE4.2, AES, SHA, PCLMUL in their legacy encodings (SDM Vol. 2, "Exception Conditions ... Legacy SIMD"). */
export const sse =
  (semantics: Semantics): Semantics =>
  (p, i) => {
    const off = p.and(p.not(p.state('cr4')), p.constant(CR4_OSFXSR));
    begin(p, off, CR0_MP_EM);
    semantics(p, i);
  };

/** A VEX-encoded vector instruction (SDM Vol. 2, "Exceptions Type 1" and so on; SDM Vol. 1, "Detection of AVX Instructions"). */
export const avx =
  (semantics: Semantics): Semantics =>
  (p, i) => {
    mustBeProtected(p, i);
    const missing = p.and(p.not(p.state('xcr0')), p.constant(XCR0_SSE_AVX));
    begin(p, p.or(p.and(p.not(p.state('cr4')), p.constant(CR4_OSXSAVE)), missing), 0n);
    semantics(p, i);
  };

/** #UD where the operating system has not enabled the state, else #NM where it has been switched away. */
function begin<V>(p: Vocabulary<V>, off: V, emulate: bigint): void {
  const cr0 = p.state('cr0');
  const undefinedThere = p.or(off, p.and(cr0, p.constant(emulate)));
  p.when(p.or(undefinedThere, p.and(cr0, p.constant(CR0_TS))), () => {
    p.when(undefinedThere, () => p.raise(Vector.UD));
    p.raise(Vector.NM);
  });
  p.useExtended();
}

/** VEX-encoded: the rest of a YMM register that is written is cleared, and memory need not be aligned. */
export const isVex = (i: Instruction): boolean => i.mnemonic.startsWith('v');

/** Raises #GP(0) where the memory operand of a legacy instruction is not aligned to its 16 bytes, or one that always must be to its own size. */
export function mustBeAligned<V>(p: Vocabulary<V>, address: V, bytes: number): void {
  p.when(p.and(address, p.constant(bytes - 1)), () => p.raise(Vector.GP, 0));
}
