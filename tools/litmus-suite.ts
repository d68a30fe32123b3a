import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type PolicyComparison, runPolicies } from '../src/explore/litmus/policies.ts';
import { stateText } from '../src/explore/litmus/report.ts';
import { type LitmusTest, parseLitmus } from '../src/explore/litmus/syntax.ts';
import type { Assembler } from '../src/image/assembler/index.ts';
import { FETCH_POLICY_NAMES } from '../src/machine/policy/index.ts';
import type { FetchPolicyName } from '../src/machine/policy/policy.ts';
import { builtFixture } from './built-fixture.ts';

/** Whether an outcome is forbidden, allowed, or allowed and reported as a code race. */
export type Verdict = 'F' | 'A' | 'A+V';

/** What is known of a test of `fixtures/litmus/fetch`. Policies are named by the first one, in the order of `FETCH_POLICY_NAMES`, that does it. */
export interface Expected {
  readonly test: string;
  /** The first policy that allows the outcome of the test's question; null when none does. */
  readonly allowed: FetchPolicyName | null;
  /** The first policy under which some run has a code race; null when there is none. */
  readonly reported: FetchPolicyName | null;
  /** Key of `Suite.reasons`. */
  readonly because: string;
  /** Name in our older table of the same tests. */
  readonly family?: string;
  /** What that table says where it says something else, and which of the two is wrong. */
  readonly catalogue?: { readonly verdicts: readonly Verdict[]; readonly reason: string };
  /** Every final state, with the first policy that allows it. */
  readonly states: Readonly<Record<string, FetchPolicyName>>;
}

export interface Suite {
  /** Where a rule is written, and what it says in our words. */
  readonly rules: Readonly<Record<string, { readonly source: string; readonly says: string }>>;
  /** For each policy the rule that decides. */
  readonly reasons: Readonly<Record<string, Readonly<Record<FetchPolicyName, string>>>>;
  readonly tests: readonly Expected[];
}

export const SUITE_PATH = fileURLToPath(new URL('../fixtures/litmus/fetch/', import.meta.url));
export const EXPECTED_PATH = `${SUITE_PATH}expected.json`;

export const loadSuite = (): Suite => JSON.parse(readFileSync(EXPECTED_PATH, 'utf8')) as Suite;

export const textOf = (name: string): string => readFileSync(`${SUITE_PATH}${name}.litmus`, 'utf8');

export const testOf = (name: string): LitmusTest => parseLitmus(textOf(name), `${name}.litmus`);

/** What the comment of a test says that it is about. */
export const aboutOf = (name: string): string => (/\(\*(.*?)\*\)/s.exec(textOf(name))?.[1] ?? '').replaceAll(/\s+/g, ' ').trim();

/** What runs of a test say, in the form in which it is recorded. `notGrowing` names states that a later policy forbids again. */
export interface Found extends Pick<Expected, 'allowed' | 'reported' | 'states'> {
  readonly notGrowing: readonly string[];
  /** Policies under which the search did not end. */
  readonly unsettled: readonly FetchPolicyName[];
}

export function runSuiteTest(name: string, assembler: Assembler): Found {
  return foundIn(runPolicies(testOf(name), builtFixture('lab'), assembler));
}

function foundIn({ locations, states, results }: PolicyComparison): Found {
  const first = (holds: (policy: FetchPolicyName) => boolean): FetchPolicyName | null => FETCH_POLICY_NAMES.find(holds) ?? null;
  const named = states.map(({ values, policies }) => ({ text: stateText(locations, values), policies }));
  return {
    allowed: first((p) => (results.get(p)?.positive ?? 0) > 0),
    reported: first((p) => results.get(p)?.codeRace === true),
    states: Object.fromEntries(named.map(({ text, policies }) => [text, policies[0] as FetchPolicyName])),
    notGrowing: named
      .filter(
        ({ policies }) => FETCH_POLICY_NAMES.slice(FETCH_POLICY_NAMES.indexOf(policies[0] as FetchPolicyName)).join() !== policies.join(),
      )
      .map(({ text }) => text),
    unsettled: FETCH_POLICY_NAMES.filter((p) => results.get(p)?.stopped !== undefined || results.get(p)?.endless === true),
  };
}

/** The verdict on the outcome in question under each policy. */
export function verdictsOf({ allowed, reported }: Pick<Expected, 'allowed' | 'reported'>): Verdict[] {
  const from = (policy: FetchPolicyName | null): number =>
    policy === null ? FETCH_POLICY_NAMES.length : FETCH_POLICY_NAMES.indexOf(policy);
  return FETCH_POLICY_NAMES.map((_, n) => (n < from(allowed) ? 'F' : n < from(reported) ? 'A' : 'A+V'));
}

const TABLE_BEGIN = '<!-- suite: npx tsx tools/litmus-fetch.ts --write -->';
const TABLE_END = '<!-- end of suite -->';

/** The suite as a table, the rules that it names, and where it differs from the older table. */
export function suiteTable(suite: Suite): string {
  const rows = suite.tests.map((t) => {
    const { 'amd-apm': amd, 'intel-sdm': intel } = suite.reasons[t.because] as Record<FetchPolicyName, string>;
    const rules = amd === intel ? amd : `${amd}, ${intel}`;
    return `| ${t.test} | ${aboutOf(t.test).replaceAll('|', '\\|')} | ${verdictsOf(t).join(' | ')} | ${rules} |`;
  });
  const rules = Object.entries(suite.rules).map(([name, { source, says }]) => `| ${name} | ${source} | ${says} |`);
  const differences = suite.tests.flatMap((t) =>
    t.catalogue === undefined
      ? []
      : [`| ${t.test} | ${verdictsOf(t).join(' ')} | ${t.catalogue.verdicts.join(' ')} | ${t.catalogue.reason} |`],
  );
  return [
    TABLE_BEGIN,
    `| test | | ${FETCH_POLICY_NAMES.join(' | ')} | rules of amd-apm, intel-sdm |`,
    `|---|---|${FETCH_POLICY_NAMES.map(() => '---|').join('')}---|`,
    ...rows,
    '',
    '| rule | from | |',
    '|---|---|---|',
    ...rules,
    '',
    'Where exhaustive runs, the columns here, differ from what was written down before there were any:',
    '',
    '| test | runs | before | |',
    '|---|---|---|---|',
    ...differences,
    TABLE_END,
  ].join('\n');
}

/** A page with its table replaced; the table is between two comments. */
export function withTable(page: string, table: string): string {
  const [from, to] = [page.indexOf(TABLE_BEGIN), page.indexOf(TABLE_END)];
  if (from < 0 || to < 0) throw new Error('the page has no place for the table');
  return page.slice(0, from) + table + page.slice(to + TABLE_END.length);
}
