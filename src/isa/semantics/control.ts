import { RCX, RSP, Vector } from '../core-state.ts';
import type { Vocabulary } from '../vocabulary.ts';
import { forEachCondition } from './conditional.ts';
import type { Category, Semantics } from './semantics.ts';
import { stackPointer } from './stack.ts';

/** Near branches and software interrupts (SDM Vol. 2: JMP, Jcc, JRCXZ, LOOPcc, CALL, RET, INT n/INTO/INT3/INT1, BOUND, UD). */

function jumpTo<V>(p: Vocabulary<V>, target: V): void {
  p.checkCanonical(target);
  p.jump(target);
}

const jmp: Semantics = (p, i) => {
  jumpTo(p, i.operands.length === 0 ? p.relativeTarget() : p.read(i.operands[0]));
};

const jrcxz: Semantics = (p, i) => {
  p.when(p.eq(p.register(RCX, i.addressSize), p.constant(0)), () => jumpTo(p, p.relativeTarget()));
};

/** Counts RCX (ECX with an address-size prefix) down; goes on while it is not 0 and `more` holds. No flags change. */
const loopWhile =
  (more: <V>(p: Vocabulary<V>) => V): Semantics =>
  (p, i) => {
    const count = p.sub(p.register(RCX, i.addressSize), p.constant(1));
    const target = p.relativeTarget();
    const taken = p.and(p.ne(p.zeroExtend(count, i.addressSize), p.constant(0)), more(p));
    p.when(taken, () => p.checkCanonical(target));
    p.setRegister(RCX, i.addressSize, count);
    p.when(taken, () => p.jump(target));
  };

/** A fault of the push comes before that of a target that is not canonical, which leaves the stack alone: as measured. */
const call: Semantics = (p, i) => {
  const target = i.operands.length === 0 ? p.relativeTarget() : p.read(i.operands[0]);
  const top = stackPointer(p, i, -i.size / 8);
  if (i.codeSize === 64) {
    const upper = p.constant(16);
    p.when(p.ne(p.sar(p.shl(target, upper), upper), target), () => {
      p.loadModify(top, 64, 'stack');
      p.checkCanonical(target);
    });
  } else {
    p.probe(top, i.size / 8, 'stack');
    p.checkCanonical(target);
  }
  p.store(top, i.size, p.next(), 'stack');
  p.setRegister(RSP, i.stackSize, top);
  p.jump(target);
};

const ret: Semantics = (p, i) => {
  const target = p.load(stackPointer(p, i), i.size, 'stack');
  p.checkCanonical(target);
  const above = stackPointer(p, i, i.size / 8);
  p.setRegister(RSP, i.stackSize, i.operands.length === 0 ? above : p.add(above, p.read(i.operands[0])));
  p.jump(target);
};

const int: Semantics = (p, i) => p.softwareInterrupt(p.read(i.operands[0]));

/** An index below the lower or above the upper bound in memory, all signed, is #BR. The upper one is not looked at where the lower one decides. */
const bound: Semantics = (p, i) => {
  const [index, bounds] = i.operands;
  const at = p.address(bounds);
  const lower = p.signExtend(p.load(at, i.size, 'operand'), i.size);
  const value = p.signExtend(p.read(index), i.size);
  p.when(p.ltSigned(value, lower), () => p.raise(Vector.BR));
  const upper = p.signExtend(p.load(p.add(at, p.constant(i.size / 8)), i.size, 'operand'), i.size);
  p.when(p.ltSigned(upper, value), () => p.raise(Vector.BR));
};

const undefinedOpcode: Semantics = (p) => p.raise(Vector.UD);

export const control: Category = {
  jmp,
  jrcxz,
  call,
  ret,
  int,
  into: (p) => p.when(p.flag('OF'), () => p.trap(Vector.OF)),
  bound,
  ...forEachCondition('j', (condition) => (p) => p.when(condition(p), () => jumpTo(p, p.relativeTarget()))),
  loop: loopWhile((p) => p.constant(1)),
  loope: loopWhile((p) => p.flag('ZF')),
  loopne: loopWhile((p) => p.eq(p.flag('ZF'), p.constant(0))),
  int3: (p) => p.trap(Vector.BP),
  int1: (p) => p.trap(Vector.DB),
  ud0: undefinedOpcode,
  ud1: undefinedOpcode,
  ud2: undefinedOpcode,
};
