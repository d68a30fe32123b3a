// Prints, as Markdown, where an exhaustive run differs from the catalogue of races: npx tsx tools/verdict-differences.ts
// Each cell that differs is explored again (one victim, memory tso): a row says what this version finds, not what is recorded.
import { FETCH_POLICY_NAMES } from '../src/machine/policy/index.ts';
import type { FetchPolicyName } from '../src/machine/policy/policy.ts';
import { CATALOGUE } from '../src/scenario/catalogue.ts';
import { type CellResult, CellRunner } from '../src/scenario/matrix.ts';
import { expectedOf, type Scenario, type Variant } from '../src/scenario/scenario.ts';
import { builtFixture } from './built-fixture.ts';

interface Difference {
  readonly scenario: Scenario;
  readonly variant: Variant;
  readonly fetch: FetchPolicyName;
  readonly catalogue: string;
  readonly reason: string;
  readonly result: CellResult;
}

const runner = new CellRunner(builtFixture);

function* differences(): Generator<Difference> {
  for (const scenario of CATALOGUE) {
    for (const variant of scenario.variants) {
      const { catalogue } = variant;
      if (catalogue === undefined) continue;
      const differing = FETCH_POLICY_NAMES.filter((fetch) => expectedOf(catalogue.expected, fetch) !== expectedOf(variant.expected, fetch));
      // A variant that differs under several policies gives one reason for each, in their order, or one for all.
      const reasons = catalogue.reason.split('; ');
      for (const [n, fetch] of differing.entries()) {
        const reason = (reasons.length === differing.length ? reasons[n] : undefined) ?? catalogue.reason;
        const cell = { victims: scenario.scope === 'one-core' ? 0 : 1, fetch, memory: 'tso' } as const;
        yield {
          scenario,
          variant,
          fetch,
          catalogue: expectedOf(catalogue.expected, fetch),
          reason,
          result: runner.run(scenario, variant, cell),
        };
      }
    }
  }
}

const unique = (list: readonly string[]): string => [...new Set(list)].join(', ');

/** `q4.no-sync1`: place or change of the site, and the step that is wrong. A name of one part is the step. */
function partOf(variant: Variant, n: 0 | 1): string {
  const [first = '', second] = variant.name.split('.');
  return n === 0 ? (second === undefined ? '-' : first) : (second ?? first);
}

/** A violation by its token, what is settled by its coverage and the number of states, smallest to largest. */
function found(group: readonly Difference[]): string {
  // One token a variant: under the manual's policy where that differs, else under the first.
  const byVariant = new Map<string, Difference>();
  for (const d of group)
    if (d.result.token !== undefined && (d.fetch === 'intel-sdm' || !byVariant.has(d.variant.name))) byVariant.set(d.variant.name, d);
  const tokens = [...byVariant.values()].map(({ variant, result }) => `${variant.name} \`${result.token}\``);
  if (tokens.length > 0) return tokens.join('<br>');
  const states = group.map(({ result }) => result.counts.states).sort((a, b) => a - b);
  return `${unique(group.map(({ result }) => result.coverage.kind))}, ${unique([states[0] ?? 0, states.at(-1) ?? 0].map(String)).replace(', ', ' to ')} states each`;
}

/** What differs for one reason, with one verdict, is one row; a violation is so for all its policies. */
const groups = new Map<string, Difference[]>();
for (const difference of differences()) {
  const { scenario, fetch, catalogue, reason, result } = difference;
  const key = [scenario.name, result.verdict === 'violation' ? '' : fetch, catalogue, result.verdict, reason].join('|');
  groups.set(key, [...(groups.get(key) ?? []), difference]);
}

console.log('| scenario | fetch | variant | sites | catalogue | run | why |\n|---|---|---|---|---|---|---|');
for (const group of groups.values()) {
  const { scenario, catalogue, reason, result } = group[0] as Difference;
  const policies = new Set(group.map((d) => d.fetch));
  const fetch = policies.size === FETCH_POLICY_NAMES.length ? 'all' : [...policies].join(', ');
  const [sites, steps] = ([0, 1] as const).map((n) => unique(group.map((d) => partOf(d.variant, n))));
  console.log(`| ${scenario.name} | ${fetch} | ${steps} | ${sites} | ${catalogue} | ${result.verdict}: ${found(group)} | ${reason} |`);
}
