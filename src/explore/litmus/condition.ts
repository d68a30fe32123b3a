import type { Location } from './syntax.ts';
import type { Tokens } from './tokens.ts';

/** A property of one final state. */
export type Formula =
  | { readonly kind: 'true' | 'false' }
  | { readonly kind: 'equal'; readonly location: Location; readonly value: bigint | string }
  | { readonly kind: 'and' | 'or' | 'implies'; readonly left: Formula; readonly right: Formula }
  | { readonly kind: 'not'; readonly of: Formula };

/** What a test asks of all final states. */
export interface Condition {
  readonly quantifier: 'exists' | '~exists' | 'forall';
  readonly formula: Formula;
}

/** A test without a question asks for nothing: `forall (true)`. */
export function parseCondition(tokens: Tokens): Condition {
  if (tokens.next === undefined) return { quantifier: 'forall', formula: { kind: 'true' } };
  const quantifier = tokens.skip('~') ? '~exists' : tokens.next === 'forall' ? 'forall' : 'exists';
  tokens.expect(quantifier === 'forall' ? 'forall' : 'exists');
  return { quantifier, formula: parseFormula(tokens) };
}

/** Implication binds least, then \/, then /\, then not. */
export function parseFormula(tokens: Tokens): Formula {
  const left = parseOr(tokens);
  return tokens.skip('=>') ? { kind: 'implies', left, right: parseFormula(tokens) } : left;
}

function parseOr(tokens: Tokens): Formula {
  let left = parseAnd(tokens);
  while (tokens.skip('\\/')) left = { kind: 'or', left, right: parseAnd(tokens) };
  return left;
}

function parseAnd(tokens: Tokens): Formula {
  let left = parseNot(tokens);
  while (tokens.skip('/\\')) left = { kind: 'and', left, right: parseNot(tokens) };
  return left;
}

function parseNot(tokens: Tokens): Formula {
  if (tokens.skip('not') || tokens.skip('~')) return { kind: 'not', of: parseNot(tokens) };
  if (tokens.skip('(')) {
    const inner = parseFormula(tokens);
    tokens.expect(')');
    return inner;
  }
  if (tokens.skip('true')) return { kind: 'true' };
  if (tokens.skip('false')) return { kind: 'false' };
  const location = tokens.location();
  // `fault(P0)` alone says that there was one.
  if (location.kind === 'fault' && tokens.next !== '=' && tokens.next !== '<>') return { kind: 'equal', location, value: 1n };
  const unequal = tokens.skip('<>');
  if (!unequal) tokens.expect('=');
  const word = tokens.take();
  const value = /^-/.test(word) ? -BigInt(word.slice(1)) : /^\d/.test(word) ? BigInt(word) : word.replace(/^&/, '');
  const equal: Formula = { kind: 'equal', location, value };
  return unequal ? { kind: 'not', of: equal } : equal;
}

/** Whether a state has the property; `read` gives a location's value, `addressOf` a variable's address. */
export function holds(formula: Formula, read: (location: Location) => bigint, addressOf: (name: string) => bigint): boolean {
  const sub = (f: Formula): boolean => holds(f, read, addressOf);
  switch (formula.kind) {
    case 'true':
      return true;
    case 'false':
      return false;
    case 'equal': {
      const wanted = typeof formula.value === 'string' ? addressOf(formula.value) : formula.value;
      // A state says -1, a test may say 0xffffffff...: the same bits.
      const found = read(formula.location);
      return found === wanted || BigInt.asUintN(64, found) === BigInt.asUintN(64, wanted);
    }
    case 'and':
      return sub(formula.left) && sub(formula.right);
    case 'or':
      return sub(formula.left) || sub(formula.right);
    case 'implies':
      return !sub(formula.left) || sub(formula.right);
    case 'not':
      return !sub(formula.of);
  }
}

/** Locations that a formula names, each once, in order. */
export function locationsOf(formula: Formula): Location[] {
  switch (formula.kind) {
    case 'true':
    case 'false':
      return [];
    case 'equal':
      return [formula.location];
    case 'not':
      return locationsOf(formula.of);
    default:
      return [...locationsOf(formula.left), ...locationsOf(formula.right)];
  }
}

/** A location as herd7 prints it. */
export function locationText(location: Location): string {
  switch (location.kind) {
    case 'register':
      return `${location.thread}:${location.register}`;
    case 'fault':
      return `fault(P${location.thread}${location.vector === undefined ? '' : `,${location.vector}`})`;
    case 'variable':
      return location.index > 0 ? `${location.name}[${location.index}]` : `[${location.name}]`;
  }
}

/** The formula as herd7 prints it. */
export function formulaText(formula: Formula, nested = false): string {
  const bracket = (text: string): string => (nested ? `(${text})` : text);
  switch (formula.kind) {
    case 'true':
    case 'false':
      return formula.kind;
    case 'equal': {
      const { location, value } = formula;
      const name = locationText(location);
      return location.kind === 'fault' && value === 1n ? name : `${name}=${value}`;
    }
    case 'not':
      return `not (${formulaText(formula.of)})`;
    case 'and':
      return `${formulaText(formula.left, formula.left.kind === 'or' || formula.left.kind === 'implies')} /\\ ${formulaText(formula.right, formula.right.kind === 'or' || formula.right.kind === 'implies')}`;
    case 'or':
      return bracket(
        `${formulaText(formula.left, formula.left.kind === 'implies')} \\/ ${formulaText(formula.right, formula.right.kind === 'implies')}`,
      );
    case 'implies':
      return bracket(`${formulaText(formula.left, true)} => ${formulaText(formula.right, true)}`);
  }
}
