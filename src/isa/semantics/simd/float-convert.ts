import type { Instruction, Operand } from '../../instruction.ts';
import type { Vocabulary } from '../../vocabulary.ts';
import type { Category, Semantics } from '../semantics.ts';
import { isVex, sse } from './available.ts';
import { lowest, putLowest } from './float-elements.ts';
import { Environment } from './float-environment.ts';
import { lanes, packLanes } from './lanes.ts';
import { mmx } from './mmx-state.ts';
import { immediate, isMmx, onlyVex, result, source, withVex } from './operands.ts';

/** Conversions between formats and with integers (SDM Vol. 2: CVTDQ2PS, CVTPS2PD, CVTSI2SS, VCVTPH2PS and their like). */

type Lane = 16 | 32 | 64;

const size = (operand: Operand): number => operand.size;

/** As many elements as both operands have room for; of a wider register the rest becomes zero. */
const packed =
  (from: Lane, to: Lane, helper: string): Semantics =>
  (p, i) => {
    const [destination, origin] = i.operands as [Operand, Operand];
    const environment = new Environment(p);
    const count = Math.min(size(destination) / to, size(origin) / from);
    const values = taken(p, i, origin, count, from);
    const more = i.operands.length > 2 ? [immediate(p, i)] : [];
    const out = values.map((x) => environment.compute(helper, x, ...more));
    // A page fault comes before an exception of the numbers (as measured).
    if (destination.kind === 'memory') p.probe(p.address(destination), (count * to) / 8, 'operand');
    environment.finish(() => put(p, i, destination, out, to), isMmx(i));
  };

/** The lowest `count` elements: of memory no more is read. */
function taken<V>(p: Vocabulary<V>, i: Instruction, operand: Operand, count: number, lane: Lane): V[] {
  const bits = Math.max(64, count * lane);
  const quads = bits === operand.size ? source(p, i, operand) : p.readQuads(operand, bits as 64 | 128);
  return lanes(p, quads, lane).slice(0, count);
}

/** Elements, and zeros up to the size of an XMM register. */
function put<V>(p: Vocabulary<V>, i: Instruction, operand: Operand, values: readonly V[], lane: Lane): void {
  const quads = packLanes(p, values, lane);
  const missing = operand.kind === 'vector' ? operand.size / 64 - quads.length : 0;
  result(p, i, operand, [...quads, ...Array.from({ length: missing }, () => p.constant(0))]);
}

/** Between single and double: CVTSS2SD, CVTSD2SS. */
const scalar =
  (from: 32 | 64, to: 32 | 64): Semantics =>
  (p, i) => {
    const environment = new Environment(p);
    const value = lowest(p, i.operands.at(-1)!, from);
    const out = environment.compute(`f${from}.convert.f${to}`, value);
    environment.finish(() => putLowest(p, i, p.readQuads(i.operands.at(-2)!, isVex(i) ? 128 : 64), out, to));
  };

/** A general register or memory to a number: CVTSI2SS, CVTSI2SD. */
const fromGeneral =
  (to: 32 | 64): Semantics =>
  (p, i) => {
    const environment = new Environment(p);
    const origin = i.operands.at(-1)!;
    const out = environment.compute(`i${origin.size}.convert.f${to}`, p.read(origin));
    environment.finish(() => putLowest(p, i, p.readQuads(i.operands.at(-2)!, isVex(i) ? 128 : 64), out, to));
  };

/** A number to a general register: CVTSS2SI, CVTTSD2SI and their like. */
const toGeneral =
  (from: 32 | 64, operation: 'convert' | 'truncate'): Semantics =>
  (p, i) => {
    const environment = new Environment(p);
    const value = lowest(p, i.operands[1]!, from);
    const out = environment.compute(`f${from}.${operation}.i${i.size}`, value);
    environment.finish(() => p.write(i.operands[0]!, out));
  };

/** CVTPI2PS: two integers into the lower half of an XMM register, whose upper half stays. */
const toLowerHalf: Semantics = (p, i) => {
  const environment = new Environment(p);
  const out = lanes(p, p.readQuads(i.operands[1]!, 64), 32).map((x) => environment.compute('i32.convert.f32', x));
  environment.finish(() => p.writeQuads(i.operands[0]!, packLanes(p, out, 32)), isMmx(i));
};

const withMmx = (semantics: Semantics): Semantics => sse(mmx(semantics));

/** From memory there is no transition to MMX: so it is on silicon, and in the manual for CVTPI2PD. */
const fromMmx = (semantics: Semantics): Semantics => {
  const [register, memory] = [withMmx(semantics), sse(semantics)];
  return (p, i) => (i.operands[1]!.kind === 'memory' ? memory(p, i) : register(p, i));
};

export const floatConvert: Category = {
  ...withVex({
    cvtps2pd: packed(32, 64, 'f32.convert.f64'),
    cvtpd2ps: packed(64, 32, 'f64.convert.f32'),
    cvtdq2ps: packed(32, 32, 'i32.convert.f32'),
    cvtdq2pd: packed(32, 64, 'i32.convert.f64'),
    cvtps2dq: packed(32, 32, 'f32.convert.i32'),
    cvttps2dq: packed(32, 32, 'f32.truncate.i32'),
    cvtpd2dq: packed(64, 32, 'f64.convert.i32'),
    cvttpd2dq: packed(64, 32, 'f64.truncate.i32'),
    cvtss2sd: scalar(32, 64),
    cvtsd2ss: scalar(64, 32),
    cvtsi2ss: fromGeneral(32),
    cvtsi2sd: fromGeneral(64),
    cvtss2si: toGeneral(32, 'convert'),
    cvttss2si: toGeneral(32, 'truncate'),
    cvtsd2si: toGeneral(64, 'convert'),
    cvttsd2si: toGeneral(64, 'truncate'),
  }),
  ...onlyVex({
    vcvtph2ps: packed(16, 32, 'f16.convert.f32'),
    vcvtps2ph: packed(32, 16, 'f32.convert.f16'),
  }),
  cvtpi2ps: fromMmx(toLowerHalf),
  cvtpi2pd: fromMmx(packed(32, 64, 'i32.convert.f64')),
  cvtps2pi: withMmx(packed(32, 32, 'f32.convert.i32')),
  cvttps2pi: withMmx(packed(32, 32, 'f32.truncate.i32')),
  cvtpd2pi: withMmx(packed(64, 32, 'f64.convert.i32')),
  cvttpd2pi: withMmx(packed(64, 32, 'f64.truncate.i32')),
};
