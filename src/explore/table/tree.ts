import type { StateVector } from './system.ts';

/** Asks for the content of one slot, then goes on by it. */
export class Branch<T> {
  readonly slot: number;
  readonly #contents: number[] = [];
  readonly #next: (Branch<T> | Leaf<T>)[] = [];
  #map: Map<number, Branch<T> | Leaf<T>> | undefined;

  constructor(slot: number) {
    this.slot = slot;
  }

  get(content: number): Branch<T> | Leaf<T> | undefined {
    if (this.#map !== undefined) return this.#map.get(content);
    const at = this.#contents.indexOf(content);
    return at < 0 ? undefined : this.#next[at];
  }

  set(content: number, next: Branch<T> | Leaf<T>): void {
    if (this.#map !== undefined) {
      this.#map.set(content, next);
      return;
    }
    this.#contents.push(content);
    this.#next.push(next);
    if (this.#contents.length > 8) this.#map = new Map(this.#contents.map((c, n) => [c, this.#next[n]!]));
  }
}

export class Leaf<T> {
  readonly value: T;

  constructor(value: T) {
    this.value = value;
  }
}

/**
 * What a deterministic computation gave, by what it looked at: which slot it looks at next depends on the contents of those before alone, so that looks
 * make a tree and every state in which the same slots hold the same contents gets the same answer.
 */
export class LookTree<T> {
  #root: Branch<T> | Leaf<T> | undefined;

  find(state: StateVector): T | undefined {
    let at = this.#root;
    while (at instanceof Branch) at = at.get(state[at.slot]!);
    return at?.value;
  }

  /** Remembers what came of looking at `slots`, in this order, in a state. Throws where the order contradicts what was seen before. */
  add(state: StateVector, slots: readonly number[], value: T): void {
    const leaf = new Leaf(value);
    if (slots.length === 0) {
      this.#root = leaf;
      return;
    }
    this.#root ??= new Branch(slots[0]!);
    let at = this.#root;
    for (const [n, slot] of slots.entries()) {
      if (!(at instanceof Branch) || at.slot !== slot)
        throw new RangeError(
          `a transition looked at something that was not noted: slots ${slots} at ${n}, known ${at instanceof Branch ? at.slot : 'end'}`,
        );
      const last = n === slots.length - 1;
      const known = at.get(state[slot]!);
      const next = last ? leaf : (known ?? new Branch<T>(slots[n + 1]!));
      if (known === undefined) at.set(state[slot]!, next);
      else if (last)
        throw new RangeError(`a transition looked at something that was not noted: ${slots} and then ${(known as Branch<T>).slot}`);
      at = next;
    }
  }
}
