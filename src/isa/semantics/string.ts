import { DF, RAX, RCX, RDI, RSI } from '../core-state.ts';
import type { Instruction } from '../instruction.ts';
import type { Vocabulary } from '../vocabulary.ts';
import { borrows } from './binary.ts';
import type { Category, Semantics } from './semantics.ts';

/**
 * String instructions (SDM Vol. 2: MOVS, CMPS, SCAS, LODS, STOS, REP). One execution is one iteration, as interrupts see it: it stays at
 * the instruction while more are due.
 */

/** One iteration; for CMPS and SCAS returns the difference that decides about ZF. Memory before registers. */
type Iteration = <V>(p: Vocabulary<V>, i: Instruction) => V | undefined;

const repeated =
  (iteration: Iteration): Semantics =>
  <V>(p: Vocabulary<V>, i: Instruction): void => {
    if (i.repeat === 'none') {
      iteration(p, i);
      return;
    }
    const count = p.register(RCX, i.addressSize);
    p.when(count, () => {
      const difference = iteration(p, i);
      const left = p.sub(count, p.constant(1));
      p.setRegister(RCX, i.addressSize, left);
      let more = p.ne(p.zeroExtend(left, i.addressSize), p.constant(0));
      if (difference !== undefined) {
        const zero = p.constant(0);
        const goesOn = i.repeat === 'repne' ? p.ne(difference, zero) : p.eq(difference, zero);
        more = p.and(more, goesOn);
      }
      p.when(more, () => p.again());
    });
  };

/** Address of the source: DS:RSI, or another segment. */
const source = <V>(p: Vocabulary<V>, i: Instruction): V => p.add(p.segmentBase(), p.register(RSI, i.addressSize));

/** Address of the destination: ES:RDI, which no prefix changes. */
const destination = <V>(p: Vocabulary<V>, i: Instruction): V => p.register(RDI, i.addressSize);

/** Moves index registers on by an element, down when DF is set. */
function advance<V>(p: Vocabulary<V>, i: Instruction, ...registers: number[]): void {
  const bytes = i.size / 8;
  const step = p.select(p.and(p.state('flagSystem'), p.constant(DF)), p.constant(-bytes), p.constant(bytes));
  for (const n of registers) p.setRegister(n, i.addressSize, p.add(p.register(n, i.addressSize), step));
}

function compare<V>(p: Vocabulary<V>, i: Instruction, a: V, b: V, ...registers: number[]): V {
  const r = p.sub(a, b);
  advance(p, i, ...registers);
  p.flagsArithmetic(r, borrows(p, a, b, r), i.size);
  return r;
}

const movs: Iteration = (p, i) => {
  p.store(destination(p, i), i.size, p.load(source(p, i), i.size), 'destination');
  advance(p, i, RSI, RDI);
  return undefined;
};

const stos: Iteration = (p, i) => {
  p.store(destination(p, i), i.size, p.register(RAX, i.size), 'destination');
  advance(p, i, RDI);
  return undefined;
};

const lods: Iteration = (p, i) => {
  const value = p.load(source(p, i), i.size);
  p.setRegister(RAX, i.size, value);
  advance(p, i, RSI);
  return undefined;
};

const cmps: Iteration = (p, i) => {
  // The manual leaves the order open: where both fault, ES:RDI does, as measured.
  const b = p.load(destination(p, i), i.size, 'destination');
  return compare(p, i, p.load(source(p, i), i.size), b, RSI, RDI);
};

const scas: Iteration = (p, i) => compare(p, i, p.register(RAX, i.size), p.load(destination(p, i), i.size, 'destination'), RDI);

export const string: Category = {
  movs: repeated(movs),
  stos: repeated(stos),
  lods: repeated(lods),
  cmps: repeated(cmps),
  scas: repeated(scas),
};
