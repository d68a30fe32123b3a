import { meaningOf, type Observed } from '../../src/explore/litmus/observed.ts';
import { runPolicies } from '../../src/explore/litmus/policies.ts';
import { stateText } from '../../src/explore/litmus/report.ts';
import { runLitmus, shownLocations } from '../../src/explore/litmus/run.ts';
import { type LitmusTest, usesCode } from '../../src/explore/litmus/syntax.ts';
import type { Assembler } from '../../src/image/assembler/index.ts';
import type { Image } from '../../src/image/image.ts';

/** What the models say of a test: each final state as text, with those that allow it, fewest behaviours first. */
export interface Allowed {
  readonly models: readonly string[];
  readonly states: ReadonlyMap<string, readonly string[]>;
  /** The one whose word is what a kernel author goes by. */
  readonly byDefault: string;
}

/** Runs a test on the emulated cores: under every fetch policy where it uses code, else under both memory models. */
export function allowedOf(test: LitmusTest, lab: Image, assembler: Assembler): Allowed {
  const states = new Map<string, string[]>();
  const allow = (text: string, model: string): void => void states.set(text, [...(states.get(text) ?? []), model]);
  if (usesCode(test)) {
    const compared = runPolicies(test, lab, assembler);
    for (const { values, policies } of compared.states) for (const p of policies) allow(stateText(compared.locations, values), p);
    return { models: [...compared.results.keys()], states, byDefault: 'intel-sdm' };
  }
  for (const memory of ['sc', 'tso'] as const) {
    const result = runLitmus(test, lab, assembler, { memory });
    for (const values of result.states) allow(stateText(result.locations, values), memory);
  }
  return { models: ['sc', 'tso'], states, byDefault: 'tso' };
}

/** What a CPU did: how often each final state was seen. */
export interface Observation {
  readonly runs: number;
  readonly states: ReadonlyMap<string, number>;
}

/** Reads what the harness prints. */
export function parseObservation(test: LitmusTest, watched: readonly Observed[], printed: string): Observation {
  const [first = '', ...lines] = printed.trim().split('\n');
  const runs = Number(/^runs (\d+)$/.exec(first)?.[1] ?? Number.NaN);
  if (Number.isNaN(runs)) throw new Error(`the harness said '${first}'`);
  const states = new Map<string, number>();
  for (const line of lines) {
    const [count = '0', ...numbers] = line.split(' ');
    const values = watched.map((w, n) => (w.kind === 'fault' ? BigInt(numbers[n] as string) : meaningOf(w, BigInt(numbers[n] as string))));
    const text = stateText(shownLocations(test), values);
    states.set(text, (states.get(text) ?? 0) + Number(count));
  }
  return { runs, states };
}

/** States that were seen and that the default model forbids. */
export const findingsOf = (allowed: Allowed, seen: Observation): string[] =>
  [...seen.states.keys()].filter((state) => allowed.states.get(state)?.includes(allowed.byDefault) !== true);

const grouped = (n: number): string => String(n).replaceAll(/\B(?=(\d{3})+$)/g, ' ');

/** A test's report: every state that was seen or is allowed, how often it was seen, and who allows it. */
export function observationReport(test: LitmusTest, allowed: Allowed, seen: Observation): string {
  const findings = new Set(findingsOf(allowed, seen));
  const states = [...new Set([...seen.states.keys(), ...allowed.states.keys()])];
  const rows = states
    .map((state) => ({ state, count: seen.states.get(state) ?? 0, by: allowed.states.get(state) ?? [] }))
    .sort((a, b) => b.count - a.count || b.by.length - a.by.length);
  const width = Math.max(...rows.map(({ state }) => state.length));
  return [
    `${test.name}: ${grouped(seen.runs)} runs`,
    ...rows.map(({ state, count, by }) => {
      const note = findings.has(state) ? `  FINDING: forbidden under ${allowed.byDefault}` : '';
      return `${grouped(count).padStart(14)}  ${state.padEnd(width)}  ${by.join(' ') || 'no model'}${note}`;
    }),
    '',
  ].join('\n');
}
