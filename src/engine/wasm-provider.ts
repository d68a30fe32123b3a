import { DF, OFFSET, type StateWord } from '../isa/core-state.ts';
import type { Operand } from '../isa/instruction.ts';
import { RECORD } from '../isa/record.ts';
import type { Vocabulary } from '../isa/vocabulary.ts';
import type { Node } from './graph.ts';
import { CORE, Stop } from './layout.ts';
import { type Code, call, get, globalSet, I32, I64, i32, i64, iff, set } from './wasm/code.ts';
import { WasmExtended } from './wasm-extended.ts';

/** The vocabulary as a generator of WebAssembly, one handler for one static form. Here are operands, where control goes, and faults; the parts below have the rest. */
export class WasmProvider extends WasmExtended implements Vocabulary<Node> {
  #nextLocal: number | undefined;
  #jumps = false;
  #ownsRip = false;
  #oldFlags: number | undefined;

  /** Once finished: whether control always goes to the instruction behind it, without a look at the machine. */
  get sequential(): boolean {
    return !this.#jumps && !this.#ownsRip && this.#oldFlags === undefined;
  }

  /** Code of the finished handler: the body, then the new RIP. */
  finish(): Code {
    const start = this.#nextLocal;
    const body = this.g.emit();
    const { rip, fixed } = this.context;
    // Where it goes on other than behind itself, it has gone.
    if (fixed !== undefined) return body;
    if (this.#ownsRip) return rip === undefined ? body : [body, set(rip, i64.load(get(this.context.core), OFFSET.rip))];
    const target = start === undefined || !this.#jumps ? this.g.use(this.next()) : get(start);
    const retire: Code =
      rip === undefined
        ? [body, i64.store(get(this.context.core), target, OFFSET.rip)]
        : [body, set(rip, target), i64.store(get(this.context.core), get(rip), OFFSET.rip)];
    if (this.#oldFlags === undefined) return retire;
    const changed = i64.and(i64.xor(get(this.#oldFlags), i64.load(get(this.context.core), OFFSET.flagSystem)), i64.const(~DF));
    return [retire, iff(i64.ne(changed, i64.const(0)), this.context.leaveRetired(1))];
  }

  read(operand: Operand): Node {
    if (operand.kind === 'register') return this.readRegister(operand);
    if (operand.kind === 'memory') return this.load(this.address(operand), operand.size, 'operand');
    if (operand.kind !== 'immediate') throw new Error(`${this.instruction.mnemonic} reads a ${operand.kind} operand as a general one`);
    const { fixed } = this.context;
    const immediate =
      fixed === undefined
        ? this.g.node([], () => i64.load(get(this.context.record), RECORD.immediate))
        : this.constant(operand.size >= 64 ? fixed.fields.immediate : BigInt.asUintN(operand.size, fixed.fields.immediate));
    return operand.size >= 64 ? immediate : this.zeroExtend(immediate, operand.size);
  }

  readModify(operand: Operand): Node {
    return operand.kind === 'memory' ? this.loadModify(this.address(operand), operand.size, 'operand') : this.read(operand);
  }

  write(operand: Operand, value: Node): void {
    if (operand.kind === 'memory') this.store(this.address(operand), operand.size, value, 'operand');
    else if (operand.kind === 'register') this.writeRegister(operand, value);
    else throw new Error(`${this.instruction.mnemonic} writes a ${operand.kind} operand as a general one`);
  }

  /** Changes of IF, TF and their like make the machine look at the core before the next instruction. */
  setState(word: StateWord, value: Node): void {
    if (word === 'flagSystem') {
      this.context.fixed?.decline();
      this.#oldFlags = this.g.locals.take(I64);
      const local = this.#oldFlags;
      this.g.effect([], () => set(local, i64.load(get(this.context.core), OFFSET.flagSystem)));
    }
    this.g.effect([value], (_depth, x) => i64.store(get(this.context.core), x ?? [], OFFSET[word]));
  }

  setStateEarly(word: StateWord, value: Node): void {
    this.setState(word, value);
  }

  checkCanonical(target: Node): void {
    if (this.instruction.codeSize !== 64) {
      this.when(this.ltUnsigned(this.state('csHigh'), target), () => this.raise(13, 0));
      return;
    }
    if (target.constant !== undefined && BigInt.asUintN(64, BigInt.asIntN(48, target.constant)) === target.constant) return;
    const sign = this.sar(this.shl(target, this.constant(16)), this.constant(16));
    this.when(this.ne(sign, target), () => this.raise(13, 0));
  }

  #nextVariable(): number {
    if (this.#nextLocal === undefined) {
      // Taken before any jump can be emitted: the handler's first statement must set it, whatever branch runs.
      this.#nextLocal = this.g.locals.take(I64);
      const local = this.#nextLocal;
      this.g.prepend((next) => set(local, next), this.next());
    }
    this.#jumps = true;
    return this.#nextLocal;
  }

  jump(target: Node): void {
    const { fixed } = this.context;
    if (fixed !== undefined) {
      const { constant } = target;
      if (constant !== undefined) this.g.effect([], (depth) => fixed.jump(constant, depth));
      else {
        const at = this.g.locals.take(I64);
        this.g.effect([target], (depth, t) => [set(at, t ?? []), fixed.jumpTo(at, depth)]);
      }
      return;
    }
    const local = this.#nextVariable();
    this.g.effect([target], (_depth, t) => set(local, t ?? []));
  }

  relativeTarget(): Node {
    const { fixed } = this.context;
    if (fixed !== undefined) {
      const target = fixed.rip + BigInt(fixed.fields.length) + fixed.fields.immediate;
      return this.constant(BigInt.asUintN(this.instruction.size, target));
    }
    const displacement = this.g.node([], () => i64.load(get(this.context.record), RECORD.immediate));
    const target = this.add(this.next(), displacement);
    return this.instruction.size === 64 ? target : this.zeroExtend(target, this.instruction.size);
  }

  again(): void {
    this.jump(this.current());
  }

  raise(vector: number, errorCode: bigint | number | Node = 0): void {
    const error = typeof errorCode === 'object' ? errorCode : this.constant(errorCode);
    this.#event(this.constant(vector), error, 0);
  }

  trap(vector: number): void {
    this.context.fixed?.decline();
    this.#event(this.constant(vector), this.constant(0), 1);
  }

  softwareInterrupt(vector: Node): void {
    this.context.fixed?.decline();
    this.#event(vector, this.constant(0), 2);
  }

  #event(vector: Node, error: Node, kind: 0 | 1 | 2): void {
    const { core, memory } = this.context;
    const spill = this.context.fixed?.spill ?? [];
    // A fault goes back to the instruction: nobody asks what is behind it.
    const behind = kind === 0 ? [] : [this.next()];
    this.g.effect([vector, error, ...behind], (depth, v, e, n) => [
      spill,
      i64.store(get(core), v ?? [], CORE.stopVector),
      i64.store(get(core), e ?? [], CORE.stopError),
      i64.store(get(core), i64.const(kind), CORE.stopKind),
      n === undefined ? [] : i64.store(get(core), n, CORE.stopNext),
      globalSet(memory.globals.stop, i32.const(Stop.exception + 1)),
      this.context.leave(depth),
    ]);
  }

  drainStoreBuffer(): void {
    const { core, memory, features, fence } = this.context;
    if (features.tso) {
      this.g.effect([], (depth) =>
        iff(i32.load(get(core), CORE.storeBufferCount), [
          this.context.fixed?.spill ?? [],
          globalSet(memory.globals.stop, i32.const(Stop.drain + 1)),
          this.context.leave(depth + 1),
        ]),
      );
    }
    if (features.fence && this.instruction.mnemonic === 'mfence') {
      this.g.effect([], (depth) => [this.spilled(false), iff(call(fence, get(core)), this.context.leave(depth + 1))]);
    }
  }

  system(): void {
    this.context.fixed?.decline();
    const { core, record, system } = this.context;
    this.#ownsRip = true;
    const status = this.g.locals.take(I32);
    this.g.effect([], (depth) => [
      set(status, call(system, get(core), get(record))),
      this.context.afterCall ?? [],
      iff(i32.eq(get(status), i32.const(1)), this.context.leave(depth + 1)),
      iff(i32.eq(get(status), i32.const(2)), this.context.leaveRetired(depth + 1)),
    ]);
  }
}
