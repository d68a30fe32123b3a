import type { Helper } from './helper.ts';
import { add, type Binary, divide, multiply, reversed, squareRoot, subtract } from './x87-arithmetic.ts';
import { compare, examine } from './x87-compare.ts';
import { fromDecimal, roundedToWhole, type Stored, toDecimal, toDouble, toInteger, toSingle } from './x87-convert.ts';
import { logarithm, logarithmOfMore, powerLessOne } from './x87-logarithm.ts';
import {
  CONVERTED,
  type Encoded,
  encoded,
  fromDouble,
  fromInteger,
  fromSingle,
  INDEFINITE,
  isNan,
  takeApart,
  type X87Number,
} from './x87-number.ts';
import { exact, special, stackUnderflow } from './x87-operands.ts';
import type { X87Outcome } from './x87-round.ts';
import { extract, remainder, scale } from './x87-scale.ts';
import { arcTangentOf, cosine, ONE, sine, tangent } from './x87-trigonometric.ts';
import { C0, C1, C2, C3, DE, hasResult, IE, STACK, summarized } from './x87-word.ts';

/**
 * The x87 FPU's instructions on the contents of registers. Parameters begin with control and status word; then each register or converted operand is two
 * quadwords (`x87-number.ts`). Results are values, the new status word but for its TOP, and whether the instruction has its result (1), or has met an unmasked
 * exception that leaves operands and stack alone (0).
 */

const CODES = C0 | C1 | C2 | C3;

/** The status word after an instruction that sets the condition codes `sets`. */
function statusAfter(
  control: number,
  status: number,
  sets: number,
  { flags, codes }: { readonly flags: number; readonly codes: number },
): number {
  return summarized(control, (status & ~sets) | flags | (codes & sets));
}

const bit = (value: boolean): bigint => (value ? 1n : 0n);

type Words = readonly [control: number, status: number];
const words = (parameters: readonly bigint[]): Words => [Number(parameters[0]), Number(parameters[1])];
const operandAt = (parameters: readonly bigint[], n: number): X87Number => takeApart(parameters[n]!, parameters[n + 1]!);

/** Values, then status word and whether there is a result. */
function settled([control, status]: Words, sets: number, outcome: X87Outcome): bigint[] {
  const has = hasResult(control, outcome.flags, 'register');
  return [...outcome.value, BigInt(statusAfter(control, status, sets, outcome)), bit(has)];
}

/** An operation on one register or more. */
const operation = (name: string, operands: number, run: (control: number, ...operands: X87Number[]) => X87Outcome, sets = C1): Helper => ({
  name: `x87.${name}`,
  parameters: 2 + 2 * operands,
  results: 4,
  run: (...parameters) => {
    const numbers = Array.from({ length: operands }, (_, n) => operandAt(parameters, 2 + 2 * n));
    return settled(words(parameters), sets, run(words(parameters)[0], ...numbers));
  },
});

const binary = (name: string, run: Binary, sets = C1): Helper => operation(name, 2, (control, a, b) => run(a!, b!, control), sets);
const unary = (name: string, run: (x: X87Number, control: number) => X87Outcome, sets = C1): Helper =>
  operation(name, 1, (control, x) => run(x!, control), sets);

/** A value goes where it goes unless its register is empty. */
const copied = (x: X87Number): X87Outcome => (x.kind === 'empty' ? stackUnderflow() : exact(encoded(x)));

const withSign =
  (sign: (high: bigint) => bigint) =>
  (x: X87Number): X87Outcome =>
    x.kind === 'empty' ? stackUnderflow() : exact([x.low, sign(x.high)]);

const stackOverflow = exact(INDEFINITE, STACK, C1);

/** A value is pushed: ST(7) must be empty. What is converted raises what it is. */
function pushed(low: bigint, high: bigint, isOccupied: boolean): X87Outcome {
  const x = takeApart(low, high);
  if (x.kind === 'empty') return stackUnderflow();
  if (isOccupied) return stackOverflow;
  if ((high & CONVERTED) === 0n) return copied(x);
  if (x.kind === 'signalling') return special(x)!;
  return exact(encoded(x), x.denormal ? DE : 0);
}

/** FPREM and FPREM1: C0 and C3 stay where there is no quotient. */
const division = (name: string, isNearest: boolean): Helper => ({
  ...binary(name, subtract),
  run: (...parameters) => {
    const outcome = remainder(operandAt(parameters, 2), operandAt(parameters, 4), Number(parameters[0]), isNearest);
    return settled(words(parameters), isNan(takeApart(...outcome.value)) ? C1 | C2 : CODES, outcome);
  },
});

/** One operand gives two results: the second is pushed. */
const pair = (name: string, sets: number, run: (x: X87Number, control: number) => readonly [X87Outcome, X87Outcome]): Helper => ({
  name: `x87.${name}`,
  parameters: 5,
  results: 7,
  run: (...parameters) => {
    const [control] = words(parameters);
    const x = operandAt(parameters, 2);
    const isOccupied = parameters[4] !== 0n;
    const [first, second] = isOccupied && x.kind !== 'empty' ? [stackOverflow, stackOverflow] : run(x, control);
    const [low, high, status, has] = settled(words(parameters), sets, first);
    const pushes = has === 1n && (first.codes & C2) === 0;
    return [low!, high!, ...second.value, status!, has!, bit(pushes)];
  },
});

/** A store: bits, status word, whether there is a result. */
const store = (name: string, more: number, run: (x: X87Number, control: number, ...more: bigint[]) => Stored): Helper => ({
  name: `x87.${name}`,
  parameters: 4 + more,
  results: 4,
  run: (...parameters) => {
    const [control, status] = words(parameters);
    const stored = run(operandAt(parameters, 2), control, ...parameters.slice(4));
    const has = hasResult(control, stored.flags, 'memory');
    const codes = has ? stored.codes : 0;
    const after = statusAfter(control, status, C1, { flags: stored.flags, codes });
    return [BigInt.asUintN(64, stored.bits), stored.bits >> 64n, BigInt(after), bit(has)];
  },
});

/** A comparison: the condition codes, the status word with them or, for FCOMI, without, and whether there is a result. */
const comparison = (name: string, quiet: boolean, sets: number): Helper => ({
  name: `x87.${name}`,
  parameters: 6,
  results: 3,
  run: (...parameters) => {
    const [control, status] = words(parameters);
    const compared = compare(operandAt(parameters, 2), operandAt(parameters, 4), quiet);
    const has = hasResult(control, compared.flags, 'register');
    const after = statusAfter(control, status, sets | (compared.flags === STACK ? C1 : 0), compared);
    return [BigInt(compared.codes), BigInt(after), bit(has)];
  },
});

const conversion = (name: string, parameters: number, run: (...parameters: bigint[]) => Encoded): Helper => ({
  name: `x87.${name}`,
  parameters,
  results: 2,
  run,
});

export const X87_HELPERS: readonly Helper[] = [
  binary('add', add),
  binary('sub', subtract),
  binary('subr', reversed(subtract)),
  binary('mul', multiply),
  binary('div', divide),
  binary('divr', reversed(divide)),
  binary('patan', arcTangentOf),
  binary('yl2x', logarithm),
  binary('yl2xp1', logarithmOfMore),
  binary('scale', scale),
  division('prem', false),
  division('prem1', true),
  unary('sqrt', squareRoot),
  unary('rndint', (x, control) => special(x) ?? roundedToWhole(x, control)),
  unary(
    'chs',
    withSign((high) => high ^ 0x8000n),
  ),
  unary(
    'abs',
    withSign((high) => high & 0x7fffn),
  ),
  unary('2xm1', powerLessOne),
  unary('sin', sine, C1 | C2),
  unary('cos', cosine, C1 | C2),
  unary('copy', copied),
  // FCMOVcc: C1 changes only with a fault.
  {
    ...unary('move', copied),
    run: (...parameters) => {
      const x = operandAt(parameters, 2);
      return settled(words(parameters), x.kind === 'empty' ? C1 : 0, copied(x));
    },
  },
  pair('tan', C1 | C2, (x, control) => {
    const result = tangent(x, control);
    return [result, (result.flags & IE) !== 0 || special(x) !== undefined ? result : exact(ONE)];
  }),
  pair('sincos', C1 | C2, (x, control) => [sine(x, control), cosine(x, control)]),
  pair('xtract', C1, (x, control) => {
    // The exponent takes the place of the operand, the significand is pushed.
    const { significand, exponent } = extract(x, control);
    return [{ ...exponent, flags: significand.flags }, significand];
  }),
  comparison('com', false, CODES),
  comparison('ucom', true, CODES),
  comparison('comi', false, 0),
  comparison('ucomi', true, 0),
  {
    name: 'x87.examine',
    parameters: 3,
    results: 1,
    run: (status, low, high) => [BigInt((Number(status) & ~CODES) | examine(takeApart(low!, high!)))],
  },
  {
    name: 'x87.push',
    parameters: 5,
    results: 4,
    run: (...parameters) => {
      const outcome = pushed(parameters[2]!, parameters[3]!, parameters[4] !== 0n);
      const [low, high, status, has] = settled(words(parameters), C1, outcome);
      // A denormal number is loaded even where that is not masked (as measured).
      return [low!, high!, status!, outcome.flags === DE ? 1n : has!];
    },
  },
  {
    // FXCH: an empty register is exchanged as the indefinite number.
    name: 'x87.exchange',
    parameters: 6,
    results: 6,
    run: (...parameters) => {
      const [a, b] = [operandAt(parameters, 2), operandAt(parameters, 4)];
      const flags = a.kind === 'empty' || b.kind === 'empty' ? STACK : 0;
      const [low, high, status, has] = settled(words(parameters), C1, exact(copied(a).value, flags));
      return [...copied(b).value, low!, high!, status!, has!];
    },
  },
  store('toSingle', 0, toSingle),
  store('toDouble', 0, toDouble),
  store('toDecimal', 0, toDecimal),
  store('toInteger', 2, (x, control, size, truncates) => toInteger(x, control, Number(size), truncates !== 0n)),
  conversion('fromSingle', 1, (bits) => fromSingle(bits!)),
  conversion('fromDouble', 1, (bits) => fromDouble(bits!)),
  conversion('fromInteger', 1, (bits) => fromInteger(BigInt.asIntN(64, bits!))),
  conversion('fromDecimal', 2, (low, high) => fromDecimal(low!, high!)),
];
