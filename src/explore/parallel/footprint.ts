import { SHADOW } from '../../engine/layout.ts';
import type { Machine } from '../../machine/machine.ts';
import type { Knowledge } from '../knowledge.ts';
import type { Partition } from '../table/table.ts';

/**
 * Who touched what in the runs that one worker saw. A word that one worker saw read and another saw written is shared, although neither could know it: only
 * the union tells.
 */
export interface Footprint {
  /** Pairs: physical quadword, its shadow word (`SHADOW`). */
  readonly touched: Uint32Array;
  /** Physical quadwords that were executed. */
  readonly executed: Uint32Array;
  /** What the table took each quadword for. */
  readonly partition: Partition;
}

export function footprintOf(machine: Machine, partition: Partition): Footprint {
  const { words, map } = machine.engine;
  const touched: number[] = [];
  const first = map.shadow >> 2;
  for (let q = 0; q < map.ramBytes >>> 3; q++) {
    const word = words[first + q]!;
    if (word !== 0) touched.push(q * 8, word >>> 0);
  }
  return { touched: Uint32Array.from(touched), executed: Uint32Array.from(machine.executed), partition };
}

/** What is shared and which text is written by the union of footprints, as far as `knowledge` does not say it. Adds it there. */
export function learnTogether(footprints: readonly Footprint[], knowledge: Knowledge): void {
  const shadow = new Map<number, number>();
  const executed = new Set<number>();
  for (const footprint of footprints) {
    for (let n = 0; n < footprint.touched.length; n += 2) {
      const quadword = footprint.touched[n]!;
      shadow.set(quadword, ((shadow.get(quadword) ?? 0) | footprint.touched[n + 1]!) >>> 0);
    }
    for (const quadword of footprint.executed) executed.add(quadword);
  }
  const visible: number[] = [];
  const text: number[] = [];
  for (const [quadword, word] of shadow) {
    const writers = (word >>> SHADOW.writersShift) & SHADOW.readers;
    const everyone = (word & SHADOW.readers) | writers;
    if (writers === 0 || (word & SHADOW.text) !== 0) continue;
    if (executed.has(quadword)) text.push(quadword);
    else if ((everyone & (everyone - 1)) !== 0 && (word & SHADOW.declared) === 0) visible.push(quadword);
  }
  knowledge.add({ visible, text });
}

/** Quadwords that tables took for different parts of the state, or that one took for constant and another saw change: they must be slots of their own. */
export function contested(partitions: readonly Partition[]): Set<number> {
  const slots = new Set(partitions.flatMap((p) => [...p.slots]));
  const owner = new Map<number, number>();
  const found = new Set<number>();
  for (const { owners } of partitions) {
    for (const [cell, core] of owners) {
      if (slots.has(cell) || (owner.get(cell) ?? core) !== core) found.add(cell);
      owner.set(cell, core);
    }
  }
  for (const { constants } of partitions) {
    for (const [cell, core] of constants) if (slots.has(cell) || (owner.get(cell) ?? core) !== core) found.add(cell);
  }
  return found;
}
