import type { World } from '../explore/world.ts';
import type { CheckId } from '../explore/violation.ts';
import type { Image } from '../image/image.ts';
import type { EngineName } from '../machine/machine.ts';
import type { FetchPolicyName } from '../machine/policy/policy.ts';

export type MemoryModel = 'sc' | 'tso';

/** Under which models and with how many victims a scenario runs. */
export interface Cell {
  readonly victims: number;
  readonly fetch: FetchPolicyName;
  readonly memory: MemoryModel;
}

export type ExpectedVerdict = 'ok' | 'violation';

/** A verdict that is the same everywhere, or one for each fetch policy. */
export type Expectation = ExpectedVerdict | Readonly<Record<FetchPolicyName, ExpectedVerdict>>;

export interface Variant {
  readonly name: string;
  /** One line: what is different. */
  readonly title: string;
  /** What an exhaustive run says. */
  readonly expected: Expectation;
  /** What the catalogue of races expected, where an exhaustive run says otherwise, and why it is wrong. */
  readonly catalogue?: { readonly expected: Expectation; readonly reason: string };
  /** The violation that a person should see first, where it matters which. */
  readonly check?: CheckId;
  /** The fix or bug in history, by commit subject. */
  readonly history?: string;
}

/** A race: its actors, the variants of its algorithm, and what is expected of them. One file each. */
export interface Scenario<V extends Variant = Variant> {
  /** Kernel words by family: `ftrace/late-handler`. */
  readonly name: string;
  /** Code in the catalogue, which works wherever the name does. */
  readonly alias?: string;
  readonly title: string;
  /** What happens, in a few sentences. */
  readonly story: string;
  readonly variants: readonly V[];
  /** Numbers of victims that the matrix runs, besides one. */
  readonly scope: 'one-core' | 'one-victim' | 'two-victims';
  /** Variants whose proof also runs with three victims. */
  readonly threeVictims?: readonly string[];
  /** The world of a variant, with every actor in place; not begun. */
  build(image: Image, variant: V, cell: Cell, engine?: EngineName): World;
}

/** Declares a scenario: checks what a person would get wrong (names, doubles) and gives it back. */
export function defineScenario<V extends Variant>(scenario: Scenario<V>): Scenario<V> {
  if (!/^[a-z0-9-]+\/[a-z0-9-]+$/.test(scenario.name)) throw new Error(`scenario name '${scenario.name}' is not family/name in lower case`);
  const names = scenario.variants.map((v) => v.name);
  if (new Set(names).size !== names.length) throw new Error(`scenario '${scenario.name}' has two variants of one name`);
  return scenario;
}

export const familyOf = (scenario: Scenario): string => scenario.name.slice(0, scenario.name.indexOf('/'));

/** The recorded verdict of a cell. */
export function expectedOf(expectation: Expectation, fetch: FetchPolicyName): ExpectedVerdict {
  return typeof expectation === 'string' ? expectation : expectation[fetch];
}

/** The same verdict for some policies, another for the rest. */
export function underPolicies(some: readonly FetchPolicyName[], verdict: ExpectedVerdict, rest: ExpectedVerdict): Expectation {
  const of = (name: FetchPolicyName): ExpectedVerdict => (some.includes(name) ? verdict : rest);
  return { coherent: of('coherent'), zen3: of('zen3'), 'amd-apm': of('amd-apm'), 'intel-sdm': of('intel-sdm'), strict: of('strict') };
}
