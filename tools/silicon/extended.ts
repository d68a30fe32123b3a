import { EXTENDED_AT, OFFSET, x87Offset, ymmOffset } from '../../src/isa/core-state.ts';
import type { Extended } from './vectors.ts';

const QUAD = (1n << 64n) - 1n;

/** CR0, CR4 and XCR0 of the vectors' contract: x87, SSE and AVX are on, SIMD exceptions are reported. */
export const CR4_OSFXSR_OSXMMEXCPT_OSXSAVE = 0x40600n;
export const XCR0_X87_SSE_AVX = 7n;

/** Writes the extended state of a core's block that begins at byte `base` of `view`. ST(i) goes to the physical register that TOP makes it. */
export function putExtended(view: DataView, base: number, { ymm, st, ...words }: Extended): void {
  ymm.forEach((value, n) => {
    for (let q = 0; q < 4; q++) view.setBigUint64(base + ymmOffset(n) + 8 * q, (value >> BigInt(64 * q)) & QUAD, true);
  });
  const top = Number(words.fsw >> 11n) & 7;
  st.forEach((value, n) => {
    const at = base + x87Offset((top + n) & 7);
    view.setBigUint64(at, value & QUAD, true);
    view.setBigUint64(at + 8, value >> 64n, true);
  });
  for (const [word, value] of Object.entries(words)) view.setBigUint64(base + OFFSET[word as keyof typeof words], value, true);
}

/** Reads it back. */
export function takeExtended(view: DataView, base: number): Extended {
  const quad = (offset: number): bigint => view.getBigUint64(base + offset, true);
  const top = Number(quad(OFFSET.fsw) >> 11n) & 7;
  return {
    ymm: Array.from({ length: 16 }, (_, n) => [3, 2, 1, 0].reduce((value, q) => (value << 64n) | quad(ymmOffset(n) + 8 * q), 0n)),
    st: Array.from({ length: 8 }, (_, n) => {
      const at = x87Offset((top + n) & 7);
      return quad(at) | ((quad(at + 8) & 0xffffn) << 64n);
    }),
    fcw: quad(OFFSET.fcw),
    fsw: quad(OFFSET.fsw),
    ftw: quad(OFFSET.ftw),
    mxcsr: quad(OFFSET.mxcsr),
    fop: quad(OFFSET.fop),
    fip: quad(OFFSET.fip),
    fdp: quad(OFFSET.fdp),
  };
}

/** Bytes that a block with extended state needs. */
export const BLOCK_BYTES = EXTENDED_AT + 0x400;
