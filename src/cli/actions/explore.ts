import { showRace } from '../../debug/show-race.ts';
import { Exit, TextpokeError } from '../../error.ts';
import { checkpointKind } from '../../explore/checkpoint.ts';
import { countRuns, type Share } from '../../explore/share.ts';
import { type CellResult, CellRunner, usualCell } from '../../scenario/matrix.ts';
import { type Cell, MAX_VICTIMS, plainCell, type Scenario, type Variant, variantOf } from '../../scenario/scenario.ts';
import { checkSize, SIZE_NAMES, sayCount as sayNumber } from '../../scenario/sizes.ts';
import { type Smaller, smaller } from '../../scenario/smaller.ts';
import { CheckpointFile } from '../checkpoints.ts';
import { countFields, sayCount } from '../count.ts';
import { fixtures } from '../fixtures.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';
import { teamOf, Workers } from '../jobs.ts';
import { emitEvent } from '../json.ts';
import { sayLength } from '../length.ts';
import { progressLine } from '../progress.ts';
import { headline, LIMITS, ROW_HEAD, row, sayCell, sayCost, sayCoverage, sayShare, sayVerdict, wrapped } from '../report.ts';
import { resultEvent } from '../result-event.ts';
import { type SampleFlags, sampleSettings } from '../sample-flags.ts';
import { sampleLines } from '../sample-report.ts';
import { knownScenarios, oneScenario } from '../scenarios.ts';
import { refuseJobs, searchSettings } from '../search-options.ts';
import { outcomesAction } from './outcomes.ts';
import { reachAction } from './reach.ts';

export interface ExploreOptions extends SharedFlags, SampleFlags {
  /** Where to write how far the search has come, and where to begin; undefined: a file of its own, and at the start. */
  readonly checkpoint: string | undefined;
  readonly resume: string | undefined;
  /** A scenario's name or alias. */
  readonly target: string;
  /** A file of scenarios. */
  readonly scenarios: string | undefined;
  /** Undefined: all variants, as a table. */
  readonly variant: string | undefined;
  readonly victims: number | undefined;
  /** Sites that are patched, and calls that each victim makes; undefined: as many as usual. */
  readonly sites: number | undefined;
  readonly calls: number | undefined;
  /** At most this many preemptions; undefined: unbounded. */
  readonly preemptions: number | undefined;
  readonly shrink: boolean;
  /** Count the interleavings. */
  readonly count: boolean;
  /** Tell every way in which runs end, instead of a verdict. */
  readonly outcomes: boolean;
  /** Ask whether some order gets there, instead of a verdict. */
  readonly reach: string | undefined;
}

/** Tries the orders of a scenario and prints the verdict with its coverage. Returns the exit code. */
export async function exploreAction(options: ExploreOptions, io: Io): Promise<number> {
  const workers = workersFor(options, io);
  try {
    return await exploreWith(workers, options, io);
  } finally {
    workers?.end();
  }
}

/** Whether all states are searched for a verdict: what several can do, and what has checkpoints. */
function isOverStates(options: ExploreOptions): boolean {
  const { search, preemptions, outcomes, reach } = options;
  const isWhole = (search ?? 'stateful') === 'stateful' && preemptions === undefined && sampleSettings(options, undefined) === undefined;
  return isWhole && !outcomes && reach === undefined;
}

/** The threads that `--jobs` asks for; undefined where one search does it all. Throws E_USAGE for what one does alone. */
function workersFor(options: ExploreOptions, io: Io): Workers | undefined {
  const { outcomes, reach, checkpoint, resume } = options;
  if (isOverStates(options)) {
    const jobs = options.jobs ?? (resume !== undefined && checkpointKind(io.readFile(resume)) === 'shared' ? 1 : undefined);
    return jobs === undefined ? undefined : new Workers(io, jobs);
  }
  const file = checkpoint === undefined ? resume : checkpoint;
  if (file !== undefined)
    throw new TextpokeError('E_USAGE', 'only the search over all states has checkpoints', {
      where: file,
      hint: 'leave --checkpoint and --resume out, or --search, --preemptions, --outcomes and --reach',
    });
  refuseJobs(options, outcomes || reach !== undefined ? 'this is answered' : 'this search runs');
  return undefined;
}

async function exploreWith(workers: Workers | undefined, options: ExploreOptions, io: Io): Promise<number> {
  const { known, names } = await knownScenarios(options.scenarios, [options.target], io);
  const scenario = oneScenario(known, names[0]);
  const asked = cellOf(scenario, options);
  const runner = new CellRunner(fixtures(io), options.engine);
  const sampling = sampleSettings(options, options.preemptions === undefined ? undefined : '--preemptions');
  const progress = progressLine(io, options);
  const variants = options.variant === undefined ? scenario.variants : [variantOf(scenario, options.variant)];
  for (const { name } of variants) checkSize(`${scenario.name} ${name}`, scenario.sizes(name), asked);
  // One variant has one cell; of several each may have sizes of its own.
  const cell = variants.length === 1 ? plainCell(scenario, variants[0]!.name, asked) : asked;
  if ((options.checkpoint !== undefined || options.resume !== undefined) && variants.length > 1)
    throw new TextpokeError('E_USAGE', 'a checkpoint is of one variant', {
      where: `${options.resume === undefined ? '--checkpoint' : '--resume'} ${options.resume ?? options.checkpoint}`,
      hint: `add --variant: ${variants.map((v) => v.name).join(', ')}`,
    });
  if (options.json) emitEvent(io, 'start', { scenario: scenario.name, cell, seed: options.seed, variants: variants.map((v) => v.name) });
  const question = questionOf(options, sampling !== undefined);
  if (question !== undefined) {
    const [variant, ...more] = variants;
    if (variant === undefined || more.length > 0) throw oneVariant(question, scenario);
    const about = { runner, scenario, variant, cell, flags: known.flags };
    if (options.reach === undefined) return outcomesAction(about, options, io);
    const ladder = options.preemptions === undefined ? {} : ({ search: 'ladder', preemptions: options.preemptions } as const);
    return reachAction(about, options.reach, options, { ...ladder, ...sampling, shrink: options.shrink }, io);
  }
  if (!options.json && variants.length > 1)
    io.stdout(
      `${headline(`${scenario.name}: ${scenario.title}`)}\n${sayCell(cell)}, seed ${options.seed}${options.seedIsDefault ? ' (default)' : ''}\n\n${ROW_HEAD}\n`,
    );
  const codes: number[] = [];
  /** The variant to look at next: the first that fails. */
  let telling: string | undefined;
  const countings: string[] = [];
  for (const variant of variants) {
    const settings = searchSettings(options, io, progress, variant.name);
    const run = {
      ...settings,
      shrink: options.shrink,
      sampleNotes: variants.length === 1,
      countShare: sampling === undefined,
      ...(options.preemptions === undefined ? {} : ({ search: 'ladder', preemptions: options.preemptions } as const)),
      ...sampling,
    };
    const resumed = (file: string): string => resumeCommand(variant, cell, options, workers, known.flags, file);
    const keeper = isOverStates(options)
      ? new CheckpointFile(io, runner.checkpointName(scenario, variant.name, cell), {
          file: options.checkpoint,
          resume: options.resume,
          onFirst(file) {
            progress.clear();
            if (!options.quiet) io.stderr(`checkpoint  ${resumed(file)}\n`);
          },
        })
      : undefined;
    const target = { file: known.file, scenario: scenario.name, variant: variant.name, cell, engine: options.engine };
    const result =
      workers === undefined
        ? runner.run(scenario, variant, cell, { ...run, keeper })
        : await timed(io, runner.runInParallel(scenario, variant, cell, teamOf(workers, target), run, keeper));
    const again = keeper?.written === undefined ? undefined : resumed(keeper.written);
    progress.clear();
    codes.push(exitCodeOf(result));
    if (result.verdict === 'violation') telling ??= variant.name;
    const isOne = variants.length === 1 && options.shrink && sampling === undefined;
    const less = isOne ? smaller(runner, result, settings.budget) : undefined;
    const count = options.count ? countRuns(runner.maker(scenario, variant.name, cell), result.knowledge, settings.budget) : undefined;
    progress.clear();
    const share = sayShare(result);
    if (share !== undefined) countings.push(`share    ${share}`);
    if (count !== undefined) countings.push(`count    ${variant.name}: ${sayCount(count)}`);
    if (options.json)
      emitEvent(io, 'result', {
        ...resultEvent(result),
        ...(again === undefined ? {} : { resume: again }),
        ...(less === undefined ? {} : { smaller: { ...less.size, token: less.token } }),
        ...(count === undefined ? {} : countFields(count)),
      });
    else if (variants.length > 1) io.stdout(`${row(scenario, variant, result)}\n`);
    else io.stdout(details(runner, scenario, result, { count, less }, options, known.flags));
    if (again !== undefined && !options.json) io.stdout(`resume   ${again}\n`);
    if (io.interrupted()) return Exit.interrupted;
  }
  if (!options.json && variants.length > 1)
    io.stdout(
      `${countings.length === 0 ? '' : '\n'}${countings.map((line) => `${wrapped(line)}\n`).join('')}\nOne of them in full:\n  textpoke explore ${scenario.alias ?? scenario.name} --variant ${telling ?? variants[0]?.name ?? ''}${known.flags}\nlimits   ${LIMITS}\n`,
    );
  return Math.max(...codes);
}

/** The command line that goes on where a search was stopped. */
function resumeCommand(
  variant: Variant,
  cell: Cell,
  options: ExploreOptions,
  workers: Workers | undefined,
  scenarios: string,
  file: string,
): string {
  const sizes = SIZE_NAMES.flatMap((name) => (cell[name] === undefined ? [] : [` --${name} ${cell[name]}`]));
  const model = `--victims ${cell.victims}${sizes.join('')} --fetch ${cell.fetch} --memory ${cell.memory}`;
  return `textpoke explore ${options.target} --variant ${variant.name} ${model}${scenarios}${workers === undefined ? '' : ` --jobs ${workers.size}`} --resume ${file}`;
}

/** The same with the time that it took. */
async function timed(io: Io, result: Promise<CellResult>): Promise<CellResult> {
  const start = io.now();
  const { cost, ...rest } = await result;
  return { ...rest, ...(cost === undefined ? {} : { cost: { ...cost, seconds: Math.round(io.now() - start) / 1000 } }) };
}

/** What is asked instead of a verdict. Throws E_USAGE where it is asked in a way that cannot answer it. */
function questionOf(options: ExploreOptions, sampling: boolean): '--outcomes' | '--reach' | undefined {
  const all = [options.reach === undefined ? [] : '--reach', options.outcomes ? '--outcomes' : [], options.count ? '--count' : []].flat();
  if ((options.reach !== undefined || options.outcomes) && all.length > 1)
    throw new TextpokeError('E_USAGE', 'one question at a time', { where: all.join(' '), hint: 'leave one of them out' });
  if (options.reach !== undefined) return '--reach';
  if (!options.outcomes) return undefined;
  const other = sampling
    ? 'random schedules'
    : options.preemptions !== undefined
      ? '--preemptions'
      : options.search !== undefined && options.search !== 'stateful'
        ? `--search ${options.search}`
        : undefined;
  if (other === undefined) return '--outcomes';
  throw new TextpokeError('E_USAGE', '--outcomes looks at every order', {
    where: `--outcomes with ${other}`,
    hint: 'leave one of them out',
  });
}

const oneVariant = (question: string, scenario: Scenario): TextpokeError =>
  new TextpokeError('E_USAGE', `${question} is asked of one variant`, {
    where: scenario.name,
    hint: `--variant NAME, for example ${scenario.variants[0]?.name}`,
  });

/** The cell that the flags ask for. Throws E_USAGE for a number of cores that the scenario cannot have. */
export function cellOf(scenario: Scenario, options: Partial<ExploreOptions>): Cell {
  const victims = options.victims ?? (options.cores === undefined ? undefined : options.cores - 1);
  const alone = scenario.scope === 'one-core';
  const [fewest, most] = alone ? [0, 0] : [scenario.victims ?? 1, scenario.victims ?? MAX_VICTIMS];
  if (victims !== undefined && (victims < fewest || victims > most)) {
    const where = options.victims === undefined ? `--cores ${options.cores}` : `--victims ${options.victims}`;
    const hint = fewest === most ? 'leave the flag out' : `it takes ${fewest} to ${most} victims and a core that patches`;
    throw new TextpokeError('E_USAGE', `${scenario.name} ${alone ? 'runs on one core' : `cannot run with ${victims} victims`}`, {
      where,
      hint,
    });
  }
  const usual = usualCell(scenario);
  return {
    victims: victims ?? usual.victims,
    fetch: options.fetch ?? usual.fetch,
    memory: options.memory ?? usual.memory,
    ...(options.sites === undefined ? {} : { sites: options.sites }),
    ...(options.calls === undefined ? {} : { calls: options.calls }),
  };
}

/** 1 for a violation, 125 for what decides nothing, 0 else. */
export function exitCodeOf(result: CellResult): number {
  if (result.verdict === 'violation') return Exit.violation;
  return result.verdict === 'ok' ? Exit.ok : Exit.inconclusive;
}

/** Whether a result can contradict what is recorded: a violation, or what holds in all orders. */
const settles = ({ verdict, coverage }: CellResult): boolean => verdict === 'violation' || coverage.kind === 'exhaustive';

function sayRecorded(result: CellResult): string {
  const { expected, cell } = result;
  if (expected === undefined)
    return `recorded nothing ${cell.sites === undefined && cell.calls === undefined ? `under ${cell.fetch}` : 'of this size'}`;
  return `recorded ${expected}${result.asRecorded && (settles(result) || result.sample === undefined) ? '' : settles(result) ? ': THIS DIFFERS' : ': not settled by this run'}`;
}

/** `smaller  1 victim, 1 call are enough: tp1_...`. */
function saySmaller({ size, token }: Smaller): string {
  const counts = (['victims', ...SIZE_NAMES] as const).flatMap((name) => (size[name] === undefined ? [] : [[name, size[name]] as const]));
  const isOne = counts.length === 1 && counts[0]?.[1] === 1;
  return `smaller  ${counts.map(([name, n]) => sayNumber(name, n)).join(', ')} ${isOne ? 'is' : 'are'} enough: ${token}`;
}

function details(
  runner: CellRunner,
  scenario: Scenario,
  result: CellResult,
  { count, less }: { readonly count: Share | undefined; readonly less: Smaller | undefined },
  options: ExploreOptions,
  flags: string,
): string {
  const lines = [
    headline(`${scenario.name} ${result.variant.name}: ${result.variant.title}`),
    `${sayCell(result.cell)}, seed ${options.seed}${options.seedIsDefault ? ' (default)' : ''}`,
    '',
    wrapped(sayVerdict(result)),
    wrapped(`coverage ${sayCoverage(result)}`),
    ...(result.counterexample?.length === undefined ? [] : [wrapped(sayLength(result.counterexample.length))]),
    ...(less === undefined ? [] : [wrapped(saySmaller(less))]),
    ...(result.sample === undefined ? [] : sampleLines(result.sample).map(wrapped)),
    ...result.notes.map((n) => wrapped(`note     ${n}`)),
    ...[sayShare(result) ?? []].flat().map((s) => wrapped(`share    ${s}`)),
    ...(count === undefined ? [] : [wrapped(`count    ${sayCount(count)}`)]),
    ...(result.cost === undefined ? [] : [wrapped(sayCost(result.cost))]),
    sayRecorded(result),
    `limits   ${LIMITS}`,
    '',
  ];
  return `${lines.join('\n')}\n${showRace(runner, result, flags)}`;
}
