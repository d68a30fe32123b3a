import { readFileSync } from 'node:fs';
import { verdictUnder } from '../debug/show-race.ts';
import type { VerdictUnder } from '../debug/why.ts';
import { TextpokeError } from '../error.ts';
import { learn } from '../explore/explore.ts';
import type { Knowledge } from '../explore/knowledge.ts';
import { nameHash } from '../explore/token.ts';
import type { World } from '../explore/world.ts';
import { type Image, imageFromElf } from '../image/image.ts';
import type { AnyFetchPolicyName } from '../machine/policy/policy.ts';
import { CATALOGUE, scenarioOf } from '../scenario/catalogue.ts';
import { CellRunner, cellName, smokeCell } from '../scenario/matrix.ts';
import { type Cell, type MemoryModel, type Scenario, variantOf } from '../scenario/scenario.ts';
import { checkSize, SIZE_NAMES, sayCount } from '../scenario/sizes.ts';

/** What can be explored: a scenario, the name or alias of one of the catalogue, or a function that makes the same world each time. */
export type Subject = Scenario | string | (() => World);

/** Which world of a scenario. A function that makes worlds has decided all of it. */
export interface CellOptions {
  /** May be left out where there is only one. */
  readonly variant?: string;
  /** Default: the fewest that the scenario has. */
  readonly victims?: number;
  /** Where the scenario has a choice. */
  readonly sites?: number;
  readonly calls?: number;
  /** Default: intel-sdm. */
  readonly fetch?: AnyFetchPolicyName;
  /** Default: tso. */
  readonly memory?: MemoryModel;
}

/** A subject with everything that a search, a token and a report need of it. */
export interface Case {
  /** For a person: what is explored, under which models. */
  readonly title: string;
  /** What a token says instead of the name. */
  readonly world: number;
  make(): World;
  learned(): Knowledge;
  readonly under: VerdictUnder | undefined;
  /** The command line knows it by itself. */
  readonly listed: boolean;
}

const images = new Map<string, Image>();

/** The built images of this package. */
function packaged(name: string): Image {
  let image = images.get(name);
  if (image === undefined) {
    image = imageFromElf(readFileSync(new URL(`../../fixtures/${name}/${name}.elf`, import.meta.url)), `${name}.elf`);
    images.set(name, image);
  }
  return image;
}

/** One runner a test file: what was learned of a scenario serves all its tests. */
export const runner = new CellRunner(packaged);

/** The case that a test means. Throws E_USAGE and E_SCENARIO. */
export function caseOf(subject: Subject, options: CellOptions, test: string): Case {
  if (typeof subject === 'function') {
    const given = (['variant', 'victims', 'sites', 'calls', 'fetch', 'memory'] as const).find((name) => options[name] !== undefined);
    if (given !== undefined)
      throw new TextpokeError('E_USAGE', `a function that makes worlds takes no '${given}'`, { hint: 'decide it in the function' });
    return {
      title: 'the world of this test',
      world: nameHash(`test ${test}`),
      make: subject,
      learned: () => learn(subject),
      under: undefined,
      listed: false,
    };
  }
  const scenario = typeof subject === 'string' ? scenarioOf(subject) : subject;
  const variant = variantOf(scenario, options.variant ?? onlyVariant(scenario));
  const smallest = smokeCell(scenario);
  const cell: Cell = {
    victims: options.victims ?? smallest.victims,
    fetch: options.fetch ?? smallest.fetch,
    memory: options.memory ?? smallest.memory,
    ...(options.sites === undefined ? {} : { sites: options.sites }),
    ...(options.calls === undefined ? {} : { calls: options.calls }),
  };
  checkSize(`${scenario.name} ${variant.name}`, scenario.sizes(variant.name), cell);
  const sizes = SIZE_NAMES.flatMap((name) => (cell[name] === undefined ? [] : [`, ${sayCount(name, cell[name])}`]));
  const victims = sayCount('victims', cell.victims);
  return {
    title: `${scenario.name} ${variant.name}, ${victims}${sizes.join('')}, fetch ${cell.fetch}, memory ${cell.memory}`,
    world: nameHash(cellName(scenario, variant.name, cell)),
    make: runner.maker(scenario, variant.name, cell),
    learned: () => runner.learned(scenario, variant.name, cell),
    under: verdictUnder(runner, { scenario, variant, cell }),
    listed: CATALOGUE.includes(scenario),
  };
}

function onlyVariant(scenario: Scenario): string {
  const [only, ...more] = scenario.variants;
  if (only !== undefined && more.length === 0) return only.name;
  throw new TextpokeError('E_USAGE', `${scenario.name} has several variants`, {
    hint: `variant: one of ${scenario.variants.map((v) => v.name).join(', ')}`,
  });
}
