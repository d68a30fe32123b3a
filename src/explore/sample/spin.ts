import { HASH_BASE, HASH_LANE_BYTES, PAGE } from '../../engine/layout.ts';
import type { Machine } from '../../machine/machine.ts';
import { AGENTS_A_CORE, coreOf, MAX_AGENTS } from './agents.ts';

/** Events that one agent may do in a row while others could act. */
const PATIENCE = 1000;
/** Times that all agents may be woken without anything new coming of it. */
const TRIES = 8;

/**
 * Bounded fairness: an agent whose event led back to a state of this run spins. It sleeps until shared memory changes or its core does
 * something else, which is what waiting for a lock would be: no event of the run is spent on it, and no priority lost (M. Musuvathi,
 * S. Qadeer, "Fair Stateless Model Checking", PLDI 2008, yields to others instead).
 */
export class Spins {
  readonly #states = new Set<number>();
  readonly #asleep = new Uint8Array(MAX_AGENTS);
  /** Of shared memory, when the agent fell asleep. */
  readonly #memory = new Int32Array(MAX_AGENTS);
  /** First words of the hash lanes of what cores share: shared memory, and the private memory of cores that others reach. */
  readonly #lanes: number[] = [];
  #last = -1;
  #inRow = 0;
  #tries = 0;

  /** A run begins, at its base state. */
  begin(machine: Machine): void {
    this.#states.clear();
    this.#states.add(stateOf(machine));
    const lanes = new Set([0, ...[...machine.sharedPages].map((page) => machine.pageInfo(page) & PAGE.laneMask)]);
    this.#lanes.length = 0;
    for (const lane of lanes) this.#lanes.push((HASH_BASE + lane * HASH_LANE_BYTES) >> 2);
    this.#asleep.fill(0);
    this.#last = -1;
    this.#tries = 0;
  }

  isAwake(agent: number, machine: Machine): boolean {
    if (this.#asleep[agent] === 0) return true;
    if (this.#memory[agent] === this.#sharedMemory(machine)) return false;
    this.#asleep[agent] = 0;
    return true;
  }

  /** All that could act sleep. False when waking them has led nowhere: the run has no end. */
  wakeAll(): boolean {
    if (++this.#tries > TRIES) return false;
    this.#asleep.fill(0);
    return true;
  }

  /** An agent acted; `alone`: nobody else could. */
  acted(agent: number, alone: boolean, machine: Machine): void {
    const first = coreOf(agent) * AGENTS_A_CORE;
    for (let other = first; other < first + AGENTS_A_CORE; other++) this.#asleep[other] = 0;
    this.#inRow = agent === this.#last ? this.#inRow + (alone ? 0 : 1) : 0;
    this.#last = agent;
    const before = this.#states.size;
    this.#states.add(stateOf(machine));
    const isNew = this.#states.size > before;
    if (isNew) this.#tries = 0;
    if (isNew && this.#inRow < PATIENCE) return;
    this.#inRow = 0;
    this.#asleep[agent] = 1;
    this.#memory[agent] = this.#sharedMemory(machine);
  }

  /** A number that changes when what cores share does. */
  #sharedMemory({ engine }: Machine): number {
    let sum = 0;
    for (const lane of this.#lanes) sum = Math.imul(sum ^ engine.words[lane]! ^ (engine.words[lane + 1]! << 1), 0x9e3779b1);
    return sum;
  }
}

/** 53 bits of the state's key: two states of one run with the same number put an agent to sleep that would not have, no more. */
function stateOf(machine: Machine): number {
  const at = machine.key();
  const { words } = machine.engine;
  return (words[at]! >>> 0) + (words[at + 1]! & 0x1fffff) * 4294967296;
}
