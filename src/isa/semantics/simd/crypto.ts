import { blocks } from '../../blocks.ts';
import { ymmOffset } from '../../core-state.ts';
import type { Instruction } from '../../instruction.ts';
import type { Vocabulary } from '../../vocabulary.ts';
import type { Category, Semantics } from '../semantics.ts';
import { lane, lanes, packLanes } from './lanes.ts';
import { immediate, onlyLegacy, result, source, sources, withVex } from './operands.ts';

/** AES, SHA and carry-less multiplication (SDM Vol. 2: AESENC and its like, SHA1RNDS4, SHA256RNDS2 and their like, PCLMULQDQ). */

const aesStep =
  (helper: string): Semantics =>
  (p, i) => {
    const { a, b } = sources(p, i);
    const keys = blocks(b);
    const out = blocks(a).flatMap((block, n) => p.compute(helper, [...block, ...keys[n]!], 2));
    result(p, i, i.operands[0]!, out);
  };

const inverseMixColumns: Semantics = (p, i) => {
  result(p, i, i.operands[0]!, p.compute('aes.imc', source(p, i, i.operands[1]!), 2));
};

const keyGenAssist: Semantics = (p, i) => {
  const quads = source(p, i, i.operands[1]!);
  result(p, i, i.operands[0]!, p.compute('aes.keygen', [...quads, immediate(p, i)], 2));
};

/** Product of two quadwords over GF(2), one of each block, chosen by bits 0 and 4 of the immediate. */
const carryless: Semantics = <V>(p: Vocabulary<V>, i: Instruction): void => {
  const b = blocks(source(p, i, i.operands.at(-2)!));
  const a = blocks(p.readQuads(i.operands.at(-3)!));
  const control = immediate(p, i);
  const out = a.flatMap((block, n) => {
    const x = p.select(p.and(control, p.constant(1)), block[1] as V, block[0] as V);
    const y = p.select(p.and(control, p.constant(16)), b[n]![1] as V, b[n]![0] as V);
    const low = p.variable(p.constant(0));
    const high = p.variable(p.constant(0));
    const count = p.variable(p.constant(0));
    p.loop(
      () => p.ltUnsigned(count.get(), p.constant(64)),
      () => {
        const k = count.get();
        p.when(p.and(p.shr(y, k), p.constant(1)), () => {
          low.set(p.xor(low.get(), p.shl(x, k)));
          high.set(p.xor(high.get(), p.select(k, p.shr(x, p.sub(p.constant(64), k)), p.constant(0))));
        });
        count.set(p.add(k, p.constant(1)));
      },
    );
    return [low.get(), high.get()];
  });
  result(p, i, i.operands[0]!, out);
};

const XMM0 = ymmOffset(0);

// SHA works on doublewords, the lowest first. Its memory operand need not be aligned: as measured; the manual says #GP.

const add32 = <V>(p: Vocabulary<V>, ...values: V[]): V =>
  p.zeroExtend(
    values.reduce((a, b) => p.add(a, b)),
    32,
  );
/** A doubleword turned right. */
const turn = <V>(p: Vocabulary<V>, x: V, by: number): V => p.zeroExtend(p.or(p.shr(x, p.constant(by)), p.shl(x, p.constant(32 - by))), 32);
const exclusive = <V>(p: Vocabulary<V>, ...values: V[]): V => values.reduce((a, b) => p.xor(a, b));

/** FIPS 180-4, 4.1.2. */
const choice = <V>(p: Vocabulary<V>, e: V, f: V, g: V): V => p.xor(p.and(e, f), p.and(p.xor(e, p.constant(0xffffffffn)), g));
const majority = <V>(p: Vocabulary<V>, a: V, b: V, c: V): V => exclusive(p, p.and(a, b), p.and(a, c), p.and(b, c));

const sha256rounds: Semantics = <V>(p: Vocabulary<V>, i: Instruction): void => {
  const zero = p.constant(0);
  const keys = lanes(p, [p.stacked(XMM0, zero)], 32);
  const b = lanes(p, p.readQuads(i.operands[1]!), 32);
  const d = lanes(p, p.readQuads(i.operands[0]!), 32);
  // The destination holds C D G H, the source A B E F, highest first.
  let state = [b[3]!, b[2]!, d[3]!, d[2]!, b[1]!, b[0]!, d[1]!, d[0]!] as V[];
  for (let round = 0; round < 2; round++) {
    const [a, bb, c, dd, e, f, g, h] = state as [V, V, V, V, V, V, V, V];
    const sum1 = exclusive(p, turn(p, e, 6), turn(p, e, 11), turn(p, e, 25));
    const t = add32(p, choice(p, e, f, g), sum1, keys[round] as V, h);
    const sum0 = exclusive(p, turn(p, a, 2), turn(p, a, 13), turn(p, a, 22));
    state = [add32(p, t, majority(p, a, bb, c), sum0), a, bb, c, add32(p, t, dd), e, f, g];
  }
  const [a, bb, , , e, f] = state as [V, V, V, V, V, V];
  result(p, i, i.operands[0]!, packLanes(p, [f, e, bb, a], 32));
};

const sha256message1: Semantics = (p, i) => {
  const b = lanes(p, p.readQuads(i.operands[1]!), 32);
  const w = [...lanes(p, p.readQuads(i.operands[0]!), 32), b[0]!];
  const out = [0, 1, 2, 3].map((n) => {
    const x = w[n + 1]!;
    return add32(p, w[n]!, exclusive(p, turn(p, x, 7), turn(p, x, 18), p.shr(x, p.constant(3))));
  });
  result(p, i, i.operands[0]!, packLanes(p, out, 32));
};

const sha256message2: Semantics = <V>(p: Vocabulary<V>, i: Instruction): void => {
  const b = lanes(p, p.readQuads(i.operands[1]!), 32);
  const d = lanes(p, p.readQuads(i.operands[0]!), 32);
  const small = (x: V): V => exclusive(p, turn(p, x, 17), turn(p, x, 19), p.shr(x, p.constant(10)));
  const w16 = add32(p, d[0] as V, small(b[2] as V));
  const w17 = add32(p, d[1] as V, small(b[3] as V));
  result(p, i, i.operands[0]!, packLanes(p, [w16, w17, add32(p, d[2] as V, small(w16)), add32(p, d[3] as V, small(w17))], 32));
};

const sha1nextE: Semantics = (p, i) => {
  const b = lanes(p, p.readQuads(i.operands[1]!), 32);
  const e = turn(p, lane(p, p.readQuads(i.operands[0]!), 32, 3), 2);
  result(p, i, i.operands[0]!, packLanes(p, [b[0]!, b[1]!, b[2]!, add32(p, b[3]!, e)], 32));
};

/** W0 is the highest doubleword: each of the first four is combined with that two behind it. */
const sha1message1: Semantics = (p, i) => {
  const b = p.readQuads(i.operands[1]!);
  const [low, high] = p.readQuads(i.operands[0]!);
  result(p, i, i.operands[0]!, [p.xor(low!, b[1]!), p.xor(high!, low!)]);
};

const sha1message2: Semantics = (p, i) => {
  const b = lanes(p, p.readQuads(i.operands[1]!), 32);
  const d = lanes(p, p.readQuads(i.operands[0]!), 32);
  const w16 = turn(p, p.xor(d[3]!, b[2]!), 31);
  const w17 = turn(p, p.xor(d[2]!, b[1]!), 31);
  const w18 = turn(p, p.xor(d[1]!, b[0]!), 31);
  const w19 = turn(p, p.xor(d[0]!, w16), 31);
  result(p, i, i.operands[0]!, packLanes(p, [w19, w18, w17, w16], 32));
};

/** FIPS 180-4, 4.2.1: the constant of each group of twenty rounds. */
const SHA1_CONSTANTS = [0x5a827999n, 0x6ed9eba1n, 0x8f1bbcdcn, 0xca62c1d6n];

const sha1rounds: Semantics = <V>(p: Vocabulary<V>, i: Instruction): void => {
  const w = lanes(p, p.readQuads(i.operands[1]!), 32);
  const group = p.and(immediate(p, i), p.constant(3));
  const k = SHA1_CONSTANTS.map((c) => p.constant(c)).reduce((chosen, c, n) => p.select(p.eq(group, p.constant(n)), c, chosen));
  const d = lanes(p, p.readQuads(i.operands[0]!), 32);
  let [a, b, c, dd, e] = [d[3], d[2], d[1], d[0], p.constant(0)] as [V, V, V, V, V];
  for (let round = 0; round < 4; round++) {
    const parity = exclusive(p, b, c, dd);
    const f = p.select(
      p.eq(group, p.constant(0)),
      choice(p, b, c, dd),
      p.select(p.eq(group, p.constant(2)), majority(p, b, c, dd), parity),
    );
    // The first message word has E in it already.
    const next = add32(p, f, turn(p, a, 27), w[3 - round] as V, e, k);
    [a, b, c, dd, e] = [next, a, turn(p, b, 2), c, dd];
  }
  result(p, i, i.operands[0]!, packLanes(p, [dd, c, b, a], 32));
};

export const crypto: Category = {
  ...withVex({
    aesenc: aesStep('aes.enc'),
    aesenclast: aesStep('aes.enclast'),
    aesdec: aesStep('aes.dec'),
    aesdeclast: aesStep('aes.declast'),
    aesimc: inverseMixColumns,
    aeskeygenassist: keyGenAssist,
    pclmulqdq: carryless,
  }),
  ...onlyLegacy({
    sha256rnds2: sha256rounds,
    sha256msg1: sha256message1,
    sha256msg2: sha256message2,
    sha1nexte: sha1nextE,
    sha1msg1: sha1message1,
    sha1msg2: sha1message2,
    sha1rnds4: sha1rounds,
  }),
};
