import type { Vocabulary } from '../vocabulary.ts';
import type { Category, Semantics } from './semantics.ts';

/** Conditions and what moves by them (SDM Vol. 2: CMOVcc, SETcc; Vol. 1, "EFLAGS Condition Codes"). */

type Condition = <V>(p: Vocabulary<V>) => V;

const CARRY: Condition = (p) => p.flag('CF');
const BELOW_OR_EQUAL: Condition = (p) => p.or(p.flag('CF'), p.flag('ZF'));
const LESS: Condition = (p) => p.xor(p.flag('SF'), p.flag('OF'));
const LESS_OR_EQUAL: Condition = (p) => p.or(p.flag('ZF'), p.xor(p.flag('SF'), p.flag('OF')));

const negated =
  (condition: Condition): Condition =>
  (p) =>
    p.eq(condition(p), p.constant(0));

/** The sixteen conditions by their suffix; each gives 0 or 1. */
export const CONDITIONS: Readonly<Record<string, Condition>> = {
  o: (p) => p.flag('OF'),
  no: negated((p) => p.flag('OF')),
  b: CARRY,
  ae: negated(CARRY),
  e: (p) => p.flag('ZF'),
  ne: negated((p) => p.flag('ZF')),
  be: BELOW_OR_EQUAL,
  a: negated(BELOW_OR_EQUAL),
  s: (p) => p.flag('SF'),
  ns: negated((p) => p.flag('SF')),
  p: (p) => p.flag('PF'),
  np: negated((p) => p.flag('PF')),
  l: LESS,
  ge: negated(LESS),
  le: LESS_OR_EQUAL,
  g: negated(LESS_OR_EQUAL),
};

/** One entry for each condition: `prefix` with its suffix. */
export function forEachCondition(prefix: string, semantics: (condition: Condition) => Semantics): Category {
  return Object.fromEntries(Object.entries(CONDITIONS).map(([suffix, condition]) => [prefix + suffix, semantics(condition)]));
}

/** The source is read, and may fault, whatever the condition; a 32-bit destination loses its upper half whatever the condition. */
const cmov =
  (condition: Condition): Semantics =>
  (p, i) => {
    const [destination, source] = i.operands;
    const value = p.read(source);
    p.write(destination, p.select(condition(p), value, p.read(destination)));
  };

const set =
  (condition: Condition): Semantics =>
  (p, i) => {
    p.write(i.operands[0], condition(p));
  };

export const conditional: Category = { ...forEachCondition('cmov', cmov), ...forEachCondition('set', set) };
