import type { Violation } from '../violation.ts';

/** Gives new numbers to the cores that may trade places, in the order in which they are named: of runs that differ in nothing else one is told. */
class Renaming {
  readonly #free: number[];
  readonly #names = new Map<number, number>();

  constructor(symmetric: number) {
    this.#free = Array.from({ length: 32 }, (_, c) => c).filter((c) => (symmetric & (1 << c)) !== 0);
    for (const core of this.#free) this.#names.set(core, -1);
  }

  core(core: number): number {
    const name = this.#names.get(core);
    if (name === undefined || name >= 0) return name ?? core;
    const next = this.#free.shift()!;
    this.#names.set(core, next);
    return next;
  }

  text(text: string): string {
    return text.replace(/\bCPU(\d+)\b/g, (_, core) => `CPU${this.core(Number(core))}`);
  }
}

/** The same with interchangeable cores (bit c of `symmetric`: core c) numbered as they are named. */
export const canonicalText = (text: string, symmetric: number): string => new Renaming(symmetric).text(text);

export function canonicalViolation(violation: Violation, symmetric: number): Violation {
  if (symmetric === 0) return violation;
  const renaming = new Renaming(symmetric);
  const message = renaming.text(violation.message);
  return { ...violation, message, core: renaming.core(violation.core) };
}

/** An order on violations of one check and cause. */
export function isBefore(a: Violation, b: Violation): boolean {
  if (a.message !== b.message) return a.message < b.message;
  return a.core !== b.core ? a.core < b.core : a.rip < b.rip;
}
