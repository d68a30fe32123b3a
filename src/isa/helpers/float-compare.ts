import { type Float, type FloatFormat, isNan } from './float-format.ts';
import { denormals, operand } from './float-operands.ts';
import type { Outcome } from './float-round.ts';
import { IE } from './mxcsr.ts';

/** How two numbers stand to each other. */
export type Relation = 'less' | 'equal' | 'greater' | 'unordered';

function relation(f: FloatFormat, x: Float, y: Float): Relation {
  if (isNan(x) || isNan(y)) return 'unordered';
  const [a, b] = [order(f, x), order(f, y)];
  return a < b ? 'less' : a > b ? 'greater' : 'equal';
}

/** Encodings of numbers of one sign are in the order of their magnitudes. */
const order = (f: FloatFormat, x: Float): bigint => (x.negative ? f.signBit - x.bits : x.bits);

/** The relation, and what it raises: a quiet NaN raises invalid only where `signals` is set. */
function compared(f: FloatFormat, a: bigint, b: bigint, mxcsr: number, signals: boolean): { relation: Relation; flags: number } {
  const [x, y] = [operand(f, a, mxcsr), operand(f, b, mxcsr)];
  const found = relation(f, x, y);
  if (found !== 'unordered') return { relation: found, flags: denormals(x, y) };
  const signalling = x.kind === 'signalling' || y.kind === 'signalling';
  return { relation: found, flags: signals || signalling ? IE : 0 };
}

/** Relations for which each of CMPPS's predicates holds, by the low four bits of its number (SDM Vol. 2, "CMPPD", "Comparison Predicate"). */
const PREDICATES: readonly string[] = [
  'equal',
  'less',
  'less equal',
  'unordered',
  'less greater unordered',
  'greater equal unordered',
  'greater unordered',
  'less equal greater',
  'equal unordered',
  'less unordered',
  'less equal unordered',
  '',
  'less greater',
  'greater equal',
  'greater',
  'less equal greater unordered',
];

/** The predicates that hold for a relation, as bits 0 to 15. */
export const predicatesOf = (found: Relation): number =>
  PREDICATES.reduce((bits, relations, n) => (relations.split(' ').includes(found) ? bits | (1 << n) : bits), 0);

/** Those of 0 to 15 for which a quiet NaN is invalid; of 16 to 31 it is the others. */
const SIGNALLING = new Set([1, 2, 5, 6, 9, 10, 13, 14]);

/** All ones where the predicate holds. */
export function compare(f: FloatFormat, predicate: number, a: bigint, b: bigint, mxcsr: number): Outcome {
  const signals = SIGNALLING.has(predicate & 15) !== predicate > 15;
  const { relation: found, flags } = compared(f, a, b, mxcsr, signals);
  const holds = (PREDICATES[predicate & 15] as string).split(' ').includes(found);
  return { bits: holds ? (1n << BigInt(f.bits)) - 1n : 0n, flags };
}

/** ZF, PF and CF as COMISS sets them, in the places they have in RFLAGS. */
const FLAGS_OF: Readonly<Record<Relation, bigint>> = { unordered: 0x45n, greater: 0n, less: 1n, equal: 0x40n };

/** COMISS, where `signals` is set, and UCOMISS: RFLAGS bits instead of a number. */
export function compareToFlags(f: FloatFormat, signals: boolean, a: bigint, b: bigint, mxcsr: number): Outcome {
  const { relation: found, flags } = compared(f, a, b, mxcsr, signals);
  return { bits: FLAGS_OF[found], flags };
}

/** MINPS and MAXPS: `a` where it is `wanted`, else `b`, as when both are zero or one is a NaN. */
export function extreme(f: FloatFormat, wanted: 'less' | 'greater', a: bigint, b: bigint, mxcsr: number): Outcome {
  const { relation: found, flags } = compared(f, a, b, mxcsr, true);
  return { bits: operand(f, found === wanted ? a : b, mxcsr).bits, flags };
}
