import type { Helper } from './helper.ts';

/** PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM (SDM Vol. 2, "Imm8 Control Byte Operation for PCMPESTRI / PCMPESTRM / PCMPISTRI / PCMPISTRM"). */

const CF = 1n;
const ZF = 0x40n;
const SF = 0x80n;
const OF = 0x800n;

interface Text {
  /** Elements as the control says: bytes or words, signed or not. */
  readonly elements: readonly number[];
  /** How many of them count. */
  readonly length: number;
}

function textOf(low: bigint, high: bigint, control: number, length: number | undefined): Text {
  const size = (control & 1) !== 0 ? 16 : 8;
  const signed = (control & 2) !== 0;
  const all = low | (high << 64n);
  const elements = Array.from({ length: 128 / size }, (_, n) => {
    const element = BigInt.asUintN(size, all >> BigInt(n * size));
    return Number(signed ? BigInt.asIntN(size, element) : element);
  });
  const end = elements.indexOf(0);
  return { elements, length: length ?? (end < 0 ? elements.length : end) };
}

/** Bit n: what holds for element n of `b`, by one of four ways to compare it with `a`. */
function compare(a: Text, b: Text, how: number): number {
  const count = b.elements.length;
  let out = 0;
  const set = (n: number, holds: boolean): void => {
    if (holds) out |= 1 << n;
  };
  for (let n = 0; n < count; n++) {
    const isIn = n < b.length;
    const element = b.elements[n]!;
    switch (how) {
      // Equal any: it is one of `a`.
      case 0:
        set(n, isIn && a.elements.slice(0, a.length).includes(element));
        break;
      // Ranges: it lies between two neighbours of `a`.
      case 1:
        for (let k = 0; k + 1 < a.length && isIn; k += 2) set(n, element >= a.elements[k]! && element <= a.elements[k + 1]!);
        break;
      // Equal each: it is the same element of `a`; behind both ends they are equal.
      case 2:
        set(n, isIn && n < a.length ? element === a.elements[n] : !isIn && n >= a.length);
        break;
      // Equal ordered: `a` begins there.
      default: {
        let matches = true;
        for (let k = 0; n + k < count && k < count && matches; k++) {
          if (k >= a.length) break;
          matches = n + k < b.length && a.elements[k] === b.elements[n + k];
        }
        set(n, matches);
      }
    }
  }
  return out;
}

function run(parameters: readonly bigint[], lengths: readonly (number | undefined)[]): readonly bigint[] {
  const [aLow, aHigh, bLow, bHigh, immediate] = parameters as [bigint, bigint, bigint, bigint, bigint];
  const control = Number(immediate & 0xffn);
  const a = textOf(aLow, aHigh, control, lengths[0]);
  const b = textOf(bLow, bHigh, control, lengths[1]);
  const count = a.elements.length;
  const ones = (1 << count) - 1;
  const first = compare(a, b, (control >> 2) & 3);
  const polarity = (control >> 4) & 3;
  let bits = first;
  if (polarity === 1) bits = ~first & ones;
  else if (polarity === 3) bits = first ^ ((1 << Math.min(b.length, count)) - 1);
  const highest = (control & 0x40) !== 0;
  const index = bits === 0 ? count : highest ? 31 - Math.clz32(bits) : 31 - Math.clz32(bits & -bits);
  let mask = 0n;
  if ((control & 0x40) === 0) mask = BigInt(bits);
  else for (let n = 0; n < count; n++) if ((bits & (1 << n)) !== 0) mask |= (count === 16 ? 0xffn : 0xffffn) << BigInt((n * 128) / count);
  const flags = (bits !== 0 ? CF : 0n) | (b.length < count ? ZF : 0n) | (a.length < count ? SF : 0n) | ((bits & 1) !== 0 ? OF : 0n);
  return [BigInt(index), BigInt.asUintN(64, mask), mask >> 64n, flags];
}

/** Lengths are of any sign, and count up to the number of elements. */
function explicit(length: bigint, control: bigint): number {
  const count = (control & 1n) !== 0n ? 8n : 16n;
  const signed = BigInt.asIntN(64, length);
  const size = signed < 0n ? -signed : signed;
  return Number(size > count ? count : size);
}

/** Parameters: `a` and `b` (two quadwords each), the immediate, and for explicit lengths those of `a` and `b`, signed. Results: index, mask (two quadwords), RFLAGS bits. */
export const COMPARE_STRINGS: readonly Helper[] = [
  { name: 'strings.implicit', parameters: 5, results: 4, run: (...p) => run(p, [undefined, undefined]) },
  { name: 'strings.explicit', parameters: 7, results: 4, run: (...p) => run(p, [explicit(p[5]!, p[4]!), explicit(p[6]!, p[4]!)]) },
];
