import { blocks, eachBlock } from '../../blocks.ts';
import { ymmOffset } from '../../core-state.ts';
import type { Instruction } from '../../instruction.ts';
import type { Vocabulary } from '../../vocabulary.ts';
import type { Category, Semantics } from '../semantics.ts';
import { choose, clamp, type Lane, lane, lanes, packLanes, repeat, signLanes } from './lanes.ts';
import { immediate, onlyVex, result, source, sources, withVex } from './operands.ts';

/** Elements that change their places (SDM Vol. 2: PUNPCKx, PACKx, PSHUFx, SHUFPx, PALIGNR, PBLENDx, VPERMx, PMOVSX, PMOVZX, VPBROADCASTx...). */

/** Elements of the lower or upper halves of two blocks, by turns. */
const unpack =
  (size: Lane, upper: boolean): Semantics =>
  <V>(p: Vocabulary<V>, i: Instruction): void => {
    // PUNPCKLBW with MMX registers reads half of its memory operand.
    const last = i.operands.at(-1)!;
    const b = last.kind === 'memory' && last.size < 64 ? [p.read(last)] : source(p, i, last);
    const mix = (x: readonly V[], y: readonly V[]): V[] => {
      const count = (x.length * 64) / size / 2;
      const from = upper ? count : 0;
      const mixed = Array.from({ length: count }, (_, k) => [lane(p, x, size, from + k), lane(p, y, size, from + k)]);
      return packLanes(p, mixed.flat(), size);
    };
    const operands = [p.readQuads(i.operands.at(-2)!), b];
    const out = size === 64 ? eachBlock(operands, mix) : p.blockwise(`unpack${upper ? 'High' : 'Low'}${size}`, operands, mix);
    result(p, i, i.operands[0]!, out);
  };

/** Elements halved with saturation: those of `a` below those of `b`, in each block. */
const pack =
  (size: 16 | 32, signed: boolean): Semantics =>
  (p, i) => {
    const { a, b } = sources(p, i);
    const half = (size / 2) as Lane;
    const out = p.blockwise(`pack${size}${signed ? 's' : 'u'}`, [a, b], (x, y) => {
      const all = [...lanes(p, x, size, true), ...lanes(p, y, size, true)];
      return packLanes(
        p,
        all.map((v) => clamp(p, v, half, signed)),
        half,
      );
    });
    result(p, i, i.operands[0]!, out);
  };

/** One of four elements of 16 or 32 bits in a block, by two bits of a control that is known when it runs. */
function oneOf<V>(p: Vocabulary<V>, block: readonly V[], size: Lane, from: number, control: V, at: number): V {
  const bits = p.and(p.shr(control, p.constant(at)), p.constant(3));
  if (size === 16) return p.zeroExtend(p.shr(block[from >> 2] as V, p.shl(bits, p.constant(4))), 16);
  const quad = p.select(p.and(bits, p.constant(2)), block[1] as V, block[0] as V);
  return p.zeroExtend(p.shr(quad, p.shl(p.and(bits, p.constant(1)), p.constant(5))), 32);
}

/** PSHUFD; PSHUFW. */
const shuffle =
  (size: 16 | 32): Semantics =>
  <V>(p: Vocabulary<V>, i: Instruction): void => {
    const b = source(p, i, i.operands.at(-2)!);
    const control = immediate(p, i);
    const turn = (block: V[]): V[] =>
      packLanes(
        p,
        [0, 2, 4, 6].map((at) => oneOf(p, block, size, 0, control, at)),
        size,
      );
    result(p, i, i.operands[0]!, size === 32 ? p.blockwise('shuffle32', [b], turn, control) : eachBlock([b], turn));
  };

/** PSHUFLW, PSHUFHW: the words of one quadword of each block. */
const shuffleWords =
  (high: boolean): Semantics =>
  <V>(p: Vocabulary<V>, i: Instruction): void => {
    const b = source(p, i, i.operands.at(-2)!);
    const control = immediate(p, i);
    const turn = (block: V[]): V[] => {
      const [turned] = packLanes(
        p,
        [0, 2, 4, 6].map((at) => oneOf(p, block, 16, high ? 4 : 0, control, at)),
        16,
      );
      return high ? [block[0]!, turned!] : [turned!, block[1]!];
    };
    const out = p.blockwise(high ? 'shuffleHigh16' : 'shuffleLow16', [b], turn, control);
    result(p, i, i.operands[0]!, out);
  };

/** SHUFPS: two elements of `a`, then two of `b`. */
const shuffleSingles: Semantics = <V>(p: Vocabulary<V>, i: Instruction): void => {
  const b = source(p, i, i.operands.at(-2)!);
  const a = p.readQuads(i.operands.at(-3)!);
  const control = immediate(p, i);
  const turn = (x: V[], y: V[]): V[] =>
    packLanes(
      p,
      [0, 2, 4, 6].map((at) => oneOf(p, at < 4 ? x : y, 32, 0, control, at)),
      32,
    );
  const out = p.blockwise('shuffleTwo32', [a, b], turn, control);
  result(p, i, i.operands[0]!, out);
};

/** SHUFPD: one quadword of each, a bit of the immediate for each. */
const shuffleDoubles: Semantics = (p, i) => {
  const b = source(p, i, i.operands.at(-2)!);
  const a = p.readQuads(i.operands.at(-3)!);
  const control = immediate(p, i);
  const out = a.map((_, n) => {
    const from = n % 2 === 0 ? a : b;
    return p.select(p.and(control, p.constant(1 << n)), from[n | 1]!, from[n & ~1]!);
  });
  result(p, i, i.operands[0]!, out);
};

/** PSHUFB: bytes by the low bits of an index, zero where its top bit is set. */
const shuffleBytes: Semantics = (p, i) => {
  const { a, b } = sources(p, i);
  const out = p.blockwise('shuffleBytes', [a, b], (block, indexes) => {
    const bytes = lanes(p, indexes, 8).map((index) => {
      const quad = block.length === 1 ? block[0]! : p.select(p.and(index, p.constant(8)), block[1]!, block[0]!);
      const byte = p.zeroExtend(p.shr(quad, p.shl(p.and(index, p.constant(7)), p.constant(3))), 8);
      return p.select(p.and(index, p.constant(0x80)), p.constant(0), byte);
    });
    return packLanes(p, bytes, 8);
  });
  result(p, i, i.operands[0]!, out);
};

/** PALIGNR: `b` below `a`, shifted right by bytes. */
const align: Semantics = <V>(p: Vocabulary<V>, i: Instruction): void => {
  const b = source(p, i, i.operands.at(-2)!);
  const a = p.readQuads(i.operands.at(-3)!);
  const bytes = immediate(p, i);
  const turn = (block: V[], below: V[]): V[] => {
    const all = [...below, ...block];
    // Quadword k of the result lies at byte 8k + bytes of all; behind the end are zeros.
    const within = p.shl(p.and(bytes, p.constant(7)), p.constant(3));
    const first = p.shr(bytes, p.constant(3));
    const quad = (at: V): V => all.reduce((chosen, q, m) => p.select(p.eq(at, p.constant(m)), q, chosen), p.constant(0));
    return block.map((_, k) => {
      const at = p.add(first, p.constant(k));
      const upper = p.select(within, p.shl(quad(p.add(at, p.constant(1))), p.sub(p.constant(64), within)), p.constant(0));
      return p.or(p.shr(quad(at), within), upper);
    });
  };
  result(p, i, i.operands[0]!, p.blockwise('align', [a, b], turn, bytes));
};

/** Elements of `b` where a bit of the immediate is set; `wraps`: the same eight bits for each block (PBLENDW). */
const blend =
  (size: 16 | 32 | 64, wraps = false): Semantics =>
  <V>(p: Vocabulary<V>, i: Instruction): void => {
    const b = source(p, i, i.operands.at(-2)!);
    const a = p.readQuads(i.operands.at(-3)!);
    const control = immediate(p, i);
    // The bits for all eight words of a block, or for the elements of the whole register.
    const perBlock = 128 / size;
    const others = blocks(b);
    const out = blocks(a).flatMap((block, k) => {
      const bits = wraps ? control : p.shr(control, p.constant(k * perBlock));
      const mix = (x: V[], y: V[]): V[] => {
        const second = lanes(p, y, size);
        const mixed = lanes(p, x, size).map((v, n) => p.select(p.and(bits, p.constant(1 << n)), second[n]!, v));
        return packLanes(p, mixed, size);
      };
      return p.blockwise(`blend${size}`, [block, others[k]!], mix, bits);
    });
    result(p, i, i.operands[0]!, out);
  };

/** Elements of `b` where the element of a mask is negative: XMM0, or the fourth operand of the VEX forms. */
const blendByMask =
  (size: 8 | 32 | 64): Semantics =>
  <V>(p: Vocabulary<V>, i: Instruction): void => {
    const four = i.operands.length === 4;
    const b = source(p, i, i.operands[four ? 2 : 1]!);
    const a = p.readQuads(i.operands[four ? 1 : 0]!);
    const first = p.constant(0);
    const mask = four ? p.readQuads(i.operands[3]!) : [p.stacked(ymmOffset(0), first), p.stacked(ymmOffset(0) + 8, first)];
    const mix = (x: V[], y: V[], m: V[]): V[] => x.map((v, n) => choose(p, signLanes(size)(p, m[n]!), y[n]!, v));
    result(p, i, i.operands[0]!, p.blockwise(`blendBySign${size}`, [a, b, mask], mix));
  };

/** Elements widened, with zeros or with their sign, from as much of the source as fills the destination. */
const widen =
  (from: 8 | 16 | 32, to: 16 | 32 | 64, signed: boolean): Semantics =>
  (p, i) => {
    const [destination, from_] = [i.operands[0]!, i.operands[1]!];
    const count = destination.size / to;
    const quads = from_.kind === 'memory' && from_.size < 64 ? [p.read(from_)] : p.readQuads(from_);
    if (to !== 2 * from) {
      const elements = lanes(p, quads, from, signed).slice(0, count);
      result(p, i, destination, packLanes(p, elements, to));
      return;
    }
    // Of each block of the destination the source is a quadword.
    const padded = quads.slice(0, destination.size / 128).flatMap((quad) => [quad, p.constant(0)]);
    const out = p.blockwise(`widen${from}${signed ? 's' : 'u'}`, [padded], ([quad]) => packLanes(p, lanes(p, [quad!], from, signed), to));
    result(p, i, destination, out);
  };

/** The lowest element, or a block, in all places. */
const broadcast =
  (size: Lane | 128): Semantics =>
  (p, i) => {
    const [destination, from] = [i.operands[0]!, i.operands[1]!];
    const quads = from.kind === 'memory' && from.size < 64 ? [p.read(from)] : p.readQuads(from, size === 128 ? 128 : 64);
    const count = destination.size / 64;
    if (size === 128) result(p, i, destination, [...quads, ...quads]);
    else {
      const element = lane(p, quads, size, 0);
      const quad = size === 64 ? element : p.mul(element, p.constant(repeat(1n, size)));
      result(
        p,
        i,
        destination,
        Array.from({ length: count }, () => quad),
      );
    }
  };

/** MOVDDUP, MOVSLDUP, MOVSHDUP. */
const duplicate =
  (size: 32 | 64, high: boolean): Semantics =>
  <V>(p: Vocabulary<V>, i: Instruction): void => {
    const [destination, from] = [i.operands[0]!, i.operands[1]!];
    const b = from.kind === 'memory' && from.size === 64 ? [p.read(from)] : source(p, i, from);
    const twice = (block: V[]): V[] =>
      packLanes(
        p,
        lanes(p, block, 32).map((_, n, all) => (high ? all[n | 1]! : all[n & ~1]!)),
        32,
      );
    const out =
      size === 64
        ? Array.from({ length: destination.size / 64 }, (_, n) => b[n & ~1]!)
        : p.blockwise(high ? 'duplicateHigh32' : 'duplicateLow32', [b], twice);
    result(p, i, destination, out);
  };

/** VPERMILPS, VPERMILPD: inside each block, by an immediate or by elements of a control. */
const permuteInside =
  (size: 32 | 64): Semantics =>
  <V>(p: Vocabulary<V>, i: Instruction): void => {
    const last = i.operands.at(-1)!;
    const out: V[] = [];
    if (last.kind === 'immediate') {
      const control = immediate(p, i);
      blocks(source(p, i, i.operands.at(-2)!)).forEach((block, n) => {
        if (size === 32) {
          const turn = (x: V[]): V[] =>
            packLanes(
              p,
              [0, 2, 4, 6].map((at) => oneOf(p, x, 32, 0, control, at)),
              32,
            );
          out.push(...p.blockwise('shuffle32', [block], turn, control));
        } else out.push(...[0, 1].map((k) => p.select(p.and(control, p.constant(1 << (2 * n + k))), block[1] as V, block[0] as V)));
      });
    } else {
      const { a, b } = sources(p, i);
      const y = blocks(b);
      blocks(a).forEach((block, n) => {
        if (size === 32)
          out.push(
            ...packLanes(
              p,
              lanes(p, y[n]!, 32).map((control) => oneOf(p, block, 32, 0, control, 0)),
              32,
            ),
          );
        else out.push(...y[n]!.map((control) => p.select(p.and(control, p.constant(2)), block[1] as V, block[0] as V)));
      });
    }
    result(p, i, i.operands[0]!, out);
  };

/** One of several values by an index below their number. */
const pick = <V>(p: Vocabulary<V>, values: readonly V[], index: V): V =>
  values.slice(1).reduce((chosen, value, n) => p.select(p.eq(index, p.constant(n + 1)), value, chosen), values[0] as V);

/** VPERMQ, VPERMPD: quadwords over the whole register. */
const permuteQuads: Semantics = (p, i) => {
  const b = source(p, i, i.operands[1]!);
  const control = immediate(p, i);
  const out = [0, 2, 4, 6].map((at) => pick(p, b, p.and(p.shr(control, p.constant(at)), p.constant(3))));
  result(p, i, i.operands[0]!, out);
};

/** VPERMD, VPERMPS: doublewords over the whole register, by the elements of the first source. */
const permuteDoublewords: Semantics = (p, i) => {
  const { a: control, b } = sources(p, i);
  const out = lanes(p, control, 32).map((index) => {
    const quad = pick(p, b, p.and(p.shr(index, p.constant(1)), p.constant(3)));
    return p.zeroExtend(p.shr(quad, p.shl(p.and(index, p.constant(1)), p.constant(5))), 32);
  });
  result(p, i, i.operands[0]!, packLanes(p, out, 32));
};

/** VPERM2F128, VPERM2I128. */
const permuteBlocks: Semantics = (p, i) => {
  const b = source(p, i, i.operands[2]!);
  const a = p.readQuads(i.operands[1]!);
  const control = immediate(p, i);
  const out = [0, 4].flatMap((at) => {
    const which = p.and(p.shr(control, p.constant(at)), p.constant(3));
    const zero = p.and(control, p.constant(8 << at));
    return [0, 1].map((k) => p.select(zero, p.constant(0), pick(p, [a[k]!, a[2 + k]!, b[k]!, b[2 + k]!], which)));
  });
  result(p, i, i.operands[0]!, out);
};

/** VINSERTF128, VINSERTI128. */
const insertBlock: Semantics = (p, i) => {
  const b = p.readQuads(i.operands[2]!, 128);
  const a = p.readQuads(i.operands[1]!);
  const upper = p.and(immediate(p, i), p.constant(1));
  const out = a.map((x, n) => p.select(n < 2 ? p.eq(upper, p.constant(0)) : upper, b[n % 2]!, x));
  result(p, i, i.operands[0]!, out);
};

/** VEXTRACTF128, VEXTRACTI128. */
const extractBlock: Semantics = (p, i) => {
  const a = p.readQuads(i.operands[1]!);
  const upper = p.and(immediate(p, i), p.constant(1));
  result(p, i, i.operands[0]!, [p.select(upper, a[2]!, a[0]!), p.select(upper, a[3]!, a[1]!)]);
};

/** PEXTRB, PEXTRW, PEXTRD, PEXTRQ, EXTRACTPS: an element to a general register, zero-extended, or to memory. */
const extract =
  (size: Lane): Semantics =>
  (p, i) => {
    const [destination, from] = [i.operands[0]!, i.operands[1]!];
    const quads = p.readQuads(from);
    const index = p.and(immediate(p, i), p.constant((64 * quads.length) / size - 1));
    const bit = p.shl(index, p.constant(Math.log2(size)));
    const quad = quads.length === 1 ? quads[0]! : p.select(p.and(bit, p.constant(64)), quads[1]!, quads[0]!);
    p.write(destination, size === 64 ? quad : p.zeroExtend(p.shr(quad, bit), size));
  };

/** PINSRB, PINSRW, PINSRD, PINSRQ. */
const insert =
  (size: Lane): Semantics =>
  (p, i) => {
    const value = p.zeroExtend(p.read(i.operands.at(-2)!), size);
    const quads = p.readQuads(i.operands.at(-3)!);
    const index = p.and(immediate(p, i), p.constant((64 * quads.length) / size - 1));
    const bit = p.shl(index, p.constant(Math.log2(size)));
    const mask = p.shl(p.constant((1n << BigInt(size)) - 1n), bit);
    const out = quads.map((x, n) => {
      const here = quads.length === 1 ? p.constant(1) : p.eq(p.and(bit, p.constant(64)), p.constant(64 * n));
      return p.select(here, choose(p, mask, p.shl(value, bit), x), x);
    });
    result(p, i, i.operands[0]!, out);
  };

/** INSERTPS: a doubleword of a register or of memory to one place; places of a mask become zero. */
const insertSingle: Semantics = (p, i) => {
  const from = i.operands.at(-2)!;
  const control = immediate(p, i);
  const value = from.kind === 'memory' ? p.read(from) : oneOf(p, p.readQuads(from), 32, 0, control, 6);
  const place = p.and(p.shr(control, p.constant(4)), p.constant(3));
  const out = lanes(p, p.readQuads(i.operands.at(-3)!), 32).map((x, n) => {
    const chosen = p.select(p.eq(place, p.constant(n)), value, x);
    return p.select(p.and(control, p.constant(1 << n)), p.constant(0), chosen);
  });
  result(p, i, i.operands[0]!, packLanes(p, out, 32));
};

/** PMOVMSKB, MOVMSKPS, MOVMSKPD: the top bit of each element. */
const moveMask =
  (size: 8 | 32 | 64): Semantics =>
  <V>(p: Vocabulary<V>, i: Instruction): void => {
    const signs = (block: V[]): V[] => {
      const bits = lanes(p, block, size).map((x, n) => p.shl(p.shr(x, p.constant(size - 1)), p.constant(n)));
      return [bits.reduce((a, b) => p.or(a, b))];
    };
    const [low, high] = p.blockwise(`signs${size}`, [p.readQuads(i.operands[1]!)], signs) as [V, V | undefined];
    p.write(i.operands[0]!, high === undefined ? low : p.or(low, p.shl(high, p.constant(128 / size))));
  };

export const shuffles: Category = {
  ...withVex({
    punpcklbw: unpack(8, false),
    punpcklwd: unpack(16, false),
    punpckldq: unpack(32, false),
    punpcklqdq: unpack(64, false),
    punpckhbw: unpack(8, true),
    punpckhwd: unpack(16, true),
    punpckhdq: unpack(32, true),
    punpckhqdq: unpack(64, true),
    unpcklps: unpack(32, false),
    unpcklpd: unpack(64, false),
    unpckhps: unpack(32, true),
    unpckhpd: unpack(64, true),
    packsswb: pack(16, true),
    packssdw: pack(32, true),
    packuswb: pack(16, false),
    packusdw: pack(32, false),
    pshufd: shuffle(32),
    pshuflw: shuffleWords(false),
    pshufhw: shuffleWords(true),
    shufps: shuffleSingles,
    shufpd: shuffleDoubles,
    pshufb: shuffleBytes,
    palignr: align,
    pblendw: blend(16, true),
    blendps: blend(32),
    blendpd: blend(64),
    pblendvb: blendByMask(8),
    blendvps: blendByMask(32),
    blendvpd: blendByMask(64),
    pmovsxbw: widen(8, 16, true),
    pmovsxbd: widen(8, 32, true),
    pmovsxbq: widen(8, 64, true),
    pmovsxwd: widen(16, 32, true),
    pmovsxwq: widen(16, 64, true),
    pmovsxdq: widen(32, 64, true),
    pmovzxbw: widen(8, 16, false),
    pmovzxbd: widen(8, 32, false),
    pmovzxbq: widen(8, 64, false),
    pmovzxwd: widen(16, 32, false),
    pmovzxwq: widen(16, 64, false),
    pmovzxdq: widen(32, 64, false),
    movddup: duplicate(64, false),
    movsldup: duplicate(32, false),
    movshdup: duplicate(32, true),
    pextrb: extract(8),
    pextrw: extract(16),
    pextrd: extract(32),
    pextrq: extract(64),
    extractps: extract(32),
    pinsrb: insert(8),
    pinsrw: insert(16),
    pinsrd: insert(32),
    pinsrq: insert(64),
    insertps: insertSingle,
    pmovmskb: moveMask(8),
    movmskps: moveMask(32),
    movmskpd: moveMask(64),
  }),
  ...withVex({ pshufw: shuffle(16) }),
  ...onlyVex({
    vpblendd: blend(32),
    vpbroadcastb: broadcast(8),
    vpbroadcastw: broadcast(16),
    vpbroadcastd: broadcast(32),
    vpbroadcastq: broadcast(64),
    vbroadcastss: broadcast(32),
    vbroadcastsd: broadcast(64),
    vbroadcastf128: broadcast(128),
    vbroadcasti128: broadcast(128),
    vpermilps: permuteInside(32),
    vpermilpd: permuteInside(64),
    vpermq: permuteQuads,
    vpermpd: permuteQuads,
    vpermd: permuteDoublewords,
    vpermps: permuteDoublewords,
    vperm2f128: permuteBlocks,
    vperm2i128: permuteBlocks,
    vinsertf128: insertBlock,
    vinserti128: insertBlock,
    vextractf128: extractBlock,
    vextracti128: extractBlock,
  }),
};
