import { AC, AF, CF, DF, ID, IF, IOPL, NT, OF, PF, RBP, RSP, SF, TF, VIF, VIP, ZF } from '../core-state.ts';
import type { Instruction } from '../instruction.ts';
import type { Vocabulary } from '../vocabulary.ts';
import type { Category, Semantics } from './semantics.ts';

/** The stack (SDM Vol. 2: PUSH, POP, PUSHA, POPA, PUSHF, POPF, ENTER, LEAVE). RSP changes last, so that a fault leaves it alone. */

/** An address on the stack: SP and ESP wrap round. */
const onStack = <V>(p: Vocabulary<V>, i: Instruction, address: V): V => (i.stackSize === 64 ? address : p.zeroExtend(address, i.stackSize));

/** The stack pointer, `bytes` bytes on (down where negative). */
export const stackPointer = <V>(p: Vocabulary<V>, i: Instruction, bytes = 0): V => {
  const top = p.register(RSP, i.stackSize);
  return bytes === 0 ? top : onStack(p, i, p.add(top, p.constant(bytes)));
};

function pushValue<V>(p: Vocabulary<V>, i: Instruction, value: V): void {
  const top = stackPointer(p, i, -i.size / 8);
  p.store(top, i.size, value, 'stack');
  p.setRegister(RSP, i.stackSize, top);
}

const push: Semantics = (p, i) => pushValue(p, i, p.read(i.operands[0]));

/** The register form writes RSP first: POP RSP ends with what was popped. */
const pop: Semantics = (p, i) => {
  const [destination, moved] = i.operands;
  const value = p.load(stackPointer(p, i), i.size, 'stack');
  const above = stackPointer(p, i, i.size / 8);
  if (destination.kind === 'memory') {
    const offset = p.zeroExtend(p.add(p.offset(destination), p.read(moved)), i.addressSize);
    p.store(p.add(p.segmentBase(), offset), i.size, value, 'operand');
    p.setRegister(RSP, i.stackSize, above);
  } else {
    p.setRegister(RSP, i.stackSize, above);
    p.write(destination, value);
  }
};

/** AX to DI in the order of their numbers, SP as it was before. */
const pusha: Semantics = (p, i) => {
  const bytes = i.size / 8;
  for (let n = 0; n < 8; n++) p.store(stackPointer(p, i, -bytes * (n + 1)), i.size, p.register(n, i.size), 'stack');
  p.setRegister(RSP, i.stackSize, stackPointer(p, i, -bytes * 8));
};

/** What stands in the place of SP is not looked at. */
const popa: Semantics = (p, i) => {
  const bytes = i.size / 8;
  const values = [7, 6, 5, 3, 2, 1, 0].map((n) => [n, p.load(stackPointer(p, i, bytes * (7 - n)), i.size, 'stack')] as const);
  const above = stackPointer(p, i, bytes * 8);
  for (const [n, value] of values) p.setRegister(n, i.size, value);
  p.setRegister(RSP, i.stackSize, above);
};

const STATUS = CF | PF | AF | ZF | SF | OF;

/** VM and RF are pushed as 0; bit 1 is always 1. */
const pushf: Semantics = (p, i) => {
  const system = p.and(p.state('flagSystem'), p.constant(TF | IF | DF | IOPL | NT | AC | VIF | VIP | ID));
  pushValue(p, i, p.or(p.or(system, p.arithmeticFlags()), p.constant(2)));
};

/** IOPL changes at CPL 0 only, IF only where CPL <= IOPL; VIF, VIP and VM never; RF is cleared. */
const popf: Semantics = (p, i) => {
  const image = p.load(stackPointer(p, i), i.size, 'stack');
  const system = p.state('flagSystem');
  const cpl = p.state('cpl');
  const iopl = p.and(p.shr(system, p.constant(12)), p.constant(3));
  const always = i.size === 16 ? TF | DF | NT : TF | DF | NT | AC | ID;
  const withIf = p.select(p.ltUnsigned(iopl, cpl), p.constant(always), p.constant(always | IF));
  const mask = p.select(cpl, withIf, p.constant(always | IF | IOPL));
  const kept = p.and(system, p.not(p.or(mask, p.constant(i.size === 16 ? 0 : 1 << 16))));
  p.setRegister(RSP, i.stackSize, stackPointer(p, i, i.size / 8));
  p.setState('flagSystem', p.or(kept, p.and(image, mask)));
  p.setArithmeticFlags(p.and(image, p.constant(STATUS)));
};

/** The immediate has the frame's size in its low half and the nesting level above (see the decoder). */
const enter: Semantics = (p, i) => {
  const step = p.constant(i.size / 8);
  const operand = p.read(i.operands[0]);
  const frameSize = p.and(operand, p.constant(0xffff));
  const level = p.and(p.shr(operand, p.constant(16)), p.constant(31));
  const frameTop = stackPointer(p, i, -i.size / 8);
  // A frame pointer of 32 bits has the upper half of ESP though the stack is one of 16.
  const pointer = i.size === 32 && i.stackSize === 16 ? p.or(p.and(p.register(RSP, 32), p.constant(0xffff0000)), frameTop) : frameTop;
  const top = p.variable(frameTop);
  p.store(frameTop, i.size, p.register(RBP, i.size), 'stack');
  p.when(level, () => {
    const link = p.variable(p.register(RBP, i.stackSize));
    const left = p.variable(p.sub(level, p.constant(1)));
    p.loop(
      () => left.get(),
      () => {
        link.set(onStack(p, i, p.sub(link.get(), step)));
        const outer = p.load(link.get(), i.size, 'stack');
        top.set(onStack(p, i, p.sub(top.get(), step)));
        p.store(top.get(), i.size, outer, 'stack');
        left.set(p.sub(left.get(), p.constant(1)));
      },
    );
    top.set(onStack(p, i, p.sub(top.get(), step)));
    p.store(top.get(), i.size, pointer, 'stack');
  });
  const end = onStack(p, i, p.sub(top.get(), frameSize));
  // The manual: ENTER faults where the first push below the new frame would.
  p.loadModify(end, i.size, 'stack');
  p.setRegister(RSP, i.stackSize, end);
  p.setRegister(RBP, i.size, pointer);
};

const leave: Semantics = (p, i) => {
  const frame = p.register(RBP, i.stackSize);
  const outer = p.load(frame, i.size, 'stack');
  p.setRegister(RSP, i.stackSize, p.add(frame, p.constant(i.size / 8)));
  p.setRegister(RBP, i.size, outer);
};

export const stack: Category = { push, pop, pusha, popa, pushf, popf, enter, leave };
