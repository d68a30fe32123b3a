import { RAX, RBX, RCX, RDX, Vector } from '../core-state.ts';
import { borrows } from './binary.ts';
import type { Category, Semantics } from './semantics.ts';

/** Read-modify-write of two operands (SDM Vol. 2: XCHG, XADD, CMPXCHG, CMPXCHG8B/CMPXCHG16B). The decoder marks XCHG with memory as locked. */

const xchg: Semantics = (p, i) => {
  const [a, b] = i.operands;
  const first = p.readModify(a);
  const second = p.read(b);
  p.write(a, second);
  p.write(b, first);
};

/** XADD of a register with itself ends with the sum: the destination is written last, unless it is memory, which comes before registers. */
const xadd: Semantics = (p, i) => {
  const [destination, source] = i.operands;
  const a = p.readModify(destination);
  const b = p.read(source);
  const r = p.add(a, b);
  if (destination.kind === 'memory') {
    p.write(destination, r);
    p.write(source, a);
  } else {
    p.write(source, a);
    p.write(destination, r);
  }
  p.flagsArithmetic(r, p.or(p.and(a, b), p.and(p.or(a, b), p.not(r))), i.size);
};

/** Memory is written back even where it differs; the accumulator is written only then. */
const cmpxchg: Semantics = (p, i) => {
  const [destination, source] = i.operands;
  const accumulator = p.register(RAX, i.size);
  const found = p.readModify(destination);
  const r = p.sub(accumulator, found);
  const equal = p.eq(accumulator, found);
  const replacement = p.read(source);
  if (destination.kind === 'memory') p.write(destination, p.select(equal, replacement, found));
  else p.when(equal, () => p.write(destination, replacement));
  p.when(p.xor(equal, p.constant(1)), () => p.setRegister(RAX, i.size, found));
  p.flagsArithmetic(r, borrows(p, accumulator, found, r), i.size);
};

const cmpxchg8b: Semantics = (p, i) => {
  const found = p.readModify(i.operands[0]);
  const join = (high: number, low: number) => p.or(p.shl(p.register(high, 32), p.constant(32)), p.register(low, 32));
  const equal = p.eq(found, join(RDX, RAX));
  p.write(i.operands[0], p.select(equal, join(RCX, RBX), found));
  p.when(p.xor(equal, p.constant(1)), () => {
    p.setRegister(RAX, 32, found);
    p.setRegister(RDX, 32, p.shr(found, p.constant(32)));
  });
  p.setFlags({ ZF: equal });
};

/** Not aligned to 16 bytes: #GP(0). The two halves are one access under LOCK. */
const cmpxchg16b: Semantics = (p, i) => {
  const address = p.address(i.operands[0]);
  p.when(p.and(address, p.constant(15)), () => p.raise(Vector.GP, 0));
  const upper = p.add(address, p.constant(8));
  const low = p.loadModify(address, 64, 'operand');
  const high = p.loadModify(upper, 64, 'operand');
  const equal = p.and(p.eq(low, p.register(RAX, 64)), p.eq(high, p.register(RDX, 64)));
  p.store(address, 64, p.select(equal, p.register(RBX, 64), low), 'operand');
  p.store(upper, 64, p.select(equal, p.register(RCX, 64), high), 'operand');
  p.when(p.xor(equal, p.constant(1)), () => {
    p.setRegister(RAX, 64, low);
    p.setRegister(RDX, 64, high);
  });
  p.setFlags({ ZF: equal });
};

export const semaphore: Category = { xchg, xadd, cmpxchg, cmpxchg8b, cmpxchg16b };
