import { TextpokeError } from '../error.ts';
import { Passage } from '../explore/checkers/passage.ts';
import type { WantedViolation } from '../explore/violation.ts';
import type { World } from '../explore/world.ts';
import type { Image } from '../image/image.ts';
import type { EngineName } from '../machine/machine.ts';
import { FETCH_POLICY_NAMES } from '../machine/policy/index.ts';
import type { AnyFetchPolicyName, FetchPolicyName } from '../machine/policy/policy.ts';
import { didYouMean } from '../suggest.ts';
import { checkSize, fullSize, ownSize, type Sizes } from './sizes.ts';

export type MemoryModel = 'sc' | 'tso';

/** The most victims that a scenario runs with, beside the patching core. */
export const MAX_VICTIMS = 12;

/** Under which models and with how many victims a scenario runs. */
export interface Cell {
  readonly victims: number;
  readonly fetch: AnyFetchPolicyName;
  readonly memory: MemoryModel;
  /** Sites that are patched, where the variant has a choice; absent: as many as usual. */
  readonly sites?: number;
  /** Calls that each victim makes, likewise. */
  readonly calls?: number;
}

/** A cell as a scenario builds it: every size is said. */
export interface SizedCell extends Cell {
  readonly sites: number;
  readonly calls: number;
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
  readonly shows?: WantedViolation;
  /** The fix or bug in history, by commit subject. */
  readonly history?: string;
  /** This variant is an algorithm with one step done wrong, to prove that a check bites: the protocol and the step, as a table of mutants says it. */
  readonly mutant?: string;
}

interface Common {
  /** Kernel words by family: `ftrace/late-handler`. */
  readonly name: string;
  /** Code in the catalogue of races, which works wherever the name does. */
  readonly alias?: string;
  readonly title: string;
  /** What happens, in a few sentences. */
  readonly story: string;
  /** One line: between which two steps of whom the race fits. */
  readonly window?: string;
  /**
   * What it runs on: a built fixture by name (`fixtures/NAME/NAME.elf`), or an image of one's own. Default: `lab`, the bare runtime.
   */
  readonly image?: string | Image;
  /** With how many victims the matrix runs it. */
  readonly scope: 'one-core' | 'one-victim' | 'two-victims';
  /** Exactly so many victims, where it can have neither more nor fewer: its actors are all different. */
  readonly victims?: number;
  /** The one memory model that the matrix runs it with, where it is about that one. */
  readonly memory?: MemoryModel;
  /** Counts how many of the runs in which a guest says this (`say` of the runtime) break something. */
  readonly share?: { readonly through: string };
  /** Variants whose proof also runs with two victims under the manual's models, where the scope has only one. */
  readonly twoVictims?: readonly string[];
  /** Variants whose proof also runs with three victims. */
  readonly threeVictims?: readonly string[];
}

/** A race as its file writes it down: its actors, the variants of its algorithm, and what is expected of them. */
export interface ScenarioDefinition<V extends Variant> extends Common {
  readonly variants: readonly V[];
  /** The sizes that its variants come in, all alike or each its own: `cell.sites` and `cell.calls` are within them. Default: none to choose. */
  readonly sizes?: Sizes | ((variant: V) => Sizes);
  /** The world of a variant, with every actor in place; not begun. */
  build(image: Image, variant: V, cell: SizedCell, engine?: EngineName): World;
}

/** A race as everybody else uses it: variants go by name. */
export interface Scenario extends Common {
  readonly variants: readonly Variant[];
  /** The sizes that a variant comes in. Throws `E_SCENARIO` for an unknown one. */
  sizes(variant: string): Sizes;
  /** Throws `E_SCENARIO` for an unknown variant, `E_USAGE` for a size that it does not come in. */
  build(image: Image, variant: string, cell: Cell, engine?: EngineName): World;
}

/** Makes a scenario of its definition; what a person would get wrong (names, doubles) is an error at once. */
export function defineScenario<V extends Variant>(definition: ScenarioDefinition<V>): Scenario {
  if (!/^[a-z0-9-]+\/[a-z0-9-]+$/.test(definition.name)) {
    throw new TextpokeError('E_SCENARIO', `'${definition.name}' is not family/name in lower case`, {
      where: definition.name,
      hint: 'for example ftrace/late-handler',
    });
  }
  const names = definition.variants.map((v) => v.name);
  if (new Set(names).size !== names.length)
    throw new TextpokeError('E_SCENARIO', 'two variants of one name', { where: definition.name, hint: 'rename one' });
  const sizesOf = (variant: V): Sizes => (typeof definition.sizes === 'function' ? definition.sizes(variant) : (definition.sizes ?? {}));
  return {
    ...definition,
    sizes: (variant) => sizesOf(variantOf(definition, variant)),
    build(image, name, cell, engine) {
      const variant = variantOf(definition, name);
      const sizes = sizesOf(variant);
      checkSize(`${definition.name} ${name}`, sizes, cell);
      const world = definition.build(image, variant, { ...cell, ...fullSize(sizes, cell) }, engine);
      if (definition.share !== undefined) world.checkers.push(new Passage(definition.share.through));
      return world;
    },
  };
}

/** The variant of a name; `E_SCENARIO` with the nearest name otherwise. */
export function variantOf<V extends Variant>(scenario: { readonly name: string; readonly variants: readonly V[] }, name: string): V {
  const found = scenario.variants.find((v) => v.name === name);
  if (found !== undefined) return found;
  const known = scenario.variants.map((v) => v.name);
  const hint = didYouMean(name, known) ?? `it has ${known.slice(0, 6).join(', ')}${known.length > 6 ? ' ...' : ''}`;
  throw new TextpokeError('E_SCENARIO', `${scenario.name} has no variant '${name}'`, { where: name, hint });
}

/** The fewest victims that a scenario runs with. */
export const fewestVictims = (scenario: Pick<Scenario, 'scope' | 'victims'>): number =>
  scenario.victims ?? (scenario.scope === 'one-core' ? 0 : 1);

/** A cell without sizes that are as usual. */
export function plainCell(scenario: Scenario, variant: string, { sites, calls, ...models }: Cell): Cell {
  return {
    ...models,
    ...ownSize(scenario.sizes(variant), { ...(sites === undefined ? {} : { sites }), ...(calls === undefined ? {} : { calls }) }),
  };
}

/** Gives the image of a built fixture by its name. */
export type Fixtures = (name: string) => Image;

/** The image that a scenario runs on. */
export function imageOf(scenario: Pick<Scenario, 'image'>, fixtures: Fixtures): Image {
  return typeof scenario.image === 'object' ? scenario.image : fixtures(scenario.image ?? 'lab');
}

export const familyOf = (scenario: { readonly name: string }): string => scenario.name.slice(0, scenario.name.indexOf('/'));

/**
 * The recorded verdict of a cell. Under a teaching policy, which does less than intel-sdm, what is ok there is ok; nothing else is recorded of it.
 */
export function expectedOf(expectation: Expectation, fetch: FetchPolicyName): ExpectedVerdict;
export function expectedOf(expectation: Expectation, fetch: AnyFetchPolicyName): ExpectedVerdict | undefined;
export function expectedOf(expectation: Expectation, fetch: AnyFetchPolicyName): ExpectedVerdict | undefined {
  const under = (policy: FetchPolicyName): ExpectedVerdict => (typeof expectation === 'string' ? expectation : expectation[policy]);
  if (fetch !== 'icache') return under(fetch);
  return under('intel-sdm') === 'ok' ? 'ok' : undefined;
}

/** The recorded verdict of a cell of the usual size; nothing is recorded of others. */
export function recordedOf(scenario: Scenario, variant: Variant, cell: Cell): ExpectedVerdict | undefined {
  const { sites, calls } = plainCell(scenario, variant.name, cell);
  return sites === undefined && calls === undefined ? expectedOf(variant.expected, cell.fetch) : undefined;
}

/** The same verdict for some policies, another for the rest. */
export function underPolicies(some: readonly FetchPolicyName[], verdict: ExpectedVerdict, rest: ExpectedVerdict): Expectation {
  return Object.fromEntries(FETCH_POLICY_NAMES.map((name) => [name, some.includes(name) ? verdict : rest])) as Record<
    FetchPolicyName,
    ExpectedVerdict
  >;
}
