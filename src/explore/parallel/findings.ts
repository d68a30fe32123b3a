import type { Counterexample } from '../result.ts';
import { type Footprint, union } from '../table/footprint.ts';
import { isBefore } from './canonical.ts';
import type { Share } from './share.ts';

/** What shares of one graph come to together, whoever did them and when. */
export interface Findings {
  readonly transitions: number;
  readonly runs: number;
  readonly depth: number;
  /** From, to, core, kind of each edge. */
  readonly edges: Int32Array;
  /** The least violation of each check and cause, in the order of their names. */
  readonly violations: readonly Counterexample[];
  readonly notes: readonly string[];
  readonly witnessed: readonly string[];
  readonly wantedWitnesses: readonly string[];
  readonly bounds: readonly string[];
  readonly identityAsked: boolean;
  /** Cores that could be taken for interchangeable. */
  readonly symmetric: number;
  readonly seen: Footprint;
}

/** Adds the shares of one round to what was found before. */
export function findingsOf(before: Findings | undefined, shares: readonly Share[]): Findings {
  const all = [...(before === undefined ? [] : [{ ...before, footprint: before.seen }]), ...shares];
  const texts = (of: (share: Findings | Share) => readonly string[]): string[] => [...new Set(all.flatMap(of))].sort();
  return {
    transitions: all.reduce((sum, s) => sum + s.transitions, 0),
    runs: all.reduce((sum, s) => sum + s.runs, 0),
    depth: all.reduce((most, s) => Math.max(most, s.depth), 0),
    edges: concatenated(all.map((s) => s.edges)),
    violations: leastOf(all.flatMap((s) => s.violations)),
    notes: texts((s) => s.notes),
    witnessed: texts((s) => s.witnessed),
    wantedWitnesses: all[0]?.wantedWitnesses ?? [],
    bounds: texts((s) => s.bounds),
    identityAsked: all.some((s) => s.identityAsked),
    symmetric: all[0]?.symmetric ?? 0,
    seen: union(all.flatMap((s) => s.footprint ?? [])),
  };
}

function concatenated(parts: readonly Int32Array[]): Int32Array {
  const out = new Int32Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function leastOf(all: readonly Counterexample[]): readonly Counterexample[] {
  const least = new Map<string, Counterexample>();
  for (const found of all) {
    const name = `${found.violation.check} ${found.violation.cause ?? ''}`;
    const known = least.get(name);
    if (known === undefined || isBefore(found.violation, known.violation)) least.set(name, found);
  }
  return [...least].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, found]) => found);
}
