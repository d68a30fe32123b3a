import type { LocalStep } from './remembered.ts';
import type { TransitionTable } from './table.ts';

/**
 * What a core does, by names that every table of the same world understands. Cores that may trade places are one: what one of them does any of them can do,
 * with its own places for those that are its own and those of any other for those of another.
 */
export interface NamedStep {
  /** The core, or `ALIKE` for one of those that may trade places. */
  readonly core: number;
  /** Hashes of local states; `END` where the run ends. */
  readonly from: string;
  readonly to: string;
  readonly reads: readonly number[];
  readonly writes: readonly number[];
}

const ALIKE = -1;
const END = '';

// Names of places: a word by its offset in linear memory; below zero the text as a whole, the end of a run, and what belongs to a core: four of each.
const TEXT = -1;
const DEAD = -2;
const OF_CORES = -8;
/** Whose: a core that keeps its place, the core itself that trades places, or any of the others of these. */
const [OWN, OTHER, WHOSE] = [32, 33, 34] as const;

/** Names the steps of one table, and finds the steps that names mean there. */
export class StepNames {
  readonly #table: TransitionTable;
  readonly #symmetric: number;

  /** `symmetric`: bit c set when core c may trade places. */
  constructor(table: TransitionTable, symmetric: number) {
    this.#table = table;
    this.#symmetric = symmetric;
  }

  name(core: number, { from, to, reads, writes }: LocalStep): NamedStep {
    const local = (n: number): string => (n < 0 ? END : this.#table.vector.localName(core, n));
    const named = (places: Int32Array): number[] => {
      const names = new Set(Array.from(places, (place) => this.#place(core, place)));
      // A run that ends in a violation ends for everybody, like one whose guest gives up.
      if (to < 0) names.add(DEAD);
      return [...names].sort((a, b) => a - b);
    };
    return { core: this.#trades(core) ? ALIKE : core, from: local(from), to: local(to), reads: named(reads), writes: named(writes) };
  }

  /** Of each core all that it may do, in the table's numbers: as a history of the table would say it. */
  histories(steps: readonly NamedStep[]): LocalStep[][] {
    return Array.from({ length: this.#table.cores }, (_, core) =>
      steps
        .filter((step) => step.core === core || (step.core === ALIKE && this.#trades(core)))
        .map(({ from, to, reads, writes }) => ({
          from: this.#table.vector.localOf(core, from),
          to: to === END ? -1 : this.#table.vector.localOf(core, to),
          reads: this.#places(core, reads),
          writes: this.#places(core, writes),
        })),
    );
  }

  #trades(core: number): boolean {
    return (this.#symmetric & (1 << core)) !== 0;
  }

  #place(core: number, place: number): number {
    const table = this.#table;
    if (place >= table.numbers.firstWord) return table.vector.cellAt(place);
    if (place === table.numbers.deadPlace) return DEAD;
    if (place === 0) return TEXT;
    const [what, owner] = [Math.floor((place - 1) / table.cores), (place - 1) % table.cores];
    return OF_CORES - what * WHOSE - (!this.#trades(owner) ? owner : owner === core ? OWN : OTHER);
  }

  #places(core: number, names: readonly number[]): Int32Array {
    const table = this.#table;
    const places = names.flatMap((name) => {
      if (name >= 0) return table.vector.slotAt(name);
      if (name === TEXT) return 0;
      if (name === DEAD) return table.numbers.deadPlace;
      const [what, whose] = [Math.floor((OF_CORES - name) / WHOSE), (OF_CORES - name) % WHOSE];
      const of = (c: number): number => 1 + what * table.cores + c;
      if (whose === OWN) return of(core);
      if (whose !== OTHER) return of(whose);
      const others = Array.from({ length: table.cores }, (_, c) => c).filter((c) => c !== core && this.#trades(c));
      return others.map(of);
    });
    return Int32Array.from(places).sort();
  }
}

/** A set of named steps that tells which ones are new. */
export class StepSet {
  readonly #known = new Map<string, NamedStep>();

  constructor(steps: readonly NamedStep[] = []) {
    this.add(steps);
  }

  get steps(): readonly NamedStep[] {
    return [...this.#known.values()];
  }

  /** Adds steps and gives those that were not there. */
  add(steps: readonly NamedStep[]): NamedStep[] {
    return steps.filter((step) => {
      const key = `${step.core} ${step.from} ${step.to} ${step.reads} / ${step.writes}`;
      if (this.#known.has(key)) return false;
      this.#known.set(key, step);
      return true;
    });
  }
}
