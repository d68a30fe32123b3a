import { x87Offset } from '../../core-state.ts';
import { C1, ES, TOP, TOP_AT } from '../../helpers/x87-word.ts';
import type { Instruction } from '../../instruction.ts';
import type { Vocabulary } from '../../vocabulary.ts';

const LOW = x87Offset(0);
const HIGH = x87Offset(0) + 8;
/** Where an operand of a helper says that its register is empty. */
const EMPTY_AT = 16;

/** The two quadwords of a register or a converted operand. */
export type Value<V> = readonly [low: V, high: V];

/** The x87 registers as one instruction sees them: the words when it began, and what becomes of them. */
export class Stack<V> {
  readonly control: V;
  readonly status: V;
  readonly #p: Vocabulary<V>;
  readonly #tags: V;
  readonly #top: V;
  readonly #used: V[] = [];
  readonly #freed: V[] = [];

  constructor(p: Vocabulary<V>) {
    this.#p = p;
    this.control = p.state('fcw');
    this.status = p.state('fsw');
    this.#tags = p.state('ftw');
    this.#top = p.shr(this.status, p.constant(TOP_AT));
  }

  #bit(n: number): V {
    const p = this.#p;
    return p.and(p.add(this.#top, p.constant(n)), p.constant(7));
  }

  /** 1 when ST(n) is not empty; ST(-1) is what a push would take. */
  isUsed(n: number): V {
    const p = this.#p;
    return p.and(p.shr(this.#tags, this.#bit(n)), p.constant(1));
  }

  /** ST(n) as an operand of a helper. */
  get(n: number): Value<V> {
    const p = this.#p;
    const at = p.add(this.#top, p.constant(n));
    const empty = p.shl(p.xor(this.isUsed(n), p.constant(1)), p.constant(EMPTY_AT));
    return [p.stacked(LOW, at), p.or(p.stacked(HIGH, at), empty)];
  }

  /** Words and operands in the order in which helpers take them. */
  compute(helper: string, operands: readonly Value<V>[], results: number, ...more: readonly V[]): V[] {
    return this.#p.compute(`x87.${helper}`, [this.control, this.status, ...operands.flat(), ...more], results);
  }

  /** ST(n) becomes `value` where `condition` is 1. After every memory access. */
  put(n: number, [low, high]: Value<V>, condition: V): void {
    const p = this.#p;
    p.when(condition, () => {
      const at = p.add(this.#top, p.constant(n));
      p.setStacked(LOW, at, low);
      p.setStacked(HIGH, at, high);
    });
    this.#used.push(p.shl(condition, this.#bit(n)));
  }

  /** ST(n) becomes empty where `condition` is 1. */
  free(n: number, condition: V): void {
    this.#freed.push(this.#p.shl(condition, this.#bit(n)));
  }

  /** The new status word, its TOP moved by `by`; the new tags. Pointers are those of this instruction. Last of all. */
  retire(i: Instruction, status: V, by: V): void {
    const p = this.#p;
    const tags = [...this.#used].reduce((all, bits) => p.or(all, bits), this.#tags);
    p.setState(
      'ftw',
      this.#freed.reduce((all, bits) => p.and(all, p.not(bits)), tags),
    );
    const top = p.and(p.shl(p.add(this.#top, by), p.constant(TOP_AT)), p.constant(TOP));
    p.setState('fsw', p.or(p.and(status, p.constant(~TOP & 0xffff)), top));
    this.#point(i, status);
  }

  /** The opcode is noted for unmasked exceptions alone (SDM Vol. 1, "Fopcode Compatibility Sub-mode": off). */
  #point(i: Instruction, status: V): void {
    const p = this.#p;
    p.setState('fip', p.current());
    const memory = i.operands.find((operand) => operand.kind === 'memory');
    if (memory !== undefined) p.setState('fdp', p.offset(memory));
    const isPending = p.ne(p.and(status, p.constant(ES)), p.constant(0));
    p.when(isPending, () => p.setState('fop', p.read({ kind: 'immediate', size: 16 })));
  }

  /** The status word without C1. */
  get plainStatus(): V {
    return this.#p.and(this.status, this.#p.constant(~C1 & 0xffff));
  }
}

/** `-condition`: what a push adds to TOP. */
export const minus = <V>(p: Vocabulary<V>, condition: V): V => p.sub(p.constant(0), condition);
