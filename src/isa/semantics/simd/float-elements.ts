import type { Instruction, Operand } from '../../instruction.ts';
import type { Vocabulary } from '../../vocabulary.ts';
import { isVex } from './available.ts';
import { result, source } from './operands.ts';

/** Which elements an instruction works on, by the end of its name: all of them or the lowest one, singles or doubles. */
export interface Shape {
  readonly suffix: string;
  readonly size: 32 | 64;
  readonly scalar: boolean;
}

const PS: Shape = { suffix: 'ps', size: 32, scalar: false };
const PD: Shape = { suffix: 'pd', size: 64, scalar: false };
const SS: Shape = { suffix: 'ss', size: 32, scalar: true };
const SD: Shape = { suffix: 'sd', size: 64, scalar: true };
export const PACKED: readonly Shape[] = [PS, PD];
export const SCALAR: readonly Shape[] = [SS, SD];
export const SHAPES: readonly Shape[] = [...PACKED, ...SCALAR];
export const SINGLES: readonly Shape[] = [PS, SS];

/** The operands that are no immediates. */
export const places = (i: Instruction): readonly Operand[] => i.operands.filter((o) => o.kind !== 'immediate');

/** The lowest element of a register, or what is in memory. */
export function lowest<V>(p: Vocabulary<V>, operand: Operand, size: 32 | 64): V {
  if (operand.kind !== 'vector') return p.read(operand);
  return p.zeroExtend(p.readQuads(operand, 64)[0] as V, size);
}

/** The values of a source that the instruction works on: the quadwords of a packed one, the one element of a scalar one. */
export function values<V>(p: Vocabulary<V>, i: Instruction, operand: Operand, { size, scalar }: Shape): V[] {
  return scalar ? [lowest(p, operand, size)] : source(p, i, operand);
}

/**
 * Writes such values. What a scalar instruction does not compute it keeps in its legacy encoding, and takes from its first source in its VEX one: the operand
 * before the last.
 */
export function putValues<V>(p: Vocabulary<V>, i: Instruction, { size, scalar }: Shape, out: readonly V[]): void {
  if (scalar) putLowest(p, i, p.readQuads(places(i).at(-2)!, isVex(i) ? 128 : 64), out[0] as V, size);
  else result(p, i, i.operands[0]!, out);
}

/** Writes the quadwords `around` with `value` as their lowest element. */
export function putLowest<V>(p: Vocabulary<V>, i: Instruction, around: readonly V[], value: V, size: 32 | 64): void {
  const rest = p.and(around[0] as V, p.constant(0xffffffff00000000n));
  const low = size === 64 ? value : p.or(rest, p.zeroExtend(value, 32));
  result(p, i, i.operands[0]!, [low, ...around.slice(1)]);
}
