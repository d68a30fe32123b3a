import { RDI, ymmOffset } from '../../core-state.ts';
import type { Instruction } from '../../instruction.ts';
import type { Vocabulary } from '../../vocabulary.ts';
import type { Category, Semantics } from '../semantics.ts';
import { mustBeAligned } from './available.ts';
import { lanes, packLanes } from './lanes.ts';
import { isMmx, onlyVex, result, withVex } from './operands.ts';

/** Moves of vectors and of their elements (SDM Vol. 2: MOVAPS, MOVUPS, MOVDQA, MOVDQU, MOVD, MOVQ, MOVSS, MOVSD, MOVLPS, MOVHPS, MOVNTx, MASKMOVDQU...). */

/** A whole register or memory; `aligned`: memory must be aligned to its size, also with VEX. */
const move =
  (aligned: boolean): Semantics =>
  (p, i) => {
    const [to, from] = [i.operands[0]!, i.operands[1]!];
    const memory = to.kind === 'memory' ? to : from.kind === 'memory' ? from : undefined;
    if (aligned && memory !== undefined && memory.size > 64) mustBeAligned(p, p.address(memory), memory.size / 8);
    result(p, i, to, p.readQuads(from, to.kind === 'memory' ? to.size : from.size));
  };

/** MOVD, MOVQ: 32 or 64 bits between a vector register and a general one, memory, or another vector register. */
const moveLow: Semantics = (p, i) => {
  const [to, from] = [i.operands[0]!, i.operands[1]!];
  const value = from.kind === 'vector' ? p.readQuads(from, 64)[0]! : p.read(from);
  if (to.kind !== 'vector') p.write(to, value);
  else result(p, i, to, to.size === 64 ? [value] : [value, p.constant(0)]);
};

/** MOVSS, MOVSD: memory clears what is above; between registers only the low element moves. */
const moveScalar =
  (size: 32 | 64): Semantics =>
  (p, i) => {
    const [to, from] = [i.operands[0]!, i.operands.at(-1)!];
    if (from.kind === 'memory') {
      result(p, i, to, [p.read(from), p.constant(0)]);
      return;
    }
    const low = p.readQuads(from, 64)[0]!;
    if (to.kind === 'memory') {
      p.write(to, low);
      return;
    }
    const [a, b] = p.readQuads(i.operands.at(-2)!, 128);
    const mask = p.constant(0xffffffffn);
    result(p, i, to, [size === 64 ? low : p.or(p.and(low, mask), p.and(a!, p.not(mask))), b!]);
  };

/** MOVLPS, MOVHPS and their like: one quadword from or to memory; MOVHLPS, MOVLHPS: from the other half of a register. */
const moveHalf =
  (half: 0 | 1, fromOther: boolean): Semantics =>
  (p, i) => {
    const [to, from] = [i.operands[0]!, i.operands.at(-1)!];
    if (to.kind === 'memory') {
      p.write(to, p.readQuads(from, 128)[half]!);
      return;
    }
    const value = from.kind === 'memory' ? p.read(from) : p.readQuads(from, 128)[fromOther ? 1 - half : half]!;
    const rest = p.readQuads(i.operands.at(-2)!, 128);
    result(p, i, to, half === 0 ? [value, rest[1]!] : [rest[0]!, value]);
  };

/** MASKMOVQ, MASKMOVDQU: the bytes whose mask is negative, to DS:RDI. */
const maskedBytes: Semantics = <V>(p: Vocabulary<V>, i: Instruction): void => {
  const mask = p.readQuads(i.operands.at(-1)!);
  const data = p.readQuads(i.operands.at(-2)!);
  const address = p.add(p.segmentBase(), p.register(RDI, i.addressSize));
  // It faults whatever the mask is, as measured; the manual leaves that to the implementation.
  p.probe(address, 8, 'operand');
  if (!isMmx(i)) p.probe(p.add(address, p.constant(8)), 8, 'operand');
  storeMasked(p, address, lanes(p, data, 8), lanes(p, mask, 8), 8);
};

/** Stores the elements whose mask is negative: faults of all of them come first, those of bytes have come. */
function storeMasked<V>(p: Vocabulary<V>, address: V, elements: readonly V[], masks: readonly V[], size: 8 | 32 | 64): void {
  const bytes = size / 8;
  const isSet = (n: number): V => p.shr(masks[n] as V, p.constant(size - 1));
  const at = (n: number): V => p.add(address, p.constant(n * bytes));
  if (size > 8) elements.forEach((_, n) => p.when(isSet(n), () => p.probe(at(n), bytes, 'operand')));
  elements.forEach((element, n) => p.when(isSet(n), () => p.store(at(n), size, element, 'operand')));
}

/** VMASKMOVPS, VMASKMOVPD, VPMASKMOVD, VPMASKMOVQ: elements whose mask is negative; loads give zero for the others and do not touch them. */
const maskedElements =
  (size: 32 | 64): Semantics =>
  <V>(p: Vocabulary<V>, i: Instruction): void => {
    const [to, mask, from] = [i.operands[0]!, i.operands[1]!, i.operands[2]!];
    const masks = lanes(p, p.readQuads(mask), size);
    if (to.kind === 'memory') {
      storeMasked(p, p.address(to), lanes(p, p.readQuads(from), size), masks, size);
      return;
    }
    const address = p.address(from);
    const out = masks.map((m, n) => {
      const value = p.variable(p.constant(0));
      p.when(p.shr(m, p.constant(size - 1)), () => value.set(p.load(p.add(address, p.constant((n * size) / 8)), size, 'operand')));
      return value.get();
    });
    result(p, i, to, packLanes(p, out, size));
  };

/** VZEROUPPER, VZEROALL: of the registers that the code can name. */
const clear =
  (from: number): Semantics =>
  (p, i) => {
    for (let n = 0; n < (i.codeSize === 64 ? 16 : 8); n++)
      for (let q = from; q < 4; q++) p.setStacked(ymmOffset(n) + 8 * q, p.constant(0), p.constant(0));
  };

/** MOVQ2DQ and MOVDQ2Q, between the register files. */
const moveBetween: Semantics = (p, i) => {
  const value = p.readQuads(i.operands[1]!, 64)[0]!;
  result(p, i, i.operands[0]!, i.operands[0]!.size === 64 ? [value] : [value, p.constant(0)]);
};

const aligned = move(true);
const unaligned = move(false);

export const moves: Category = {
  ...withVex({
    movaps: aligned,
    movapd: aligned,
    movdqa: aligned,
    movups: unaligned,
    movupd: unaligned,
    movdqu: unaligned,
    lddqu: unaligned,
    movntps: aligned,
    movntpd: aligned,
    movntdq: aligned,
    movntdqa: aligned,
    movntq: unaligned,
    movd: moveLow,
    movq: moveLow,
    movss: moveScalar(32),
    movsd: moveScalar(64),
    // SSE4A's have memory as their destination only.
    movntss: moveScalar(32),
    movntsd: moveScalar(64),
    movlps: moveHalf(0, false),
    movlpd: moveHalf(0, false),
    movhps: moveHalf(1, false),
    movhpd: moveHalf(1, false),
    movhlps: moveHalf(0, true),
    movlhps: moveHalf(1, true),
    maskmovq: maskedBytes,
    maskmovdqu: maskedBytes,
    movq2dq: moveBetween,
    movdq2q: moveBetween,
  }),
  ...onlyVex({
    vmaskmovps: maskedElements(32),
    vmaskmovpd: maskedElements(64),
    vpmaskmovd: maskedElements(32),
    vpmaskmovq: maskedElements(64),
    vzeroupper: clear(2),
    vzeroall: clear(0),
  }),
};
