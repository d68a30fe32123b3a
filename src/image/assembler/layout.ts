import { Register } from 'iced-x86';
import { didYouMean } from '../../suggest.ts';
import type { Assembled, AssembledLine, AssembleOptions } from './assembler.ts';
import type { GuardedEncoder } from './encode.ts';
import { evaluate, type Resolve, type Value } from './expression.ts';
import { AsmFailure, type Place } from './failure.ts';
import { nops } from './nops.ts';
import type { Statement } from './statements.ts';
import { instantiate } from './template.ts';

/** In bytes; more is a slip in `.skip` or `.org`. */
const LARGEST_OUTPUT = 1 << 24;
const MOST_PASSES = 64;

/**
 * Places the statements one after the other, again and again until no label moves. Branches begin short and only ever grow, so this
 * settles; alignment could undo it, so the passes are counted.
 */
export function layOut(statements: readonly Statement[], encoder: GuardedEncoder, options: AssembleOptions): Assembled {
  const layout = new Layout(statements, encoder, options);
  for (let pass = 0; pass < MOST_PASSES; pass++) {
    const settled = layout.pass(pass === 0);
    if (settled) return layout.result();
  }
  throw new AsmFailure(
    'the layout does not settle: sizes depend on each other in a circle',
    statements[0]?.place ?? { line: 1, column: 1 },
    'give the branches a size: jmp.d32',
  );
}

class Layout {
  readonly #statements: readonly Statement[];
  readonly #encoder: GuardedEncoder;
  readonly #options: AssembleOptions;
  readonly #external: ReadonlyMap<string, bigint>;
  /** For each name, numeric labels included, the statements that define it, in order. */
  readonly #labels = new Map<string, number[]>();
  readonly #sets = new Map<string, Value>();
  readonly #setNames = new Set<string>();
  /** The value that each `.set` statement gave in the pass before. */
  readonly #setValues = new Map<number, Value>();
  /** Address of each statement, from this pass or, ahead of the current one, from the pass before. */
  readonly #addresses: bigint[] = [];
  /** How far the current statement has moved since the pass before: what lies ahead will have moved about as far. */
  #moved = 0n;
  readonly #nearBranches = new Set<number>();
  #bytes = new Uint8Array(256);
  #length = 0;
  #lines: AssembledLine[] = [];
  #unsettled = false;
  #first = true;
  #index = 0;

  constructor(statements: readonly Statement[], encoder: GuardedEncoder, options: AssembleOptions) {
    this.#statements = statements;
    this.#encoder = encoder;
    this.#options = options;
    const { symbols = {} } = options;
    this.#external = symbols instanceof Map ? symbols : new Map(Object.entries(symbols));
    for (const [index, s] of statements.entries()) {
      if (s.kind === 'set') this.#setNames.add(s.name);
      if (s.kind !== 'label' && s.kind !== 'numericLabel') continue;
      const name = s.kind === 'label' ? s.name : s.number;
      const list = this.#labels.get(name) ?? [];
      if (s.kind === 'label' && list.length > 0)
        throw new AsmFailure(`${name} is defined twice`, s.place, 'use numeric labels for local places: 1: ... jmp 1b');
      list.push(index);
      this.#labels.set(name, list);
    }
    for (const s of statements)
      if (s.kind === 'set' && this.#labels.has(s.name))
        throw new AsmFailure(`${s.name} is a label already`, s.place, 'choose another name');
  }

  get #here(): bigint {
    return BigInt.asUintN(64, this.#options.address + BigInt(this.#length));
  }

  /** One walk over the statements; true when nothing moved since the last. */
  pass(first: boolean): boolean {
    this.#first = first;
    this.#unsettled = first;
    this.#length = 0;
    this.#lines = [];
    for (const [index, statement] of this.#statements.entries()) {
      this.#index = index;
      const before = this.#addresses[index] ?? this.#here;
      this.#moved = this.#here - before;
      if (this.#moved !== 0n) this.#unsettled = true;
      this.#addresses[index] = this.#here;
      this.#place(statement);
      if (this.#length > LARGEST_OUTPUT)
        throw new AsmFailure(`more than ${LARGEST_OUTPUT} bytes`, statement.place, 'check counts and .org');
    }
    return !this.#unsettled;
  }

  result(): Assembled {
    const symbols = new Map<string, bigint>();
    for (const [index, s] of this.#statements.entries()) if (s.kind === 'label') symbols.set(s.name, this.#addresses[index] ?? 0n);
    for (const [name, { value }] of this.#sets) symbols.set(name, BigInt.asUintN(64, value));
    return { bytes: this.#bytes.slice(0, this.#length), address: this.#options.address, symbols, lines: this.#lines };
  }

  readonly #resolve: Resolve = (name, place) => {
    if (name === '.') return { value: this.#here, kind: 'label' };
    if (/^\d/.test(name)) return { value: this.#addressOf(this.#numericLabel(name, place)), kind: 'label' };
    const label = this.#labels.get(name)?.[0];
    if (label !== undefined) return { value: this.#addressOf(label), kind: 'label' };
    const set = this.#sets.get(name);
    if (set) return set;
    const external = this.#external.get(name);
    if (external !== undefined) return { value: external, kind: 'external' };
    if (this.#first && this.#setNames.has(name)) return { value: this.#here, kind: 'unknown' };
    const hint = didYouMean(name, [
      ...[...this.#labels.keys()].filter((l) => !/^\d/.test(l)),
      ...this.#sets.keys(),
      ...this.#external.keys(),
    ]);
    throw new AsmFailure(`there is no symbol '${name}'`, place, hint ?? 'define it, or pass its address');
  };

  /** Where a label statement is, or for one ahead, where it will be if all between moves alike (the first pass: right here). */
  #addressOf(index: number): bigint {
    const address = this.#addresses[index];
    return address === undefined ? this.#here : index > this.#index ? address + this.#moved : address;
  }

  #numericLabel(reference: string, place: Place): number {
    const list = this.#labels.get(reference.slice(0, -1)) ?? [];
    const backward = reference.endsWith('b');
    const found = backward ? list.findLast((l) => l <= this.#index) : list.find((l) => l > this.#index);
    if (found === undefined)
      throw new AsmFailure(
        `there is no ${reference.slice(0, -1)}: ${backward ? 'before' : 'after'} this`,
        place,
        'f looks forward, b backward',
      );
    return found;
  }

  #number(expression: Parameters<typeof evaluate>[0] | undefined, least: bigint, most: bigint): number {
    if (!expression) return 0;
    const { value } = evaluate(expression, this.#resolve);
    // Before labels are known, a difference of two may be anything.
    if (this.#first && (value < least || value > most)) return Number(least > 0n ? least : 0n);
    if (value < least || value > most) throw new AsmFailure(`${value} is out of range`, expression.place, `${least} to ${most}`);
    return Number(value);
  }

  #emit(bytes: ArrayLike<number>, by: AssembledLine['by'], place: Place): void {
    if (this.#length + bytes.length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    if (bytes.length > 0) {
      const start = this.#here;
      const { file = '<asm>' } = this.#options;
      this.#lines.push({
        offset: this.#length,
        length: bytes.length,
        by,
        file,
        line: place.line,
        column: place.column,
        start,
        end: start + BigInt(bytes.length),
      });
    }
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #place(s: Statement): void {
    const emit = (bytes: ArrayLike<number>): void => this.#emit(bytes, 'directive', s.place);
    switch (s.kind) {
      case 'label':
      case 'numericLabel':
        break;
      case 'set': {
        const value = evaluate(s.expression, this.#resolve);
        const before = this.#setValues.get(this.#index);
        if (before?.value !== value.value || before.kind !== value.kind) this.#unsettled = true;
        this.#setValues.set(this.#index, value);
        this.#sets.set(s.name, value);
        break;
      }
      case 'data':
        for (const item of s.items) emit(this.#data(evaluate(item, this.#resolve).value, s.size, item.place));
        break;
      case 'bytes':
        emit(s.bytes);
        break;
      case 'fill': {
        const count = this.#number(s.count, 0n, BigInt(LARGEST_OUTPUT));
        if (count * s.size > LARGEST_OUTPUT)
          throw new AsmFailure(`${count * s.size} bytes are too many`, s.place, `at most ${LARGEST_OUTPUT}`);
        const unit = s.value ? this.#data(evaluate(s.value, this.#resolve).value, s.size, s.place) : new Uint8Array(s.size);
        const block = new Uint8Array(count * s.size);
        for (let i = 0; i < count; i++) block.set(unit, i * s.size);
        emit(block);
        break;
      }
      case 'align':
        this.#align(s, emit);
        break;
      case 'nops':
        emit(nops(this.#number(s.count, 0n, BigInt(LARGEST_OUTPUT))));
        break;
      case 'org': {
        const { value, kind } = evaluate(s.to, this.#resolve);
        const to = kind === 'label' ? value - this.#options.address : value;
        if (to < BigInt(this.#length) && !this.#first)
          throw new AsmFailure('.org cannot go back', s.place, `this is offset ${this.#length}`);
        if (to > BigInt(LARGEST_OUTPUT)) throw new AsmFailure(`.org to ${to} is too far`, s.place, `at most ${LARGEST_OUTPUT}`);
        const gap = Math.max(Number(to) - this.#length, 0);
        emit(new Uint8Array(gap).fill(this.#number(s.value, -128n, 255n)));
        break;
      }
      case 'instruction': {
        const instruction = instantiate(s.template, this.#resolve, Register.RIP);
        let encoded = this.#encoder.encode(instruction, this.#here, this.#nearBranches.has(this.#index));
        if (!encoded) {
          this.#nearBranches.add(this.#index);
          this.#unsettled = true;
          encoded = this.#encoder.encode(instruction, this.#here, true);
        }
        if (encoded) this.#emit(encoded.bytes, encoded.by, s.place);
      }
    }
  }

  #align(s: Statement & { kind: 'align' }, emit: (bytes: ArrayLike<number>) => void): void {
    const given = this.#number(s.to, 0n, s.power ? 24n : BigInt(LARGEST_OUTPUT));
    const alignment = s.power ? 2 ** given : given;
    if (alignment <= 1) return;
    if ((alignment & (alignment - 1)) !== 0)
      throw new AsmFailure(`${alignment} is not a power of two`, s.place, '.p2align takes the exponent');
    const gap = Number(BigInt.asUintN(64, -this.#here) % BigInt(alignment));
    if (s.atMost && gap > this.#number(s.atMost, 0n, BigInt(LARGEST_OUTPUT))) return;
    emit(s.value ? new Uint8Array(gap).fill(this.#number(s.value, -128n, 255n)) : nops(gap));
  }

  #data(value: bigint, size: number, place: Place): Uint8Array {
    const bits = 8 * size;
    if (!this.#first && (value < -(1n << BigInt(bits - 1)) || value >= 1n << BigInt(bits))) {
      // A sign-extended address in a narrower field is what GNU as stores for a negative one.
      throw new AsmFailure(`${value < 0n ? value : `0x${value.toString(16)}`} does not fit ${size} bytes`, place, 'use a wider directive');
    }
    const bytes = new Uint8Array(size);
    for (let i = 0; i < size; i++) bytes[i] = Number((BigInt.asUintN(bits, value) >> BigInt(8 * i)) & 0xffn);
    return bytes;
  }
}
