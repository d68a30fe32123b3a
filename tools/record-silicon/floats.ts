import { ymmOffset } from '../../src/isa/core-state.ts';
import { decode } from '../../src/isa/decode.ts';
import type { Background } from './generate.ts';
import { extended, float, inMemoryOrder, pick, type Random, related } from './values.ts';

/** The state that floating-point instructions start with. */

type Overrides = Map<string, string>;

/** Masks of the floating-point exceptions: all of them, any, or all but one. */
function masksOf(random: Random): number {
  const kind = random(8);
  return kind < 4 ? 0x3f : kind < 6 ? random(64) : 0x3f & ~(1 << random(6));
}

export function setMxcsr(random: Random, overrides: Overrides): void {
  const masks = masksOf(random);
  const odd = random(3) === 0 ? (random(2) << 15) | (random(2) << 6) : 0;
  overrides.set('mx', (odd | (random(4) << 13) | (masks << 7) | (random(3) === 0 ? random(64) : 0)).toString(16));
}

/** The x87 FPU with full and empty registers, any rounding and precision, flags of earlier exceptions, now and then one that waits to be reported. */
export function setX87(random: Random, overrides: Overrides): void {
  const masks = masksOf(random);
  const earlier = random(3) > 0 ? 0 : random(3) > 0 ? random(128) & (masks | 0x40) : random(128);
  const pending = (earlier & ~masks & 0x3f) === 0 ? 0 : 0x8080;
  overrides.set('ftw', (random(3) > 0 ? 0xff : random(256)).toString(16));
  overrides.set('fsw', ((random(8) << 11) | (pick(random, [0, 1, 4, 5, 2, 7, 0x40, 0x45]) << 8) | earlier | pending).toString(16));
  overrides.set('fcw', ((random(4) << 10) | (pick(random, [0, 1, 2, 3, 3]) << 8) | 0x40 | masks).toString(16));
  const top = extended(random);
  for (let n = 0; n < 8; n++) {
    const value = n === 0 ? top : random(3) > 0 ? extended(random) : extended(random, top);
    overrides.set(`st${n}`, inMemoryOrder(value, 10));
  }
}

/** Elements that have to do with each other in the vector registers that an instruction names; what a memory operand should hold. */
export function setVectors(random: Random, mnemonic: string, code: Uint8Array, overrides: Overrides, file: Background): string | undefined {
  const decoded = decode(code);
  if (decoded.kind !== 'instruction' || random(3) === 0) return undefined;
  const wide = /pd|sd/.test(mnemonic) !== (random(8) === 0);
  const [bits, exponent, fraction] = wide ? ([64, 11, 52] as const) : ([32, 8, 23] as const);
  const firsts = Array.from({ length: 256 / bits }, () => float(random, exponent, fraction));
  const text = (values: readonly bigint[]): string => values.map((value) => inMemoryOrder(value, bits / 8)).join('');
  const others = (): string => text(firsts.map((first) => related(random, first, exponent, fraction)));
  const named = [...new Set(decoded.fields.registers)].map((offset) => (offset - ymmOffset(0)) / (ymmOffset(1) - ymmOffset(0)));
  let begun = false;
  for (const n of named) {
    if (!Number.isInteger(n) || n < 0 || n >= file.ymm.length) continue;
    overrides.set(`y${n}`, begun ? others() : text(firsts));
    begun = true;
  }
  return others();
}
