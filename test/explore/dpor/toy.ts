import { Moves } from '../../../src/explore/dpor/agents.ts';
import { dependent, type Event, eventOf } from '../../../src/explore/dpor/happens-before.ts';
import type { StateVector, Transition, TransitionSystem, Waiting } from '../../../src/explore/table/system.ts';
import type { Violation } from '../../../src/explore/violation.ts';

/** One instruction of a toy program. Words are numbered from 0 and hold 0 at the start. */
export type Instruction =
  | { readonly do: 'store'; readonly word: number; readonly value: number }
  | { readonly do: 'load'; readonly word: number }
  | { readonly do: 'add'; readonly word: number }
  /** Waits until the store buffer is empty. */
  | { readonly do: 'fence' }
  /** Waits until the word is 0, and makes it 1. */
  | { readonly do: 'lock'; readonly word: number }
  /** As before, of two words at a time; looks at the second one only when the first one is free. */
  | { readonly do: 'lock both'; readonly words: readonly [number, number] }
  /** Waits, disabled, until the word holds the value. */
  | { readonly do: 'await'; readonly word: number; readonly value: number }
  /** Looks again and again until the word holds the value. */
  | { readonly do: 'spin'; readonly word: number; readonly value: number }
  /** Looks at two words in turn until one is not 0. */
  | { readonly do: 'spin on either'; readonly words: readonly [number, number] }
  /** Waits with a store in each round, which goes through the store buffer. */
  | { readonly do: 'spin with store'; readonly word: number; readonly stored: number }
  | { readonly do: 'choose'; readonly among: number }
  /** Writes one of two words. */
  | { readonly do: 'store either'; readonly words: readonly [number, number]; readonly value: number }
  /** Looks at the first word, then at the second one where it held 0, else at the third one: one event. */
  | { readonly do: 'look'; readonly words: readonly [number, number, number] }
  /** A violation when the words hold these values; looks no further than it must. */
  | { readonly do: 'forbid'; readonly words: readonly number[]; readonly values: readonly number[] }
  | { readonly do: 'mask' }
  | { readonly do: 'unmask' }
  /** Makes an interrupt pending for a thread; its handler looks at word 0. */
  | { readonly do: 'interrupt'; readonly thread: number };

export interface Toy {
  readonly threads: readonly (readonly Instruction[])[];
  readonly words: number;
  /** Stores go through a buffer. */
  readonly tso?: boolean;
  /** Reads that transitions do not own up to: a mutant. */
  readonly hidden?: (slot: number) => boolean;
}

interface Local {
  readonly pc: number;
  readonly seen: readonly (number | string)[];
  readonly masked: boolean;
  readonly buffer: readonly (readonly [number, number])[];
  /** Which of two words a waiting thread looks at next, or how far it is in its round. */
  readonly turn: number;
}

const BEGIN: Local = { pc: 0, seen: [], masked: false, buffer: [], turn: 0 };

/** What running one instruction came to. */
interface Effect {
  readonly waits?: boolean;
  readonly violates?: boolean;
  readonly local?: Local;
  readonly writes?: readonly (readonly [number, number])[];
  readonly detail?: string;
}

interface ToyTransition extends Transition {
  readonly to: StateVector;
}

export class ToySystem implements TransitionSystem {
  readonly slots: number;
  readonly #toy: Toy;
  readonly #locals: { readonly number: Map<string, number>; readonly value: Local[] }[];

  constructor(toy: Toy) {
    this.#toy = toy;
    this.slots = 2 * toy.threads.length + toy.words;
    this.#locals = toy.threads.map(() => ({ number: new Map([[JSON.stringify(BEGIN), 0]]), value: [BEGIN] }));
  }

  start(): StateVector {
    return new Int32Array(this.slots);
  }

  after(_state: StateVector, transition: Transition): StateVector {
    return (transition as ToyTransition).to;
  }

  end(): readonly Violation[] {
    return [];
  }

  next(state: StateVector): readonly Transition[] {
    return this.#all(state).transitions;
  }

  waiting(state: StateVector): readonly Waiting[] {
    return this.#all(state).waiting;
  }

  /** What a thread has seen, in words: its program is over or not. */
  describe(state: StateVector): string {
    const words = Array.from({ length: this.#toy.words }, (_, w) => state[this.#word(w)]);
    return `${this.#toy.threads.map((_, t) => this.#local(state, t).seen.join('')).join(' | ')} : ${words.join(' ')}`;
  }

  /** Which instruction of its program a thread is at. */
  pc(state: StateVector, thread: number): number {
    return this.#local(state, thread).pc;
  }

  #word(word: number): number {
    return 2 * this.#toy.threads.length + word;
  }

  #local(state: StateVector, thread: number): Local {
    return this.#locals[thread]!.value[state[thread]!]!;
  }

  #numberOf(thread: number, local: Local): number {
    const { number, value } = this.#locals[thread]!;
    const key = JSON.stringify(local);
    if (!number.has(key)) {
      number.set(key, value.length);
      value.push(local);
    }
    return number.get(key)!;
  }

  #all(state: StateVector): { transitions: Transition[]; waiting: Waiting[] } {
    const transitions: Transition[] = [];
    const waiting: Waiting[] = [];
    const threads = this.#toy.threads.length;
    this.#toy.threads.forEach((program, t) => {
      const local = this.#local(state, t);
      const agent = (kind: string, looked: readonly number[], effects: readonly Effect[]): void => {
        const shown = [...new Set(looked)].filter((slot) => this.#toy.hidden?.(slot) !== true);
        for (const effect of effects) {
          if (effect.waits === true) {
            waiting.push({ core: t, kind, reads: Int32Array.from(shown).sort() });
            continue;
          }
          const to = state.slice();
          if (effect.local !== undefined) to[t] = this.#numberOf(t, effect.local);
          for (const [slot, value] of effect.writes ?? []) to[slot] = value;
          const writes = [...to.keys()].filter((slot) => to[slot] !== state[slot]);
          const violations: Violation[] =
            effect.violates === true ? [{ check: 'assertion', message: `thread ${t}`, core: t, rip: 0n }] : [];
          const reads = Int32Array.from(new Set([...shown, ...writes])).sort();
          const of: ToyTransition = {
            core: t,
            kind,
            detail: effect.detail ?? '',
            stale: false,
            reads,
            writes: Int32Array.from(writes),
            violations,
            to,
          };
          transitions.push(of);
        }
      };
      const looked = [t];
      const look = (word: number): number => {
        const buffered = local.buffer.findLast(([w]) => w === word);
        if (buffered !== undefined) return buffered[1];
        looked.push(this.#word(word));
        return state[this.#word(word)]!;
      };
      const steps = this.#step(program[local.pc], local, look, (slot) => {
        looked.push(slot);
        return slot;
      });
      agent('step', looked, steps);
      const [oldest, ...rest] = local.buffer;
      if (oldest === undefined) agent('drain', [t], [{ waits: true }]);
      else {
        const [word, value] = [this.#word(oldest[0]), oldest[1]];
        agent('drain', [t, word], [{ local: { ...local, buffer: rest }, writes: [[word, value]] }]);
      }
      const pending = threads + t;
      if (local.masked) agent('interrupt', [t], [{ waits: true }]);
      else if (state[pending] === 0) agent('interrupt', [t, pending], [{ waits: true }]);
      else {
        const read = this.#word(0);
        agent('interrupt', [t, pending, read], [{ local: { ...local, seen: [...local.seen, `i${state[read]}`] }, writes: [[pending, 0]] }]);
      }
    });
    return { transitions, waiting };
  }

  #step(
    instruction: Instruction | undefined,
    local: Local,
    look: (word: number) => number,
    change: (slot: number) => number,
  ): readonly Effect[] {
    if (instruction === undefined) return [{ waits: true }];
    const on: Local = { ...local, pc: local.pc + 1 };
    const saw = (value: number | string): Local => ({ ...on, seen: [...local.seen, value] });
    const store = (from: Local, word: number, value: number): Effect =>
      this.#toy.tso === true
        ? { local: { ...from, buffer: [...from.buffer, [word, value]] } }
        : { local: from, writes: [[change(this.#word(word)), value]] };
    switch (instruction.do) {
      case 'store':
        return [store(on, instruction.word, instruction.value)];
      case 'load':
        return [{ local: saw(look(instruction.word)) }];
      case 'add': {
        if (local.buffer.length > 0) return [{ waits: true }];
        const old = look(instruction.word);
        return [{ local: saw(old), writes: [[this.#word(instruction.word), old + 1]] }];
      }
      case 'fence':
        return [local.buffer.length > 0 ? { waits: true } : { local: on }];
      case 'lock':
        if (local.buffer.length > 0 || look(instruction.word) !== 0) return [{ waits: true }];
        return [{ local: on, writes: [[this.#word(instruction.word), 1]] }];
      case 'lock both':
        if (local.buffer.length > 0 || instruction.words.some((w) => look(w) !== 0)) return [{ waits: true }];
        return [{ local: on, writes: instruction.words.map((w) => [this.#word(w), 1] as const) }];
      case 'await':
        return [look(instruction.word) === instruction.value ? { local: on } : { waits: true }];
      case 'spin':
        return [look(instruction.word) === instruction.value ? { local: on } : {}];
      case 'spin on either':
        return [look(instruction.words[local.turn]!) !== 0 ? { local: { ...on, turn: 0 } } : { local: { ...local, turn: 1 - local.turn } }];
      case 'spin with store': {
        if (local.turn === 1) return [store({ ...local, turn: 2 }, instruction.stored, 1)];
        if (local.turn === 2) return [local.buffer.length > 0 ? { waits: true } : { local: { ...local, turn: 3 } }];
        if (local.turn === 3) return [store({ ...local, turn: 4 }, instruction.stored, 0)];
        if (local.turn === 4) return [local.buffer.length > 0 ? { waits: true } : { local: { ...local, turn: 0 } }];
        return [look(instruction.word) !== 0 ? { local: on } : { local: { ...local, turn: 1 } }];
      }
      case 'choose':
        return Array.from({ length: instruction.among }, (_, n) => ({ local: saw(`c${n}`), detail: String(n) }));
      case 'store either':
        return instruction.words.map((word, n) => ({ ...store(saw(`c${n}`), word, instruction.value), detail: String(n) }));
      case 'look': {
        const [first, zero, other] = instruction.words;
        const value = look(first);
        return [{ local: saw(`${value}${look(value === 0 ? zero : other)}`) }];
      }
      case 'forbid':
        return [instruction.words.every((w, n) => look(w) === instruction.values[n]) ? { violates: true } : { local: on }];
      case 'mask':
        return [{ local: { ...on, masked: true } }];
      case 'unmask':
        return [{ local: { ...on, masked: false } }];
      case 'interrupt':
        return [{ local: on, writes: [[change(this.#toy.threads.length + instruction.thread), 1]] }];
    }
  }
}

/** The Mazurkiewicz traces of all complete executions, each by its Foata normal form; executions are all enumerated. */
export function tracesOf(system: TransitionSystem): Set<string> {
  const traces = new Set<string>();
  const everybody = new Moves(system);
  const events: Event[] = [];
  const labels: string[] = [];
  const levels: number[] = [];
  const walk = (state: StateVector): void => {
    const moves = everybody.in(state, system.next(state)).filter((m) => m.steps.length > 0);
    if (moves.length === 0) traces.add([...labels].sort().join('\n'));
    for (const move of moves) {
      for (const step of move.steps) {
        const event = eventOf(move, step);
        const level = 1 + events.reduce((most, e, n) => (dependent(e, event) ? Math.max(most, levels[n]!) : most), 0);
        events.push(event);
        levels.push(level);
        labels.push(`${String(level).padStart(3)} ${event.agent} ${event.detail} ${event.reads} ${event.writes}`);
        walk(system.after(state, step));
        events.pop();
        levels.pop();
        labels.pop();
      }
    }
  };
  walk(system.start());
  return traces;
}
