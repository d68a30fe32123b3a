import type { Part } from './places.ts';

/** A quadword turned out to belong to no single core after all: the table must be made again with these as slots of their own. */
export class NewWords {
  readonly cells: ReadonlySet<number>;

  constructor(cells: ReadonlySet<number>) {
    this.cells = cells;
  }
}

/** What a table took quadwords of linear memory for. Whoever works on the same states with a table of their own must have taken them for the same. */
export interface Partition {
  /** Those with a slot of their own. */
  readonly slots: readonly number[];
  /** Those that belong to what one core alone knows, and that core. */
  readonly owners: readonly (readonly [number, number])[];
  /** Those that nobody was seen to change, and who looked: a core, or -1 for several. */
  readonly constants: readonly (readonly [number, number])[];
}

/** In place of a core: several of them. */
export const MANY = -1;

/** Whose the quadwords of linear memory are that have no slot of their own. What one was taken for it stays, or `NewWords` is thrown. */
export class Owners {
  /** Quadwords that are slots of their own whoever touches them. */
  readonly forced: ReadonlySet<number>;
  readonly #owners = new Map<number, number>();
  /** Quadwords that somebody looked at when they belonged to nobody, by who looked. */
  readonly #constants = new Map<number, number>();

  constructor(forced: ReadonlySet<number>) {
    this.forced = forced;
  }

  /** The core that a quadword was seen to belong to. */
  of(cell: number): number | undefined {
    return this.#owners.get(cell);
  }

  /** Somebody, a core or `MANY`, has looked at a quadword that belongs to nobody. */
  looked(cell: number, core: number): void {
    const before = this.#constants.get(cell);
    this.#constants.set(cell, before === undefined || before === core ? core : MANY);
  }

  /** A quadword without a slot of its own has changed, which is now a `part` of the state: that part, if it was the same before. */
  changed(cell: number, part: Exclude<Part, 'text'>): Exclude<Part, 'text'> {
    const [owner, looked] = [this.#owners.get(cell), this.#constants.get(cell)];
    if (part === 'word') return owner !== undefined || looked !== undefined ? this.contest(cell) : part;
    if (owner === undefined) {
      if (looked !== undefined && looked !== part) this.contest(cell);
      this.#owners.set(cell, part);
    } else if (owner !== part) this.contest(cell);
    return part;
  }

  contest(cell: number): never {
    throw new NewWords(new Set([...this.forced, cell]));
  }

  get partition(): Pick<Partition, 'owners' | 'constants'> {
    return { owners: [...this.#owners], constants: [...this.#constants] };
  }

  /** Takes quadwords for what another table of the same world took them for. Before anything is looked at. */
  adopt({ owners, constants }: Pick<Partition, 'owners' | 'constants'>): void {
    for (const [cell, core] of owners) this.#owners.set(cell, core);
    for (const [cell, core] of constants) this.#constants.set(cell, core);
  }
}
