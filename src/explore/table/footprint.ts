import { SHADOW } from '../../engine/layout.ts';
import type { Machine } from '../../machine/machine.ts';
import type { Knowledge } from '../knowledge.ts';
import type { Partition } from './owners.ts';

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

/** What all of them saw together. */
export function union(footprints: readonly Footprint[]): Footprint {
  const shadow = new Map<number, number>();
  const executed = new Set<number>();
  const slots = new Set<number>();
  const owners = new Map<number, number>();
  const constants = new Map<number, number>();
  for (const { touched, executed: run, partition } of footprints) {
    for (let n = 0; n < touched.length; n += 2) shadow.set(touched[n]!, ((shadow.get(touched[n]!) ?? 0) | touched[n + 1]!) >>> 0);
    for (const quadword of run) executed.add(quadword);
    for (const cell of partition.slots) slots.add(cell);
    for (const [cell, core] of partition.owners) owners.set(cell, core);
    for (const [cell, core] of partition.constants) constants.set(cell, (constants.get(cell) ?? core) === core ? core : -1);
  }
  return {
    touched: Uint32Array.from([...shadow].flat()),
    executed: Uint32Array.from(executed),
    partition: { slots: [...slots], owners: [...owners], constants: [...constants] },
  };
}

/** Makes a machine know who touched what, before anything runs on it. */
export function applyFootprint(machine: Machine, { touched, executed }: Footprint): void {
  const { engine } = machine;
  for (let n = 0; n < touched.length; n += 2) {
    engine.touch(touched[n]!);
    engine.words[(engine.map.shadow >> 2) + (touched[n]! >>> 3)]! |= touched[n + 1]!;
  }
  for (const quadword of executed) machine.executed.add(quadword);
}

/** What is shared and which text is written by the union of footprints, as far as `knowledge` does not say it. Adds it there. */
export function learnTogether(footprints: readonly Footprint[], knowledge: Knowledge): void {
  const all = union(footprints);
  const executed = new Set(all.executed);
  const visible: number[] = [];
  const text: number[] = [];
  for (let n = 0; n < all.touched.length; n += 2) {
    const [quadword, word] = [all.touched[n]!, all.touched[n + 1]!];
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
