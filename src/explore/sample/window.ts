import type { Choice } from '../../machine/choices.ts';
import type { Machine } from '../../machine/machine.ts';
import type { Random } from '../random.ts';
import { type Accesses, conflicts, TOUCH, touchAhead, wordAhead } from './accesses.ts';
import { coreOf, isStep, MAX_AGENTS } from './agents.ts';
import { drawOrder, highest, type Strategy, type Turn } from './strategy.ts';

/** How far apart the two accesses of a window may be, counted in accesses of that core that others conflict with. */
const REACH = 3;
/** Conflicting accesses of others that are told apart; spinning makes more. */
const MOST_RIVALS = 8;

/** An access that a core did in some run. */
interface Place {
  readonly core: number;
  readonly word: number;
  readonly touch: number;
  /** Most accesses of other cores that conflict with it, in one run. */
  rivals: number;
}

/** Two accesses of one core, not far apart, that other cores have conflicting accesses for. */
export interface Window {
  readonly first: Place;
  readonly second: Place;
  /** Schedules that tried it. */
  tried: number;
}

/** Where a schedule is with its window. */
const PHASE = { before: 0, inside: 1, over: 2 } as const;

/**
 * Window hints (S. Gong et al., "Snowboard: Finding Kernel Concurrency Bugs through Systematic Inter-thread Communication Analysis", SOSP 2021):
 * pairs of accesses of a core to words that others write (or read, where it writes) are learned from runs: the fetch of text that is patched and the load
 * behind it. A schedule takes the pair tried least, and how many of the others' accesses come before the first and before the second; who would break that waits.
 * All else is in a random order of priorities.
 */
export class Windows implements Strategy {
  readonly depth = undefined;
  readonly #priorities = new Int32Array(MAX_AGENTS);
  readonly #order = new Int32Array(MAX_AGENTS);
  readonly #places = new Map<number, Place>();
  readonly #windows = new Map<number, Window>();
  readonly #numbers = new Map<Place, number>();
  /** Steps that wrote, as `core word`: what a step is about to do is known by what it did. */
  readonly #writers = new Set<number>();
  /** The accesses of this run. */
  readonly #cores: number[] = [];
  readonly #words: number[] = [];
  readonly #touches: number[] = [];
  #random: Random | undefined;
  #window: Window | undefined;
  #phase: number = PHASE.over;
  /** Conflicting accesses of others so far, and how many there are to be before the first access and before the second. */
  #beforeFirst = 0;
  #beforeSecond = 0;
  #wantedFirst = 0;
  #wantedSecond = 0;

  /** What was learned, for tests. */
  get windows(): readonly Window[] {
    return [...this.#windows.values()];
  }

  begin(random: Random): void {
    this.#random = random;
    drawOrder(this.#priorities, random);
    this.#cores.length = 0;
    this.#words.length = 0;
    this.#touches.length = 0;
    this.#beforeFirst = 0;
    this.#beforeSecond = 0;
    this.#window = this.#leastTried(random);
    this.#phase = this.#window === undefined ? PHASE.over : PHASE.before;
    if (this.#window === undefined) return;
    this.#window.tried++;
    this.#wantedFirst = random.below(this.#window.first.rivals + 1);
  }

  #leastTried(random: Random): Window | undefined {
    let least: Window[] = [];
    for (const window of this.#windows.values()) {
      if (least.length > 0 && window.tried > least[0]!.tried) continue;
      if (least.length > 0 && window.tried < least[0]!.tried) least = [];
      least.push(window);
    }
    return least.length === 0 ? undefined : least[random.below(least.length)];
  }

  next(turn: Turn, machine: Machine): number {
    if (this.#phase === PHASE.over) return highest(turn, this.#priorities);
    const waits = (n: number): boolean => this.#waits(turn.agents[n] as number, turn.choices[n] as Choice, machine);
    for (let agent = 0; agent < MAX_AGENTS; agent++) this.#order[agent] = this.#priorities[agent] as number;
    for (let left = turn.count; left > 0; left--) {
      const top = highest(turn, this.#order);
      if (!waits(top)) return top;
      this.#order[turn.agents[top] as number] = -1;
    }
    // It cannot come out that way.
    this.#phase = PHASE.over;
    return highest(turn, this.#priorities);
  }

  /** Whether letting this one go on would miss the window. */
  #waits(agent: number, choice: Choice, machine: Machine): boolean {
    const { first, second } = this.#window as Window;
    const word = wordAhead(machine, choice);
    if (word < 0 || (word !== first.word && word !== second.word)) return false;
    const core = coreOf(agent);
    const [place, so, wanted] =
      this.#phase === PHASE.before
        ? ([first, this.#beforeFirst, this.#wantedFirst] as const)
        : ([second, this.#beforeSecond, this.#wantedSecond] as const);
    if (word !== place.word) return false;
    if (core === place.core) return so < wanted && this.#mayBe(choice, core, word, place.touch);
    return so >= wanted && this.#mayConflict(choice, core, word, place.touch);
  }

  #mayBe(choice: Choice, core: number, word: number, touch: number): boolean {
    const ahead = touchAhead(choice);
    if (ahead !== undefined) return ahead === touch;
    return this.#stepWrites(core, word) ? touch === TOUCH.write : touch === TOUCH.load;
  }

  #mayConflict(choice: Choice, core: number, word: number, touch: number): boolean {
    return conflicts(touchAhead(choice) ?? (this.#stepWrites(core, word) ? TOUCH.write : TOUCH.load), touch);
  }

  #stepWrites = (core: number, word: number): boolean => this.#writers.has(word * 16 + core);

  did(agent: number, accesses: Accesses): void {
    const core = coreOf(agent);
    const steps = isStep(agent);
    for (let n = 0; n < accesses.count; n++) {
      const word = accesses.words[n] as number;
      const touch = accesses.touches[n] as number;
      this.#cores.push(core);
      this.#words.push(word);
      this.#touches.push(touch);
      if (steps && touch === TOUCH.write) this.#writers.add(word * 16 + core);
      if (this.#phase !== PHASE.over) this.#follow(core, word, touch);
    }
  }

  #follow(core: number, word: number, touch: number): void {
    const { first, second } = this.#window as Window;
    if (core === first.core) {
      if (this.#phase === PHASE.inside) {
        if (word === second.word && touch === second.touch) this.#phase = PHASE.over;
      } else if (word === first.word && touch === first.touch && this.#beforeFirst === this.#wantedFirst) this.#enter(second);
      return;
    }
    if (word === first.word && conflicts(touch, first.touch)) this.#beforeFirst++;
    if (word === second.word && conflicts(touch, second.touch)) this.#beforeSecond++;
  }

  /** The first access is done: at least one more of the others' is to come before the second. */
  #enter(second: Place): void {
    const left = second.rivals - this.#beforeSecond;
    this.#phase = left > 0 ? PHASE.inside : PHASE.over;
    if (left > 0) this.#wantedSecond = this.#beforeSecond + 1 + (this.#random?.below(left) ?? 0);
  }

  end(): void {
    const rivals = this.#rivals();
    const last: Place[][] = [];
    for (let n = 0; n < this.#cores.length; n++) {
      const core = this.#cores[n] as number;
      const place = this.#placeOf(core, this.#words[n] as number, this.#touches[n] as number, rivals);
      if (place === undefined) continue;
      last[core] ??= [];
      const before = last[core] as Place[];
      if (before.at(-1) === place) continue;
      for (const first of before) if (first !== place) this.#learn(first, place);
      before.push(place);
      if (before.length > REACH) before.shift();
    }
  }

  /** Reads and writes of each word by each core: `word * 32 + core`, writes at `+ 16`. */
  #rivals(): Map<number, number> {
    const counts = new Map<number, number>();
    for (let n = 0; n < this.#cores.length; n++) {
      const key = (this.#words[n] as number) * 32 + (this.#cores[n] as number) + (this.#touches[n] === TOUCH.write ? 16 : 0);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return counts;
  }

  /** The place of an access that somebody conflicts with. */
  #placeOf(core: number, word: number, touch: number, counts: Map<number, number>): Place | undefined {
    let rivals = 0;
    for (let other = 0; other < 16; other++) {
      if (other === core) continue;
      rivals += counts.get(word * 32 + 16 + other) ?? 0;
      if (touch === TOUCH.write) rivals += counts.get(word * 32 + other) ?? 0;
    }
    if (rivals === 0) return undefined;
    const key = (word * 16 + core) * 4 + touch;
    let place = this.#places.get(key);
    if (place === undefined) {
      place = { core, word, touch, rivals: 0 };
      this.#places.set(key, place);
      this.#numbers.set(place, this.#numbers.size);
    }
    place.rivals = Math.min(MOST_RIVALS, Math.max(place.rivals, rivals));
    return place;
  }

  #learn(first: Place, second: Place): void {
    const key = (this.#numbers.get(first) as number) * 65536 + (this.#numbers.get(second) as number);
    if (!this.#windows.has(key)) this.#windows.set(key, { first, second, tried: 0 });
  }
}
