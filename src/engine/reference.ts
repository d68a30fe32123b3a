import { TextpokeError } from '../error.ts';
import { eachBlock } from '../isa/blocks.ts';
import { ARITHMETIC_FLAGS, gprOffset, type StateWord, Vector } from '../isa/core-state.ts';
import { arithmeticFlags, lazyFlags } from '../isa/flags.ts';
import { HELPERS, helperNumber } from '../isa/helpers/index.ts';
import type { Instruction, Operand, Size } from '../isa/instruction.ts';
import type { RecordFields } from '../isa/record.ts';
import { linearAddress, segmentFor } from '../isa/segments.ts';
import { semanticsOf } from '../isa/semantics/index.ts';
import type { AccessKind, BlockOperation, FlagName, Vocabulary } from '../isa/vocabulary.ts';
import { ReferenceArithmetic } from './reference-arithmetic.ts';
import { CoreBlock, mask } from './reference-core.ts';
import { arithmeticResultFlags, FLAG_BIT, logicResultFlags } from './reference-flags.ts';
import { GuestEvent, type ReferencePort } from './reference-port.ts';

export { GuestEvent, type ReferencePort } from './reference-port.ts';

const ALL64 = mask(64);
const isCanonical = (address: bigint): boolean => BigInt.asUintN(64, BigInt.asIntN(48, address)) === address;

/**
 * The judge: runs one instruction on BigInts, as directly as it can be written. Not for speed.
 *
 * Registers are read and written in the core's block at byte `core` of `view`; memory and everything else goes through the port. After
 * `run` the block holds the state after the instruction, RIP included. When a port method or the instruction itself throws (a guest
 * event or a stop of the port's own), registers, flags and RIP are as they were, but for what `setStateEarly` set.
 *
 * It also holds semantics to their order: an access, a fault or a canonical check after a register was written is a bug and throws
 * `E_INTERNAL`.
 */
export class Reference extends ReferenceArithmetic implements Vocabulary<bigint> {
  readonly #core: CoreBlock;
  readonly #port: ReferencePort;
  #i!: Instruction;
  #f!: RecordFields;
  #rip = 0n;
  #nextRip = 0n;
  #locked = false;
  #committed = false;
  #handedOver = false;

  constructor(view: DataView, core: number, port: ReferencePort) {
    super();
    this.#core = new CoreBlock(view, core);
    this.#port = port;
  }

  /** Runs one decoded instruction at the core's RIP. */
  run(i: Instruction, f: RecordFields): void {
    const semantics = semanticsOf(i.mnemonic);
    if (semantics === undefined) throw new TextpokeError('E_INTERNAL', `no semantics for ${i.mnemonic}`);
    this.#i = i;
    this.#f = f;
    this.#rip = this.state('rip');
    this.#nextRip = this.next();
    this.#locked = this.#committed = this.#handedOver = false;
    semantics<bigint>(this, i);
    if (!this.#handedOver) this.#core.setState('rip', this.#nextRip);
  }

  // Control inside the semantics.

  when(condition: bigint, then: () => void, otherwise?: () => void): void {
    if (condition !== 0n) then();
    else otherwise?.();
  }

  loop(condition: () => bigint, body: () => void): void {
    while (condition() !== 0n) body();
  }

  variable(initial: bigint): { get(): bigint; set(value: bigint): void } {
    let value = initial;
    return {
      get: () => value,
      set: (next) => {
        value = next;
      },
    };
  }

  // Operands.

  read(operand: Operand): bigint {
    switch (operand.kind) {
      case 'register':
        return this.#core.register(this.#f.registers[operand.slot], operand.size);
      case 'memory':
        return this.load(this.address(operand), operand.size, 'operand');
      case 'immediate':
        return this.#f.immediate & mask(operand.size);
      default:
        return this.#wrongKind(operand);
    }
  }

  readModify(operand: Operand): bigint {
    return operand.kind === 'memory' ? this.loadModify(this.address(operand), operand.size, 'operand') : this.read(operand);
  }

  write(operand: Operand, value: bigint): void {
    if (operand.kind !== 'register' && operand.kind !== 'memory') this.#wrongKind(operand);
    else if (operand.kind === 'register') this.#putRegister(this.#f.registers[operand.slot], operand.size, value);
    else this.store(this.address(operand), operand.size, value, 'operand');
  }

  offset(_operand: Operand): bigint {
    const { base, index, scale, displacement } = this.#f;
    return (this.#core.word(base) + (this.#core.word(index) << BigInt(scale)) + BigInt(displacement)) & mask(this.#i.addressSize);
  }

  indexScale(): bigint {
    return BigInt(this.#f.scale);
  }

  address(operand: Operand): bigint {
    return (this.segmentBase() + this.offset(operand)) & ALL64;
  }

  register(n: number, size: Size): bigint {
    return this.#core.register(gprOffset(n), size);
  }

  setRegister(n: number, size: Size, value: bigint): void {
    this.#putRegister(gprOffset(n), size, value);
  }

  state(word: StateWord): bigint {
    return this.#core.state(word);
  }

  setState(word: StateWord, value: bigint): void {
    this.#committed = true;
    this.#core.setState(word, value);
  }

  setStateEarly(word: StateWord, value: bigint): void {
    this.#core.setState(word, value);
  }

  segmentBase(): bigint {
    return this.#core.word(this.#f.segment);
  }

  // Memory.

  load(address: bigint, size: Size, through: AccessKind = 'data'): bigint {
    return this.#load(address, size, through, false);
  }

  loadModify(address: bigint, size: Size, through: AccessKind = 'data'): bigint {
    if (this.#i.lock && !this.#locked) {
      this.#locked = true;
      this.#port.lockBegin(this.#linear(address, size / 8, through, 'write'), this.#lockSize());
    }
    return this.#load(address, size, through, true);
  }

  #load(address: bigint, size: Size, through: AccessKind, modify: boolean): bigint {
    this.#mayFault();
    const linear = this.#linear(address, size / 8, through, modify ? 'write' : 'read');
    return this.#port.load(linear, size, this.#kind(through), modify) & mask(size);
  }

  store(address: bigint, size: Size, value: bigint, through: AccessKind = 'data'): void {
    this.#mayFault();
    this.#port.store(this.#linear(address, size / 8, through, 'write'), size, value & mask(size), this.#kind(through));
  }

  #linear(address: bigint, bytes: number, through: AccessKind, access: 'read' | 'write'): bigint {
    if (this.#i.codeSize === 64) return address & ALL64;
    return linearAddress<bigint>(this, segmentFor(this.#i, through), address & ALL64, bytes, access);
  }

  #kind(through: AccessKind): AccessKind {
    if (through === 'destination') return 'data';
    if (through !== 'operand') return through;
    return this.#f.stackSegment ? 'stack' : 'data';
  }

  #lockSize(): Size {
    return this.#i.operands.find((o) => o.kind === 'memory')?.size ?? this.#i.size;
  }

  // The extended state.

  useExtended(): void {
    this.#port.useExtended();
  }

  readQuads(operand: Operand, size: Size = operand.size): bigint[] {
    const count = size / 64;
    if (operand.kind === 'memory') {
      const address = this.address(operand);
      // The whole operand must be canonical before the first quadword of it is looked up.
      const last = (address + BigInt(8 * count - 1)) & ALL64;
      if (this.#i.codeSize === 64 && !isCanonical(last)) this.raise(this.#kind('operand') === 'stack' ? Vector.SS : Vector.GP, 0);
      // A segment holds all of it or none; which of its pages is missing comes behind that.
      if (this.#i.codeSize !== 64) this.#linear(address, size / 8, 'operand', 'read');
      return Array.from({ length: count }, (_, n) => this.load(address + BigInt(8 * n), 64, 'operand'));
    }
    const at = this.#vectorAt(operand);
    return Array.from({ length: count }, (_, n) => this.#core.word(at + 8 * n));
  }

  writeQuads(operand: Operand, values: readonly bigint[], clearUpper = false): void {
    if (operand.kind === 'memory') {
      const address = this.address(operand);
      if (values.length > 1) this.probe(address, 8 * values.length, 'operand');
      values.forEach((v, n) => this.store(address + BigInt(8 * n), 64, v, 'operand'));
      return;
    }
    const at = this.#vectorAt(operand);
    this.#committed = true;
    values.forEach((v, n) => this.#core.setWord(at + 8 * n, v));
    if (clearUpper) for (let n = values.length; n < 4; n++) this.#core.setWord(at + 8 * n, 0n);
  }

  #vectorAt(operand: Operand): number {
    if (operand.kind !== 'vector') return this.#wrongKind(operand);
    return operand.slot === 3 ? Number(this.#f.immediate & 0xffffn) : this.#f.registers[operand.slot];
  }

  #wrongKind(operand: Operand): never {
    throw new TextpokeError('E_INTERNAL', `${this.#i.mnemonic} takes a ${operand.kind} operand for another kind`);
  }

  probe(address: bigint, bytes: number, through: AccessKind = 'data'): void {
    this.#mayFault();
    this.#port.probe(this.#linear(address, bytes, through, 'write'), bytes, this.#kind(through));
  }

  stacked(base: number, index: bigint): bigint {
    return this.#core.word(base + 16 * Number(index & 7n));
  }

  setStacked(base: number, index: bigint, value: bigint): void {
    this.#committed = true;
    this.#core.setWord(base + 16 * Number(index & 7n), value);
  }

  compute(helper: string, parameters: readonly bigint[], results: number): bigint[] {
    const { run } = HELPERS[helperNumber(helper)]!;
    const out = run(...parameters);
    if (out.length !== results) throw new TextpokeError('E_INTERNAL', `${helper} gives ${out.length} results, not ${results}`);
    return out.map((value) => value & ALL64);
  }

  float(helper: string, operands: readonly bigint[], mxcsr: bigint): { value: bigint; flags: bigint } {
    const [value, flags] = this.compute(helper, [...operands, mxcsr], 2) as [bigint, bigint];
    return { value, flags };
  }

  floatQuads(
    operations: readonly [string, string],
    size: 32 | 64,
    operands: readonly (readonly bigint[])[],
    mxcsr: bigint,
  ): { quads: bigint[]; flags: bigint } {
    let raised = 0n;
    const quads = operands[0]!.map((_, q) => {
      let quad = 0n;
      for (let at = 0; at < 64; at += size) {
        const elements = operands.map((quadwords) => (quadwords[q]! >> BigInt(at)) & mask(size));
        const { value, flags } = this.float(`f${size}.${operations[((64 * q + at) / size) & 1]}`, elements, mxcsr);
        quad |= value << BigInt(at);
        raised |= flags;
      }
      return quad;
    });
    return { quads, flags: raised };
  }

  blockwise(_name: BlockOperation, operands: readonly (readonly bigint[])[], meaning: (...blocks: bigint[][]) => bigint[]): bigint[] {
    return eachBlock(operands, meaning);
  }

  // Flags.

  flagsLogic(result: bigint, size: Size): void {
    this.#setFlagBits(logicResultFlags(result, size));
  }

  flagsArithmetic(result: bigint, carries: bigint, size: Size): void {
    this.#setFlagBits(arithmeticResultFlags(result, carries, size));
  }

  flagsArithmeticKeepCarry(result: bigint, carries: bigint, size: Size): void {
    const carry = this.#flagBits() & FLAG_BIT.CF;
    this.#setFlagBits((arithmeticResultFlags(result, carries, size) & ~FLAG_BIT.CF) | carry);
  }

  setFlags(flags: Partial<Record<FlagName, bigint>>): void {
    let bits = this.#flagBits();
    for (const [name, value] of Object.entries(flags) as [FlagName, bigint][]) {
      if (value !== 0n && value !== 1n) throw new TextpokeError('E_INTERNAL', `${this.#i.mnemonic} sets ${name} to ${value}`);
      bits = value === 1n ? bits | FLAG_BIT[name] : bits & ~FLAG_BIT[name];
    }
    this.#setFlagBits(bits);
  }

  flag(name: FlagName): bigint {
    return this.#flagBits() & FLAG_BIT[name] ? 1n : 0n;
  }

  arithmeticFlags(): bigint {
    return BigInt(this.#flagBits());
  }

  setArithmeticFlags(value: bigint): void {
    this.#setFlagBits(Number(value & BigInt(ARITHMETIC_FLAGS)));
  }

  #flagBits(): number {
    return arithmeticFlags(this.state('flagResult'), this.state('flagCarry'));
  }

  #setFlagBits(bits: number): void {
    const { flagResult, flagCarry } = lazyFlags(bits);
    this.setState('flagResult', flagResult);
    this.setState('flagCarry', flagCarry);
  }

  // Where execution goes on.

  next(): bigint {
    return (this.#rip + BigInt(this.#f.length)) & ALL64;
  }

  current(): bigint {
    return this.#rip;
  }

  checkCanonical(target: bigint): void {
    this.#mayFault();
    const bad = this.#i.codeSize === 64 ? !isCanonical(target) : target > this.state('csHigh');
    if (bad) this.raise(Vector.GP, 0);
  }

  jump(target: bigint): void {
    this.#nextRip = target & ALL64;
  }

  relativeTarget(): bigint {
    return (this.next() + this.#f.immediate) & mask(this.#i.size);
  }

  again(): void {
    this.#nextRip = this.#rip;
  }

  raise(vector: number, errorCode?: bigint | number): never {
    this.#mayFault();
    throw new GuestEvent('fault', vector, errorCode === undefined ? undefined : BigInt(errorCode), this.next());
  }

  trap(vector: number): never {
    this.#mayFault();
    throw new GuestEvent('trap', vector, undefined, this.next());
  }

  softwareInterrupt(vector: bigint): never {
    this.#mayFault();
    throw new GuestEvent('software', Number(vector), undefined, this.next());
  }

  drainStoreBuffer(): void {
    this.#mayFault();
    this.#port.drainStoreBuffer();
  }

  system(): void {
    this.#mayFault();
    this.#handedOver = true;
    this.#port.system(this.#i, this.#f);
  }

  #mayFault(): void {
    if (!this.#committed) return;
    throw new TextpokeError('E_INTERNAL', `${this.#i.mnemonic} can fault after it has changed registers`);
  }

  #putRegister(offset: number, size: Size, value: bigint): void {
    this.#committed = true;
    this.#core.setRegister(offset, size, value);
  }
}
