import type { TextpokeError } from '../../error.ts';
import type { DataType } from '../../image/data-types.ts';
import { GPR_NAMES, Vector } from '../../isa/core-state.ts';
import { didYouMean } from '../../suggest.ts';
import { registerOf } from '../litmus/registers.ts';
import type { World, WorldEvent } from '../world.ts';
import type { Comparison, Expression, Value } from './expression.ts';
import { Words } from './words.ts';

const COMPARISONS: readonly string[] = ['==', '!=', '<', '<=', '>', '>=', '='];

/**
 * Reads what is to be reached, for a world that has not begun yet:
 *
 *     EXPR   EXPR or EXPR, EXPR and EXPR, not EXPR, ( EXPR ); and binds more than or
 *            VALUE == != < <= > >= VALUE; VALUE alone is VALUE != 0
 *            CPU1 at PLACE       about to execute the instruction there
 *            #BP on CPU1 at PLACE    an exception is delivered, of the instruction there; `on` and `at` may be left out
 *            SYNC on CPU1 at PLACE   an interrupt is taken before the instruction there, by its name; also NMI
 *            IPI from CPU0 to CPU1   an IPI is sent; both parts may be left out
 *     VALUE  12, 0xcc, -1, PLACE with & before it, CPU1.rax, or a variable: name, name.member, name[2].member; of what has no type a byte: name[0]
 *     PLACE  symbol, symbol+0x5, 0xffffffff81001000
 *
 * Errors are `E_USAGE`, with the nearest name for one that is not known.
 */
export function parseReach(text: string, world: World): Expression {
  const words = new Words(text);
  const expression = new Parser(words, world).either();
  if (words.peek() !== undefined) throw words.error(`'${words.peek()}' is not expected here`);
  return expression;
}

class Parser {
  readonly #words: Words;
  readonly #world: World;

  constructor(words: Words, world: World) {
    this.#words = words;
    this.#world = world;
  }

  either(): Expression {
    let left = this.#both();
    while (this.#words.skip('or', '||')) left = { kind: 'or', left, right: this.#both() };
    return left;
  }

  #both(): Expression {
    let left = this.#one();
    while (this.#words.skip('and', '&&')) left = { kind: 'and', left, right: this.#one() };
    return left;
  }

  #one(): Expression {
    const words = this.#words;
    if (words.skip('not', '!')) return { kind: 'not', of: this.#one() };
    if (words.skip('(')) {
      const inner = this.either();
      words.expect(')');
      return inner;
    }
    if (words.peek(1) === 'at' && /^CPU/.test(words.peek() ?? '')) return this.#position();
    return this.#event() ?? this.#comparison();
  }

  #position(): Expression {
    const core = this.#core();
    this.#words.expect('at');
    return { kind: 'at', core, address: this.#place() };
  }

  #comparison(): Expression {
    const left = this.#value();
    const by = this.#words.peek() ?? '';
    if (!COMPARISONS.includes(by)) return { kind: 'compare', by: '!=', left, right: { kind: 'number', value: 0n } };
    this.#words.take('a comparison');
    return { kind: 'compare', by: by === '=' ? '==' : (by as Comparison), left, right: this.#value() };
  }

  // ---- events ----

  /** Undefined where no event is named. */
  #event(): Expression | undefined {
    const words = this.#words;
    const word = words.peek() ?? '';
    if (word.startsWith('#')) return this.#exception();
    if (word === 'IPI' && !this.#world.lab.image.hasSymbol(word)) return this.#ipi();
    if (words.peek(1) !== 'on' && word !== 'NMI') return undefined;
    const names = this.#interrupts();
    const vectors = names.get(word);
    if (vectors === undefined)
      throw words.error(`there is no interrupt '${word}'`, didYouMean(word, names.keys()) ?? `there are ${[...names.keys()].join(', ')}`);
    words.take('an interrupt');
    const core = this.#onCore();
    const place = this.#atPlace();
    return this.#happens(core, (e) => {
      if ((e.kind !== 'interrupt' && e.kind !== 'exception') || !vectors.includes(e.vector)) return false;
      return place === undefined || e.rip === place;
    });
  }

  #exception(): Expression {
    const name = this.#words.peek()!.slice(1).toUpperCase();
    const vector = (Vector as Readonly<Record<string, number>>)[name];
    if (vector === undefined) {
      const known = Object.keys(Vector).map((v) => `#${v}`);
      throw this.#words.error(`there is no exception '#${name}'`, didYouMean(`#${name}`, known) ?? `there are ${known.join(', ')}`);
    }
    this.#words.take('an exception');
    const core = this.#onCore();
    const place = this.#atPlace();
    // What is pushed for an int3 is the address behind it.
    const pushed = place === undefined ? undefined : place + (vector === Vector.BP ? 1n : 0n);
    return this.#happens(core, (e) => e.kind === 'exception' && e.vector === vector && (pushed === undefined || e.rip === pushed));
  }

  #ipi(): Expression {
    this.#words.take('IPI');
    const from = this.#words.skip('from') ? this.#core() : undefined;
    const to = this.#words.skip('to') ? this.#core() : undefined;
    const sent = this.#happens(from, (e) => e.kind === 'ipi' && (to === undefined || e.targets.includes(to)));
    // Whom it is sent to matters as much as who sends it.
    return from === undefined && to !== undefined ? { ...sent, kind: 'event', core: to } : sent;
  }

  #happens(core: number | undefined, isIt: (event: WorldEvent) => boolean): Extract<Expression, { kind: 'event' }> {
    return { kind: 'event', core, isIt: (e) => (core === undefined || e.core === core) && isIt(e) };
  }

  #onCore(): number | undefined {
    return this.#words.skip('on') ? this.#core() : undefined;
  }

  #atPlace(): bigint | undefined {
    return this.#words.skip('at') ? this.#place() : undefined;
  }

  /** Vectors by the name of the stub that serves them: SYNC for `asm_sysvec_sync_core`. */
  #interrupts(): ReadonlyMap<string, readonly number[]> {
    const out = new Map<string, number[]>([['NMI', [Vector.NMI]]]);
    for (const [vector, stub] of this.#world.lab.gates) {
      const name = /^asm_sysvec_(\w+)$/.exec(stub)?.[1];
      if (name === undefined) continue;
      const short = name === 'sync_core' ? 'SYNC' : name === 'lab_irq' ? 'IRQ' : name.toUpperCase();
      out.set(short, [...(out.get(short) ?? []), vector]);
    }
    return out;
  }

  // ---- values ----

  #value(): Value {
    const words = this.#words;
    if (words.skip('-')) return { kind: 'number', value: -this.#number() };
    if (words.skip('&')) return { kind: 'number', value: this.#place() };
    const word = words.peek();
    if (word === undefined) throw words.error('a value is missing at the end');
    if (/^\d/.test(word)) return { kind: 'number', value: this.#number() };
    const register = /^CPU(\d+)\.(\w+)$/.exec(word);
    if (register !== null) return this.#register(register[1]!, register[2]!);
    if (/^CPU\d+$/.test(word))
      throw words.error(`'${word}' is a core: at a place, or one of its registers`, `'${word} at ftrace_call', '${word}.rax'`);
    return this.#variable();
  }

  #number(): bigint {
    const word = this.#words.peek() ?? '';
    if (!/^\d/.test(word)) throw this.#words.error(`a number is missing before '${word}'`);
    this.#words.take('a number');
    return BigInt(word);
  }

  #register(core: string, name: string): Value {
    const lower = name.toLowerCase();
    const number = lower === 'rsp' ? GPR_NAMES.indexOf('rsp') : undefined;
    const known = registerOf(lower);
    if (lower !== 'rip' && number === undefined && known === undefined)
      throw this.#words.error(`there is no register '${name}'`, didYouMean(lower, [...GPR_NAMES, 'rip']) ?? 'rax to r15, their parts, rip');
    const of = this.#core(`CPU${core}`);
    if (lower === 'rip') return { kind: 'register', core: of, register: 'rip', bits: 64 };
    return { kind: 'register', core: of, register: number ?? known!.number, bits: known?.bits ?? 64 };
  }

  /** `CPU1`, of the cores that there are. */
  #core(word = this.#words.peek() ?? 'the end'): number {
    const number = /^CPU(\d+)(\.\w+)?$/.exec(word)?.[1];
    const cores = this.#world.machine.cores.length;
    if (number === undefined) throw this.#words.error(`a core is missing before '${word}'`, 'CPU0, CPU1, ...');
    if (Number(number) >= cores)
      throw this.#words.error(`there is no CPU${number}`, `cores are CPU0 to CPU${cores - 1}: --victims N for more`);
    this.#words.take('a core');
    return Number(number);
  }

  /** `symbol`, `symbol+0x5`, or an address. */
  #place(): bigint {
    const words = this.#words;
    const word = words.peek() ?? '';
    if (/^\d/.test(word)) return this.#number();
    const { address } = this.#symbol(word);
    words.take('a place');
    return words.skip('+') ? address + this.#number() : address;
  }

  #symbol(name: string): { readonly address: bigint; readonly size: number } {
    const { image } = this.#world.lab;
    if (!/^[A-Za-z_]/.test(name)) throw this.#words.error(name === '' ? 'a name is missing at the end' : `'${name}' is not expected here`);
    if (image.hasSymbol(name)) return image.symbol(name);
    const known = image.symbols.map((s) => s.name).filter((n) => !n.startsWith('ABI_'));
    throw this.#words.error(`there is no symbol '${name}'`, didYouMean(name, known) ?? 'nm FILE lists the symbols');
  }

  /** A variable, or a part of it: `name`, `name.member`, `name[2].member`. */
  #variable(): Value {
    const words = this.#words;
    const path = words.peek()!;
    const dot = this.#world.lab.image.hasSymbol(path) ? -1 : path.indexOf('.');
    const name = dot < 0 ? path : path.slice(0, dot);
    const symbol = this.#symbol(name);
    const type = this.#world.lab.image.types.variable(symbol.address);
    words.take('a variable');
    let part: Part = { name, address: symbol.address, size: symbol.size, type };
    if (dot >= 0) part = this.#members(part, path.slice(dot + 1));
    for (;;) {
      if (words.skip('[')) {
        part = this.#element(part);
        words.expect(']');
      } else if (words.skip('.')) part = this.#members(part, words.take('a member'));
      else break;
    }
    if (![1, 2, 4, 8].includes(part.size)) throw this.#tooLarge(part);
    return { kind: 'memory', address: part.address, size: part.size };
  }

  #members(part: Part, path: string): Part {
    return path.split('.').reduce((whole, member) => {
      const members = whole.type?.kind === 'struct' ? [...membersOf(whole.type)] : [];
      const found = members.find((m) => m.name === member);
      if (found === undefined) {
        const known = members.map((m) => m.name);
        const hint = known.length === 0 ? `${whole.name} is no struct that the image's debug information knows` : undefined;
        throw this.#words.error(
          `${whole.name} has no member '${member}'`,
          hint ?? didYouMean(member, known) ?? `it has ${known.join(', ')}`,
        );
      }
      return { name: `${whole.name}.${member}`, address: whole.address + BigInt(found.offset), size: found.type.size, type: found.type };
    }, part);
  }

  #element(part: Part): Part {
    const index = this.#number();
    const of = part.type?.kind === 'array' ? part.type.of : undefined;
    const each = of?.size ?? 1;
    if (part.size > 0 && (index + 1n) * BigInt(each) > BigInt(part.size))
      throw this.#words.error(`${part.name} has no element ${index}`, `it has ${Math.floor(part.size / each)}`);
    return { name: `${part.name}[${index}]`, address: part.address + index * BigInt(each), size: each, type: of };
  }

  #tooLarge({ name, size, type }: Part): TextpokeError {
    const members = type?.kind === 'struct' ? [...membersOf(type)].map((m) => m.name) : [];
    const hint = members.length > 0 ? `name a member: ${name}.${members[0]}` : `name a byte or an element: ${name}[0]`;
    return this.#words.error(`${name} ${size === 0 ? 'has no size that is known' : `has ${size} bytes`}`, hint);
  }
}

/** A variable or a part of one. */
interface Part {
  readonly name: string;
  readonly address: bigint;
  readonly size: number;
  readonly type: DataType | undefined;
}

/** Members of a struct, those of what has no name among them. */
function* membersOf(type: Extract<DataType, { kind: 'struct' }>, offset = 0): Generator<{ name: string; offset: number; type: DataType }> {
  for (const member of type.members) {
    if (member.name !== '') yield { ...member, offset: offset + member.offset };
    else if (member.type.kind === 'struct') yield* membersOf(member.type, offset + member.offset);
  }
}
