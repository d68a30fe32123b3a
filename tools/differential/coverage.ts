import type { RegionBlock } from '../../src/engine/region-code.ts';
import { vectorName } from '../../src/kernel/bare-report.ts';

const COUNTS = ['regions', 'retiredInRegions', 'retired', 'inRegions', 'sequences', 'visits', 'loops', 'schedules', 'segmented'] as const;

export interface Totals {
  readonly counts: Readonly<Record<(typeof COUNTS)[number], number>>;
  readonly mnemonics: readonly (readonly [string, number])[];
  readonly compiled: readonly (readonly [string, number])[];
  readonly exceptions: readonly (readonly [number, number])[];
}

/** What random programs have reached: adds up over all of them. */
export class Coverage {
  readonly mnemonics = new Map<string, number>();
  readonly compiled = new Map<string, number>();
  readonly exceptions = new Map<number, number>();
  regions = 0;
  retiredInRegions = 0;
  retired = 0;
  /** Sequences that a region held when they were compared the second time. */
  inRegions = 0;
  sequences = 0;
  visits = 0;
  loops = 0;
  /** Walks of two cores along random schedules. */
  schedules = 0;
  /** Programs of 16- and 32-bit code. */
  segmented = 0;

  generated(mnemonic: string): void {
    count(this.mnemonics, mnemonic);
  }

  region(blocks: readonly RegionBlock[]): void {
    this.regions++;
    for (const block of blocks) for (const { instruction } of block) count(this.compiled, instruction.mnemonic);
  }

  exception(vector: number): void {
    count(this.exceptions, vector);
  }

  retire(inRegions: number, all: number): void {
    this.retiredInRegions += inRegions;
    this.retired += all;
  }

  /** All of it as numbers, to be added to another's. */
  toJSON(): Totals {
    const { regions, retiredInRegions, retired, inRegions, sequences, visits, loops, schedules, segmented } = this;
    const counts = { regions, retiredInRegions, retired, inRegions, sequences, visits, loops, schedules, segmented };
    return { counts, mnemonics: [...this.mnemonics], compiled: [...this.compiled], exceptions: [...this.exceptions] };
  }

  add({ counts, mnemonics, compiled, exceptions }: Totals): void {
    for (const name of COUNTS) this[name] += counts[name];
    for (const [name, n] of mnemonics) count(this.mnemonics, name, n);
    for (const [name, n] of compiled) count(this.compiled, name, n);
    for (const [vector, n] of exceptions) count(this.exceptions, vector, n);
  }

  /** For a reader. */
  lines(): string[] {
    const percent = (part: number, all: number): string => `${((100 * part) / Math.max(1, all)).toFixed(0)} %`;
    const rare = sorted(this.mnemonics).slice(-8);
    return [
      `${this.sequences} sequences in ${this.visits} visits, each compared on all engines, ${this.loops} loops, ${this.schedules} schedules of two cores, ${this.segmented} programs of 16- and 32-bit code`,
      `${this.regions} regions; ${percent(this.inRegions, this.sequences)} of the sequences were compared compiled; ${percent(this.retiredInRegions, this.retired)} of ${this.retired} instructions retired in regions`,
      `${this.mnemonics.size} mnemonics generated, ${this.compiled.size} of them in regions; the rarest: ${rare.map(([name, n]) => `${name} ${n}`).join(', ')}`,
      `exceptions and interrupts: ${sorted(this.exceptions)
        .map(([vector, n]) => `${OTHERS[vector] ?? vectorName(vector)} ${n}`)
        .join(', ')}`,
    ];
  }

  ran(compiled: boolean): void {
    if (compiled) this.inRegions++;
  }
}

/** Names that are the most telling of a map's numbers. */
const sorted = <K>(map: ReadonlyMap<K, number>): [K, number][] => [...map].sort((a, b) => b[1] - a[1]);

/** Vectors that are no exceptions, by what the programs here have them for. */
const OTHERS: Readonly<Record<number, string>> = { 81: 'interrupt', 97: 'INT n' };

function count<K>(map: Map<K, number>, key: K, more = 1): void {
  map.set(key, (map.get(key) ?? 0) + more);
}
