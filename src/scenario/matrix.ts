import { TextpokeError } from '../error.ts';
import { type Exploration, type ExploreOptions, explore, learn } from '../explore/explore.ts';
import type { Keeper } from '../explore/keeper.ts';
import type { Knowledge } from '../explore/knowledge.ts';
import { exploreInParallel, type Team } from '../explore/parallel/explore-parallel.ts';
import { countShare, type Share } from '../explore/share.ts';
import { encodeToken, imageHash, nameHash, SEMANTICS_VERSION } from '../explore/token.ts';
import { sentenceOf } from '../explore/twin.ts';
import type { World } from '../explore/world.ts';
import type { Image } from '../image/image.ts';
import type { EngineName } from '../machine/machine.ts';
import { FETCH_POLICY_NAMES, fetchPolicy } from '../machine/policy/index.ts';
import { keepsVersions } from '../machine/policy/policy.ts';
import {
  type Cell,
  type ExpectedVerdict,
  type Fixtures,
  fewestVictims,
  imageOf,
  type MemoryModel,
  plainCell,
  recordedOf,
  type Scenario,
  type Variant,
} from './scenario.ts';
import { SIZE_NAMES } from './sizes.ts';

/** Schedules that are sampled for notes. */
const NOTE_SCHEDULES = 20;

export interface RunOptions extends ExploreOptions {
  /** Sample what the sanitizer would note under a policy that keeps versions, where this one keeps none. */
  readonly sampleNotes?: boolean;
  /** Count the share of runs that the scenario asks for. */
  readonly countShare?: boolean;
}

const MEMORY_MODELS: readonly MemoryModel[] = ['sc', 'tso'];

/** The cells in which the matrix runs a variant: all models with one victim, two victims under two policies, three for the proofs. */
export function cellsOf(scenario: Scenario, variant: Variant): Cell[] {
  const victims = fewestVictims(scenario);
  const models = scenario.memory === undefined ? MEMORY_MODELS : [scenario.memory];
  const cells: Cell[] = FETCH_POLICY_NAMES.flatMap((fetch) => models.map((memory) => ({ victims, fetch, memory })));
  if (scenario.scope === 'two-victims') {
    for (const fetch of ['coherent', 'intel-sdm'] as const) for (const memory of MEMORY_MODELS) cells.push({ victims: 2, fetch, memory });
  }
  if (scenario.twoVictims?.includes(variant.name)) cells.push({ victims: 2, fetch: 'intel-sdm', memory: 'tso' });
  if (scenario.threeVictims?.includes(variant.name)) cells.push({ victims: 3, fetch: 'intel-sdm', memory: 'tso' });
  return cells;
}

/** The one cell of a smoke test: the fewest victims, the manual's fetch policy, store buffers. */
export const smokeCell = (scenario: Scenario): Cell => ({
  victims: fewestVictims(scenario),
  fetch: 'intel-sdm',
  memory: scenario.memory ?? 'tso',
});

/** The cell of a scenario of which nothing more is said: with it `explore`, the debuggers and the adapter have the same run. */
export function usualCell(scenario: Scenario): Cell {
  const cell = smokeCell(scenario);
  return scenario.scope === 'two-victims' ? { ...cell, victims: Math.max(cell.victims, 2) } : cell;
}

/** A cell's name: what a token stands for, besides the image. Sizes are in it where they are not as usual. */
export function cellName(scenario: Scenario, variant: string, cell: Cell): string {
  const plain = plainCell(scenario, variant, cell);
  const sizes = SIZE_NAMES.flatMap((name) => (plain[name] === undefined ? [] : [` ${name}=${plain[name]}`]));
  return `${scenario.name} ${variant} ${cell.victims} ${cell.fetch} ${cell.memory}${sizes.join('')}`;
}

export interface CellResult extends Exploration {
  readonly scenario: Scenario;
  readonly variant: Variant;
  readonly cell: Cell;
  /** The recorded verdict; undefined where none is. */
  readonly expected: ExpectedVerdict | undefined;
  /** The verdict is the recorded one, or none is recorded. */
  readonly asRecorded: boolean;
  /** Replays the counterexample. */
  readonly token: string | undefined;
  /** Asked for by the scenario and by `countShare`. */
  readonly share: Share | undefined;
}

/** What a table of results needs: no more than another thread can send. */
export type Row = Omit<CellResult, 'knowledge' | 'learned'>;

/** Explores cells, sharing what was learned between the models of a variant. */
export class CellRunner {
  /** Gives the built images that scenarios name. */
  readonly fixtures: Fixtures;
  readonly #engine: EngineName | undefined;
  readonly #learned = new Map<string, Knowledge>();

  constructor(fixtures: Fixtures, engine?: EngineName) {
    this.fixtures = fixtures;
    this.#engine = engine;
  }

  /** The image that a scenario runs on. */
  image(scenario: Scenario): Image {
    return imageOf(scenario, this.fixtures);
  }

  /** What a checkpoint is of: the image's contents and the cell. */
  checkpointName(scenario: Scenario, variant: string, cell: Cell): string {
    return `${cellName(scenario, variant, cell)} ${this.image(scenario).contentHash()}`;
  }

  /** Makes the worlds of a cell. */
  maker(scenario: Scenario, variant: string, cell: Cell): () => World {
    return () => scenario.build(this.image(scenario), variant, cell, this.#engine);
  }

  /**
   * What the actors of a variant in one size share: learned once under the models that allow most, whichever cell asks, so that a token means the
   * same everywhere.
   */
  learned(scenario: Scenario, variant: string, size: Pick<Cell, 'victims' | 'sites' | 'calls'>): Knowledge {
    const cell: Cell = { ...size, fetch: 'intel-sdm', memory: 'tso' };
    const key = cellName(scenario, variant, cell);
    let known = this.#learned.get(key);
    if (known === undefined) {
      known = learn(this.maker(scenario, variant, cell));
      this.#learned.set(key, known);
    }
    return known;
  }

  run(scenario: Scenario, variant: Variant, cell: Cell, options: RunOptions = {}): CellResult {
    const settings = this.#settings(scenario, variant, cell, options);
    const result = explore(this.maker(scenario, variant.name, cell), settings);
    return this.#concluded(scenario, variant, cell, options, result);
  }

  /** Explores one cell with several workers. The result does not depend on how many, but for its `cost`. */
  async runInParallel(
    scenario: Scenario,
    variant: Variant,
    cell: Cell,
    team: Team,
    options: RunOptions = {},
    keeper?: Keeper,
  ): Promise<CellResult> {
    const settings = this.#settings(scenario, variant, cell, options);
    const result = await exploreInParallel(this.maker(scenario, variant.name, cell), team, settings, keeper);
    return this.#concluded(scenario, variant, cell, options, result);
  }

  #settings(scenario: Scenario, variant: Variant, cell: Cell, options: RunOptions): ExploreOptions & { readonly learned: Knowledge } {
    const learned = this.learned(scenario, variant.name, cell);
    return { ...(variant.shows === undefined ? {} : { prefer: variant.shows }), ...options, learned };
  }

  #concluded(scenario: Scenario, variant: Variant, cell: Cell, options: RunOptions, result: Exploration): CellResult {
    this.#refuse(scenario, variant, cell, result);
    const { learned } = result;
    const expected = recordedOf(scenario, variant, cell);
    const notes = [...result.notes, ...(options.sampleNotes === true ? this.#sampledNotes(scenario, variant, cell, learned) : [])];
    return {
      ...result,
      notes,
      scenario,
      variant,
      cell,
      expected,
      asRecorded: expected === undefined || result.verdict === expected,
      token: this.token(scenario, variant, cell, result, result.counterexample?.answers),
      share:
        options.countShare === true ? countShare(this.maker(scenario, variant.name, cell), result.knowledge, options.budget) : undefined,
    };
  }

  /**
   * What the code-race sanitizer and the SYNC check would say, where the policy keeps no versions and they have nothing to look at: from
   * a few schedules under the policy of the manual. Notes; they decide nothing.
   */
  #sampledNotes(scenario: Scenario, variant: Variant, cell: Cell, learned: Knowledge): string[] {
    if (keepsVersions(fetchPolicy(cell.fetch))) return [];
    const { sample, notes } = explore(this.maker(scenario, variant.name, { ...cell, fetch: 'intel-sdm' }), {
      search: 'pct',
      schedules: NOTE_SCHEDULES,
      depth: 2,
      all: true,
      shrink: false,
      learned,
    });
    const races = (sample?.violations ?? []).map((v) => v.violation).filter((v) => v.check === 'code-race');
    const found = new Set([...races.map((v) => v.message), ...notes]);
    return [...found].slice(0, 4).map((text) => `under intel-sdm, ${NOTE_SCHEDULES} schedules sampled: ${text}`);
  }

  /** Throws where two searches found different things: one of them is wrong. */
  #refuse(scenario: Scenario, variant: Variant, cell: Cell, result: Exploration): void {
    const [first] = result.disagreements ?? [];
    if (first === undefined) return;
    const token = this.token(scenario, variant, cell, result, first.answers);
    throw new TextpokeError('E_INTERNAL', `the searches disagree: ${sentenceOf(first, token)}`, {
      where: cellName(scenario, variant.name, cell),
      hint: 'this is a defect of textpoke: believe neither, and please report it',
    });
  }

  /** The token of a run; undefined for one without any choice. `found`: what a search knew and what everybody knows. */
  token(
    scenario: Scenario,
    variant: Variant,
    cell: Cell,
    found: Pick<Exploration, 'knowledge' | 'learned'>,
    answers: readonly number[] | undefined,
  ): string | undefined {
    if (answers === undefined || answers.length === 0) return undefined;
    return encodeToken({
      world: nameHash(cellName(scenario, variant.name, cell)),
      image: imageHash(this.image(scenario).contentHash()),
      semantics: SEMANTICS_VERSION,
      answers,
      ...found.knowledge.beyond(found.learned),
    });
  }
}
