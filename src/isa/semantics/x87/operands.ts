import type { Instruction, Operand } from '../../instruction.ts';
import type { Vocabulary } from '../../vocabulary.ts';
import type { Stack, Value } from './stack.ts';

/** How a memory operand is read. */
export type Format = 'float' | 'integer' | 'decimal';

type Memory = Extract<Operand, { kind: 'memory' }>;

export const memoryOf = (i: Instruction): Memory | undefined => i.operands.find((operand): operand is Memory => operand.kind === 'memory');

/** Number of the register that operand `n` is. */
export function registerOf(i: Instruction, n: number): number {
  const operand = i.operands[n];
  return operand?.kind === 'x87' ? operand.index : 0;
}

/** The quadword and the 16 bits of ten bytes in memory. */
export function readTen<V>(p: Vocabulary<V>, operand: Memory): Value<V> {
  const address = p.address(operand);
  return [p.load(address, 64, 'operand'), p.load(p.add(address, p.constant(8)), 16, 'operand')];
}

/** Writes them, both or, on a fault, none. */
export function writeTen<V>(p: Vocabulary<V>, operand: Memory, [low, high]: Value<V>): void {
  const address = p.address(operand);
  p.probe(address, 10, 'operand');
  p.store(address, 64, low, 'operand');
  p.store(p.add(address, p.constant(8)), 16, high, 'operand');
}

/** A memory operand as a register would hold it. */
export function converted<V>(p: Vocabulary<V>, operand: Memory, format: Format): Value<V> {
  if (format === 'decimal') return two(p.compute('x87.fromDecimal', readTen(p, operand), 2));
  if (operand.size === 80) return readTen(p, operand);
  const bits = p.read(operand);
  if (format === 'integer') return two(p.compute('x87.fromInteger', [p.signExtend(bits, operand.size)], 2));
  return two(p.compute(operand.size === 32 ? 'x87.fromSingle' : 'x87.fromDouble', [bits], 2));
}

const two = <V>([low, high]: readonly V[]): Value<V> => [low!, high!];

/** The other operand of an instruction whose first one is a register: memory, or ST(i), which is ST(1) where none is named. */
export function source<V>(p: Vocabulary<V>, i: Instruction, stack: Stack<V>, format: Format): Value<V> {
  const memory = memoryOf(i);
  if (memory !== undefined) return converted(p, memory, format);
  return stack.get(i.operands.length === 0 ? 1 : registerOf(i, 1));
}
