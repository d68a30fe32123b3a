import { Rounding } from '../../helpers/mxcsr.ts';
import { constant as constantOf, type X87Constant } from '../../helpers/x87-constants.ts';
import { ROUNDING_AT } from '../../helpers/x87-word.ts';
import type { Instruction, Operand, Size } from '../../instruction.ts';
import type { Vocabulary } from '../../vocabulary.ts';
import type { Category, Semantics } from '../semantics.ts';
import { waiting } from './available.ts';
import { converted, type Format, memoryOf, registerOf, writeTen } from './operands.ts';
import { minus, Stack, type Value } from './stack.ts';

/** Loads, stores, constants and moves between registers. */

function push<V>(p: Vocabulary<V>, i: Instruction, stack: Stack<V>, value: Value<V>): void {
  const [low, high, status, has] = stack.compute('push', [value], 4, stack.isUsed(-1));
  stack.put(-1, [low!, high!], has!);
  stack.retire(i, status!, minus(p, has!));
}

const load = (format: Format): Semantics =>
  waiting((p, i) => {
    const stack = new Stack(p);
    const memory = memoryOf(i);
    push(p, i, stack, memory === undefined ? stack.get(registerOf(i, 0)) : converted(p, memory, format));
  });

/** FLD1 and its like. All are positive. */
const constant = (name: X87Constant): Semantics => {
  const [[nearest, high], [down], [up]] = [Rounding.nearest, Rounding.down, Rounding.up].map((mode) =>
    constantOf(name, mode << ROUNDING_AT),
  );
  return waiting((p, i) => {
    const stack = new Stack(p);
    const rounding = p.and(p.shr(stack.control, p.constant(ROUNDING_AT)), p.constant(3));
    const directed = p.select(p.eq(rounding, p.constant(Rounding.up)), p.constant(up), p.constant(down));
    push(p, i, stack, [p.select(rounding, directed, p.constant(nearest)), p.constant(high)]);
  });
};

/** Writes a result that there is; where there is none the place must be writable all the same (as measured). */
function put<V>(p: Vocabulary<V>, memory: Operand & { readonly kind: 'memory' }, has: V, write: () => void): void {
  p.when(has, write, () => p.probe(p.address(memory), memory.size / 8, 'operand'));
}

/** FST, FSTP: to a register or to memory, which gets nothing when the exception that is met is not masked. */
const store = (pops: boolean): Semantics =>
  waiting((p, i) => {
    const stack = new Stack(p);
    const memory = memoryOf(i);
    const helper = memory === undefined || memory.size === 80 ? 'copy' : memory.size === 32 ? 'toSingle' : 'toDouble';
    const [low, high, status, has] = stack.compute(helper, [stack.get(0)], 4);
    if (memory?.size === 80) put(p, memory, has!, () => writeTen(p, memory, [low!, high!]));
    else if (memory !== undefined) put(p, memory, has!, () => p.write(memory, low!));
    else stack.put(registerOf(i, 0), [low!, high!], has!);
    if (pops) stack.free(0, has!);
    stack.retire(i, status!, pops ? has! : p.constant(0));
  });

/** FSTPNCE: FSTP to a register that does not mind whether ST(0) is empty. */
const storeUnchecked: Semantics = waiting((p, i) => {
  const stack = new Stack(p);
  const used = stack.isUsed(0);
  stack.put(registerOf(i, 0), stack.get(0), used);
  stack.free(0, p.constant(1));
  stack.retire(i, stack.plainStatus, p.constant(1));
});

const storeInteger = (truncates: boolean, pops: boolean): Semantics =>
  waiting((p, i) => {
    const stack = new Stack(p);
    const memory = memoryOf(i)!;
    const size: Size = memory.size;
    const [bits, , status, has] = stack.compute('toInteger', [stack.get(0)], 4, p.constant(size), p.constant(truncates ? 1 : 0));
    put(p, memory, has!, () => p.write(memory, bits!));
    if (pops) stack.free(0, has!);
    stack.retire(i, status!, pops ? has! : p.constant(0));
  });

const storeDecimal: Semantics = waiting((p, i) => {
  const stack = new Stack(p);
  const [low, high, status, has] = stack.compute('toDecimal', [stack.get(0)], 4);
  const memory = memoryOf(i)!;
  put(p, memory, has!, () => writeTen(p, memory, [low!, high!]));
  stack.free(0, has!);
  stack.retire(i, status!, has!);
});

const exchange: Semantics = waiting((p, i) => {
  const stack = new Stack(p);
  const other = registerOf(i, 1);
  const [low, high, low2, high2, status, has] = stack.compute('exchange', [stack.get(0), stack.get(other)], 6);
  stack.put(0, [low!, high!], has!);
  stack.put(other, [low2!, high2!], has!);
  stack.retire(i, status!, p.constant(0));
});

/** FCMOVcc ST(0), ST(i). Both must be there whatever the condition. */
const conditional = (condition: <V>(p: Vocabulary<V>) => V): Semantics =>
  waiting((p, i) => {
    const stack = new Stack(p);
    const moves = condition(p);
    const [a, b] = [stack.get(0), stack.get(registerOf(i, 1))];
    const value: Value<typeof moves> = [p.select(moves, b[0], a[0]), p.or(p.select(moves, b[1], a[1]), emptyOf(p, a[1], b[1]))];
    const [low, high, status, has] = stack.compute('move', [value], 4);
    stack.put(0, [low!, high!], has!);
    stack.retire(i, status!, p.constant(0));
  });

const emptyOf = <V>(p: Vocabulary<V>, a: V, b: V): V => p.and(p.or(a, b), p.constant(0x10000));

const not =
  (condition: <V>(p: Vocabulary<V>) => V) =>
  <V>(p: Vocabulary<V>): V =>
    p.xor(condition(p), p.constant(1));

const below = <V>(p: Vocabulary<V>): V => p.flag('CF');
const equal = <V>(p: Vocabulary<V>): V => p.flag('ZF');
const belowOrEqual = <V>(p: Vocabulary<V>): V => p.or(p.flag('CF'), p.flag('ZF'));
const unordered = <V>(p: Vocabulary<V>): V => p.flag('PF');

export const moves: Category = {
  fld: load('float'),
  fild: load('integer'),
  fbld: load('decimal'),
  fld1: constant('1'),
  fldl2t: constant('l2t'),
  fldl2e: constant('l2e'),
  fldpi: constant('pi'),
  fldlg2: constant('lg2'),
  fldln2: constant('ln2'),
  fldz: constant('z'),
  fst: store(false),
  fstp: store(true),
  fstpnce: storeUnchecked,
  fist: storeInteger(false, false),
  fistp: storeInteger(false, true),
  fisttp: storeInteger(true, true),
  fbstp: storeDecimal,
  fxch: exchange,
  fcmovb: conditional(below),
  fcmove: conditional(equal),
  fcmovbe: conditional(belowOrEqual),
  fcmovu: conditional(unordered),
  fcmovnb: conditional(not(below)),
  fcmovne: conditional(not(equal)),
  fcmovnbe: conditional(not(belowOrEqual)),
  fcmovnu: conditional(not(unordered)),
};
