import { TextpokeError } from '../error.ts';
import type { DataType } from '../image/data-types.ts';
import { GPR_NAMES } from '../isa/core-state.ts';
import type { Core } from '../machine/core.ts';
import { readLinear } from '../machine/look.ts';
import { suggest } from '../suggest.ts';
import type { Run } from './run.ts';
import { SEGMENTS, SYSTEM } from './state-words.ts';

/** What an expression is: a number, or a place in memory and what it holds. */
export interface Value {
  readonly value: bigint;
  /** Bytes of the value. */
  readonly size: number;
  /** Linear address of what is in memory. */
  readonly address?: bigint;
  readonly type?: DataType;
  /** The name of a register, which is in no memory. */
  readonly register?: string;
}

/** What registers are in an expression: those of a core, or of a frame that knows fewer. */
export interface Scope {
  readonly core: Core;
  /** General registers by number and RIP; undefined: those of the core. */
  readonly frame?: { readonly rip: bigint; readonly registers: ReadonlyMap<number, bigint> };
}

const TOKEN = /\s*(?:(0x[0-9a-f]+|\d+)|(\$?[A-Za-z_.][\w.]*)|(->|<<|>>|[=!<>]=|&&|\|\||[-+*/%&|^~!<>()[\].]))/iy;

/** Words of a core that have a name of their own, besides general registers. */
const WORDS = [...SYSTEM, ...SEGMENTS];

const BYTES = ['al', 'cl', 'dl', 'bl', 'spl', 'bpl', 'sil', 'dil'];
const LOADS: Readonly<Record<string, number>> = { u8: 1, u16: 2, u32: 4, u64: 8 };

/**
 * The value of an expression in the words of gdb and C: numbers, registers (`$rax` or `rax`), symbols, `*address`, `u8(address)` to `u64(address)`, `&symbol`, members
 * and elements of variables, and arithmetic on 64 bits. It is parsed here; nothing of it is executed. Throws `E_USAGE`.
 */
export function evaluate(run: Run, scope: Scope, text: string): Value {
  return new Parser(run, scope, text).all();
}

/** The register of a name, with or without `$`. */
function registerValue({ core, frame }: Scope, name: string): Value | undefined {
  const plain = name.replace(/^\$/, '').toLowerCase();
  const lost = (): never => {
    throw new TextpokeError('E_USAGE', `$${plain} of this frame was not saved`, { where: name, hint: 'look at it in the innermost frame' });
  };
  const of = (n: number): bigint => (frame === undefined ? core.gpr(n) : (frame.registers.get(n) ?? lost()));
  const value = (v: bigint, size: number): Value => ({ value: BigInt.asUintN(8 * size, v), size, register: plain });
  if (plain === 'rip' || plain === 'pc') return value(frame?.rip ?? core.linearRip, 8);
  if (plain === 'sp') return value(of(4), 8);
  if (plain === 'rflags' || plain === 'eflags') return value(BigInt(core.rflags), 8);
  const n = (GPR_NAMES as readonly string[]).indexOf(plain);
  if (n >= 0) return value(of(n), 8);
  const parts = GPR_NAMES.findIndex((g, k) => (k < 8 ? plain === `e${g.slice(1)}` : plain === `${g}d`));
  if (parts >= 0) return value(of(parts), 4);
  const halves = GPR_NAMES.findIndex((g, k) => (k < 8 ? plain === g.slice(1) : plain === `${g}w`));
  if (halves >= 0) return value(of(halves), 2);
  const byte = GPR_NAMES.findIndex((g, k) => (k < 8 ? plain === BYTES[k] : plain === `${g}b`));
  if (byte >= 0) return value(of(byte), 1);
  const word = WORDS.find((w) => w.toLowerCase() === plain.replace('_', ''));
  return word === undefined ? undefined : value(core.get(word), 8);
}

/** All names of registers. */
export const REGISTER_NAMES: readonly string[] = ['rip', 'rflags', ...GPR_NAMES, ...WORDS];

class Parser {
  readonly #run: Run;
  readonly #scope: Scope;
  readonly #text: string;
  #at = 0;
  #token = '';
  #kind: 'number' | 'name' | 'operator' | 'end' = 'end';
  #depth = 0;

  constructor(run: Run, scope: Scope, text: string) {
    this.#run = run;
    this.#scope = scope;
    this.#text = text;
  }

  all(): Value {
    this.#next();
    const value = this.#binary(0);
    if (this.#kind !== 'end') this.#refuse(`'${this.#token}' is one too many`);
    return value;
  }

  #refuse(message: string, hint = 'for example $rax, ftrace_call+1, *0x1000, u8($rip)'): never {
    throw new TextpokeError('E_USAGE', message, { where: this.#text, hint });
  }

  #next(): void {
    TOKEN.lastIndex = this.#at;
    const match = TOKEN.exec(this.#text);
    if (match === null) {
      if (this.#text.slice(this.#at).trim() !== '') this.#refuse(`cannot read ${JSON.stringify(this.#text.slice(this.#at).trim())}`);
      this.#kind = 'end';
      this.#token = '';
      return;
    }
    this.#at = TOKEN.lastIndex;
    this.#token = match[1] ?? match[2] ?? match[3] ?? '';
    this.#kind = match[1] !== undefined ? 'number' : match[2] !== undefined ? 'name' : 'operator';
  }

  #is(operator: string): boolean {
    return this.#kind === 'operator' && this.#token === operator;
  }

  #expect(operator: string): void {
    if (!this.#is(operator)) this.#refuse(`'${operator}' is missing`);
    this.#next();
  }

  #binary(level: number): Value {
    const operators = LEVELS[level];
    if (operators === undefined) return this.#unary();
    let left = this.#binary(level + 1);
    while (this.#kind === 'operator' && operators.includes(this.#token)) {
      const operator = this.#token;
      this.#next();
      const right = this.#binary(level + 1);
      left = { value: BigInt.asUintN(64, this.#compute(operator, left.value, right.value)), size: 8 };
    }
    return left;
  }

  #compute(operator: string, a: bigint, b: bigint): bigint {
    const truth = (holds: boolean): bigint => (holds ? 1n : 0n);
    switch (operator) {
      case '||':
        return truth(a !== 0n || b !== 0n);
      case '&&':
        return truth(a !== 0n && b !== 0n);
      case '==':
        return truth(a === b);
      case '!=':
        return truth(a !== b);
      case '<':
        return truth(a < b);
      case '>':
        return truth(a > b);
      case '<=':
        return truth(a <= b);
      case '>=':
        return truth(a >= b);
      case '|':
        return a | b;
      case '^':
        return a ^ b;
      case '&':
        return a & b;
      case '<<':
        return b > 63n ? 0n : a << b;
      case '>>':
        return b > 63n ? 0n : a >> b;
      case '+':
        return a + b;
      case '-':
        return a - b;
      case '*':
        return a * b;
      default:
        if (b === 0n) this.#refuse('division by zero');
        return operator === '/' ? a / b : a % b;
    }
  }

  #unary(): Value {
    if (++this.#depth > MAX_DEPTH) this.#refuse('the expression is nested too deeply');
    try {
      if (this.#kind !== 'operator') return this.#postfix(this.#primary());
      const operator = this.#token;
      switch (operator) {
        case '(': {
          this.#next();
          const inner = this.#binary(0);
          this.#expect(')');
          return this.#postfix(inner);
        }
        case '-':
        case '!':
        case '~': {
          this.#next();
          const { value } = this.#unary();
          const result = operator === '-' ? -value : operator === '!' ? (value === 0n ? 1n : 0n) : ~value;
          return { value: BigInt.asUintN(64, result), size: 8 };
        }
        case '*': {
          this.#next();
          const { value, type } = this.#unary();
          const to = type?.kind === 'pointer' ? type.to() : undefined;
          return to === undefined ? this.#load(value, 8) : this.#load(value, to.size, to);
        }
        case '&': {
          this.#next();
          const { address, value, register } = this.#unary();
          // &function is the function.
          if (address === undefined && (register !== undefined || this.#run.image.segmentAt(value) === undefined))
            this.#refuse('what has no address cannot have & before it');
          return { value: address ?? value, size: 8 };
        }
        default:
          this.#refuse(`'${operator}' cannot begin a value`);
      }
    } finally {
      this.#depth--;
    }
  }

  #primary(): Value {
    const token = this.#token;
    const kind = this.#kind;
    this.#next();
    if (kind === 'number') return { value: BigInt.asUintN(64, BigInt(token)), size: 8 };
    if (kind !== 'name') this.#refuse('a value is missing');
    const load = LOADS[token];
    if (load !== undefined && this.#is('(')) {
      this.#next();
      const { value } = this.#binary(0);
      this.#expect(')');
      return this.#load(value, load);
    }
    return this.#name(token);
  }

  #name(token: string): Value {
    const { image } = this.#run;
    // A member belongs to the variable before it; a symbol may have dots in its own name.
    if (!token.startsWith('$')) {
      const own = image.hasSymbol(token) ? token : token.slice(0, token.indexOf('.') < 0 ? undefined : token.indexOf('.'));
      if (image.hasSymbol(own)) {
        const members = token.slice(own.length + 1);
        const { address, size, kind } = image.symbol(own);
        const variable = kind === 'object' || image.types.variable(address) !== undefined;
        const type = image.types.variable(address);
        const bytes = type?.size ?? (size === 0 ? 8 : size);
        let value: Value = variable ? this.#load(address, bytes, type) : { value: address, size: 8 };
        for (const member of members === '' ? [] : members.split('.')) value = this.#member(value, member);
        return value;
      }
    }
    const register = registerValue(this.#scope, token);
    if (register !== undefined) return register;
    const site = this.#run.world?.sites.find((s) => s.name === token);
    if (site !== undefined) return { value: site.address, size: 8 };
    const names = [...image.symbols.map((s) => s.name), ...REGISTER_NAMES.map((r) => `$${r}`)];
    const [near] = suggest(token, names);
    this.#refuse(
      `there is no '${token}'`,
      near === undefined ? 'a symbol of the image, a register such as $rax, or a number' : `did you mean ${near}?`,
    );
  }

  #postfix(first: Value): Value {
    let value = first;
    for (;;) {
      if (this.#is('[')) {
        this.#next();
        const { value: index } = this.#binary(0);
        this.#expect(']');
        value = this.#element(value, index);
      } else if (this.#is('->') || this.#is('.')) {
        const arrow = this.#token === '->';
        this.#next();
        if (this.#kind !== 'name') this.#refuse('a member is missing');
        const names = this.#token.split('.');
        this.#next();
        if (arrow) {
          const to = value.type?.kind === 'pointer' ? value.type.to() : undefined;
          if (to === undefined) this.#refuse('what stands before -> is no pointer to a known type');
          value = this.#load(value.value, to.size, to);
        }
        for (const name of names.filter((n) => n !== '')) value = this.#member(value, name);
      } else if (this.#kind === 'name' && this.#token.startsWith('.')) {
        const names = this.#token.split('.').filter((n) => n !== '');
        this.#next();
        for (const name of names) value = this.#member(value, name);
      } else return value;
    }
  }

  #member({ address, type }: Value, name: string): Value {
    if (type?.kind !== 'struct' || address === undefined) this.#refuse(`'${name}' is a member of no struct`);
    const member = type.members.find((m) => m.name === name);
    if (member === undefined) {
      const names = type.members.map((m) => m.name).filter((n) => n !== '');
      this.#refuse(`${type.name === '' ? 'the struct' : type.name} has no '${name}'`, `it has ${names.join(', ')}`);
    }
    return this.#load(address + BigInt(member.offset), member.type.size, member.type);
  }

  #element({ address, value, type }: Value, index: bigint): Value {
    if (type?.kind === 'array' && address !== undefined)
      return this.#load(BigInt.asUintN(64, address + index * BigInt(type.of.size)), type.of.size, type.of);
    const to = type?.kind === 'pointer' ? type.to() : undefined;
    if (to !== undefined) return this.#load(BigInt.asUintN(64, value + index * BigInt(to.size)), to.size, to);
    if (this.#run.image.segmentAt(address ?? value) !== undefined) return this.#load(BigInt.asUintN(64, (address ?? value) + index), 1);
    this.#refuse('only an array, a pointer or memory has elements');
  }

  #load(address: bigint, size: number, type?: DataType): Value {
    const { core } = this.#scope;
    const wanted = Math.min(8, Math.max(1, size));
    const bytes = readLinear(this.#run.timeline.machine, core, address, wanted);
    if (bytes.length < wanted)
      this.#refuse(
        `CPU${core.index} has no memory at 0x${address.toString(16)}`,
        'the disassembly and the registers say where it has some',
      );
    const value = bytes.reduceRight((all, b) => (all << 8n) | BigInt(b), 0n);
    return { value, size, address, ...(type !== undefined && { type }) };
  }
}

const MAX_DEPTH = 100;
/** Binary operators, those that bind least first. */
const LEVELS: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '>', '<=', '>='],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
];
