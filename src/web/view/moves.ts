import type { RunView } from '../emulator/protocol.ts';

type Steps = Pick<RunView, 'count' | 'core'>;

/** Positions that a key leads to from @at; `solo` leaves out the steps of other cores. Every position is one from 0 to `count`. */
export function stepFrom(run: Steps, at: number, by: 1 | -1, solo?: number): number {
  if (solo === undefined) return Math.min(run.count, Math.max(0, at + by));
  for (let n = at + by; n >= 0 && n < run.count; n += by) if (run.core[n] === solo) return n;
  return by < 0 ? 0 : run.count;
}

/** The next position at which another core goes on than before it; the ends count. */
export function switchFrom(run: Steps, at: number, by: 1 | -1): number {
  for (let n = at + by; n > 0 && n < run.count; n += by) if (run.core[n] !== run.core[n - 1]) return n;
  return by < 0 ? 0 : run.count;
}

/** Steps whose place or text has `query` in it, in order. */
export function matches(run: Pick<RunView, 'count' | 'texts' | 'symbol' | 'text'>, query: string): number[] {
  const wanted = query.trim().toLowerCase();
  if (wanted === '') return [];
  const hits = run.texts.map((text) => text.toLowerCase().includes(wanted));
  const out: number[] = [];
  for (let n = 0; n < run.count; n++) if (hits[run.symbol[n]!] === true || hits[run.text[n]!] === true) out.push(n);
  return out;
}

/** The match behind (or before) a position, round the ends. */
export function nextMatch(found: readonly number[], at: number, by: 1 | -1): number | undefined {
  return by > 0 ? (found.find((n) => n > at) ?? found[0]) : (found.findLast((n) => n < at) ?? found.at(-1));
}

/** A named position. */
export interface Mark {
  readonly name: string;
  readonly at: number;
}

/** The named positions of a run: its start, where it leaves the run before it, where it breaks, its end. */
export function marksOf(run: Pick<RunView, 'count' | 'broken'>, fork?: number): Mark[] {
  return [
    { name: '@start', at: 0 },
    ...(fork === undefined ? [] : [{ name: '@fork', at: fork }]),
    ...(run.broken === undefined ? [] : [{ name: '@bug', at: run.broken.at }]),
    { name: '@end', at: run.count },
  ];
}

/** What a person types to go somewhere: `14`, `@14`, `@14+3`, `@bug`. Undefined for anything else. */
export function parseAt(text: string, marks: readonly Mark[], count: number): { at: number; inside: number } | undefined {
  const named = marks.find((m) => m.name === text.trim() || m.name === `@${text.trim()}`);
  if (named !== undefined) return { at: named.at, inside: 0 };
  const match = /^@?(\d{1,9})(?:\+(\d{1,9}))?$/.exec(text.trim());
  if (match === null || Number(match[1]) > count) return undefined;
  return { at: Number(match[1]), inside: Number(match[2] ?? 0) };
}
