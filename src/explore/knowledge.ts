import { MAX_CORES, SHADOW } from '../engine/layout.ts';
import type { Machine } from '../machine/machine.ts';

/**
 * What earlier searches found out about a scenario and later ones must know from the start: which quadwords several cores share, which
 * cores IPIs reach, and which text is both executed and written. It only grows; when it grew, what was counted is void and the search runs again.
 */
export class Knowledge {
  readonly #visible = new Set<number>();
  readonly #text = new Set<number>();

  get size(): number {
    return this.#visible.size + this.#text.size;
  }

  /** A copy that can grow on its own. */
  clone(): Knowledge {
    const copy = new Knowledge();
    for (const q of this.#visible) copy.#visible.add(q);
    for (const q of this.#text) copy.#text.add(q);
    return copy;
  }

  /** What this knows and `other` does not: physical quadwords, shared ones first. */
  beyond(other: Knowledge): { readonly visible: readonly number[]; readonly text: readonly number[] } {
    const only = (mine: Set<number>, theirs: Set<number>): number[] => [...mine].filter((q) => !theirs.has(q)).sort((a, b) => a - b);
    return { visible: only(this.#visible, other.#visible), text: only(this.#text, other.#text) };
  }

  /** Adds what `beyond` gave. */
  add(more: { readonly visible: readonly number[]; readonly text: readonly number[] }): void {
    for (const q of more.visible) this.#visible.add(q);
    for (const q of more.text) this.#text.add(q);
  }

  /** Tells a machine before its base state is made. */
  apply(machine: Machine): void {
    const { map } = machine.engine;
    for (const quadword of this.#visible) {
      if (quadword >= map.ramBytes) {
        const n = (quadword - map.ramBytes) / 8;
        if (n < MAX_CORES) machine.interrupted.add(n);
        else machine.nmiTargets.add(n - MAX_CORES);
        continue;
      }
      declareVisible(machine, quadword);
    }
    for (const quadword of this.#text) machine.fetch.declarePatched(quadword, 8);
  }

  /**
   * Takes over what a machine has learned, and the text that was written. `ranges` of physical memory, `[from, to)`, are where shared quadwords
   * are likely; all of RAM is looked through when something was learned that is not there.
   */
  learn(machine: Machine, ranges: readonly (readonly [number, number])[]): void {
    const before = this.size;
    for (const [from, to] of ranges) this.#learnShared(machine, from, to);
    // The first quadword of a private page stands for the page.
    for (const page of machine.sharedPages) this.#visible.add(page);
    // Quadword n behind the end of RAM stands for core n, which IPIs reach; behind those of all cores for one that NMIs reach.
    for (const core of machine.interrupted) this.#visible.add(machine.engine.map.ramBytes + core * 8);
    for (const core of machine.nmiTargets) this.#visible.add(machine.engine.map.ramBytes + (MAX_CORES + core) * 8);
    for (const quadword of machine.newText) this.#text.add(quadword);
    if (this.size === before && machine.engine.globals.learned.value !== 0) this.#learnShared(machine, 0, machine.engine.map.ramBytes);
  }

  #learnShared(machine: Machine, from: number, to: number): void {
    const { words, map } = machine.engine;
    for (let quadword = from & ~7; quadword < to; quadword += 8) {
      const word = words[(map.shadow >> 2) + (quadword >>> 3)] as number;
      if (word === 0) continue;
      const readers = word & SHADOW.readers;
      const writers = (word >>> SHADOW.writersShift) & SHADOW.readers;
      const everyone = readers | writers;
      if ((word & SHADOW.declared) !== 0 || (writers !== 0 && (everyone & (everyone - 1)) !== 0)) this.#visible.add(quadword);
    }
  }
}

/** Every access to a quadword of physical memory is a visible operation from here on. */
export function declareVisible(machine: Machine, quadword: number): void {
  const { view, map } = machine.engine;
  machine.engine.touch(quadword);
  const at = map.shadow + (quadword >>> 3) * 4;
  view.setUint32(at, (view.getUint32(at, true) | SHADOW.declared) >>> 0, true);
  machine.sharePage(quadword);
}
