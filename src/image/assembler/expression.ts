import { AsmFailure, type Place } from './failure.ts';
import type { TokenReader } from './lexer.ts';

/** An arithmetic expression over numbers and symbols, evaluated once per layout pass. */
export type Expression =
  | { readonly kind: 'number'; readonly value: bigint; readonly place: Place }
  | { readonly kind: 'symbol'; readonly name: string; readonly place: Place }
  | { readonly kind: 'unary'; readonly operator: string; readonly of: Expression; readonly place: Place }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Expression; readonly right: Expression; readonly place: Place };

/**
 * What a symbol stands for: a plain number, a label of this source, or an address given from outside; `unknown` is any of them while the
 * first pass has not met its definition.
 */
export interface Value {
  readonly value: bigint;
  readonly kind: 'number' | 'label' | 'external' | 'unknown';
}

/** Looks a symbol up; `.` is the current address, and `1b` and `1f` are numeric labels. Throws for an unknown one. */
export type Resolve = (name: string, place: Place) => Value;

/** Binding strength, as GNU as has it ("Infix Operators"): multiplications and shifts, then bits, then sums. */
const STRENGTH: Readonly<Record<string, number>> = { '*': 3, '/': 3, '%': 3, '<<': 3, '>>': 3, '|': 2, '&': 2, '^': 2, '+': 1, '-': 1 };

/** Parses as much as belongs to an expression. `stop` says that what follows is not ours to parse, such as a register. */
export function parseExpression(reader: TokenReader, minimum = 1): Expression {
  let left = parseTerm(reader);
  for (;;) {
    const token = reader.peek();
    const strength = token.kind === 'punctuation' ? STRENGTH[token.text] : undefined;
    if (strength === undefined || strength < minimum) return left;
    reader.next();
    const right = parseExpression(reader, strength + 1);
    left = { kind: 'binary', operator: token.text, left, right, place: token.place };
  }
}

function parseTerm(reader: TokenReader): Expression {
  const token = reader.peek();
  if (token.kind === 'number') {
    reader.next();
    return { kind: 'number', value: token.value, place: token.place };
  }
  if (token.kind === 'name' || token.kind === 'local') {
    reader.next();
    return { kind: 'symbol', name: token.text, place: token.place };
  }
  if (token.kind === 'punctuation' && (token.text === '-' || token.text === '~' || token.text === '+')) {
    reader.next();
    return { kind: 'unary', operator: token.text, of: parseTerm(reader), place: token.place };
  }
  if (reader.accept('(')) {
    const inner = parseExpression(reader);
    reader.expect(')');
    return inner;
  }
  throw reader.unexpected('a number, a symbol or (');
}

/** The value of `expression`. Sums keep what they are sums of: label - label is a number, label + number is a label. */
export function evaluate(expression: Expression, resolve: Resolve): Value {
  switch (expression.kind) {
    case 'number':
      return { value: expression.value, kind: 'number' };
    case 'symbol':
      return resolve(expression.name, expression.place);
    case 'unary': {
      const of = evaluate(expression.of, resolve);
      if (expression.operator === '+' || of.kind === 'unknown') return of;
      requireNumber(of, expression.place);
      return { value: expression.operator === '-' ? -of.value : ~of.value, kind: 'number' };
    }
    case 'binary': {
      const left = evaluate(expression.left, resolve);
      const right = evaluate(expression.right, resolve);
      const { operator, place } = expression;
      if (left.kind === 'unknown' || right.kind === 'unknown') return left.kind === 'unknown' ? left : right;
      if (operator === '+' && (left.kind === 'number' || right.kind === 'number')) {
        return { value: left.value + right.value, kind: left.kind === 'number' ? right.kind : left.kind };
      }
      if (operator === '-' && right.kind === 'number') return { value: left.value - right.value, kind: left.kind };
      if (operator === '-' && left.kind !== 'number') return { value: left.value - right.value, kind: 'number' };
      requireNumber(left, place);
      requireNumber(right, place);
      return { value: compute(operator, left.value, right.value, place), kind: 'number' };
    }
  }
}

function requireNumber(value: Value, place: Place): void {
  if (value.kind !== 'number')
    throw new AsmFailure('an address can only be added to or subtracted from', place, 'use a difference of two labels');
}

function compute(operator: string, a: bigint, b: bigint, place: Place): bigint {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '^':
      return a ^ b;
    case '<<':
    case '>>':
      if (b < 0n || b > 64n) throw new AsmFailure(`a shift by ${b} is out of range`, place, 'shift by 0 to 64');
      return operator === '<<' ? a << b : a >> b;
    default:
      if (b === 0n) throw new AsmFailure('division by zero', place, 'check the divisor');
      return operator === '/' ? a / b : a % b;
  }
}
