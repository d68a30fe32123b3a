import type { TraceAbout, TraceFormat } from '../../debug/formats/about.ts';
import { lookAt, type Registers, registersOf } from '../../debug/formats/state.ts';
import { stateJson, stateText, type Where } from '../../debug/formats/state-text.ts';
import { writeTrace } from '../../debug/formats/write-trace.ts';
import type { Trace } from '../../debug/happening.ts';
import { hexBytes } from '../../debug/names.ts';
import { type ReplayedToken, replayToken } from '../../debug/replay.ts';
import { goOn } from '../../debug/timeline/going-on.ts';
import { parsePositionOrEnd, positionText } from '../../debug/timeline/position.ts';
import { ScheduleTimeline } from '../../debug/timeline/schedule-timeline.ts';
import { Exit, TextpokeError } from '../../error.ts';
import type { World } from '../../explore/world.ts';
import { type CellResult, CellRunner } from '../../scenario/matrix.ts';
import { type Cell, expectedOf, type Scenario, type Variant, variantOf } from '../../scenario/scenario.ts';
import { fixtures } from '../fixtures.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';
import { progressLine } from '../progress.ts';
import { sayCell } from '../report.ts';
import { knownScenarios, oneScenario, type Scenarios } from '../scenarios.ts';
import { searchSettings } from '../search-options.ts';
import { cellOf } from './explore.ts';

export interface TraceActionOptions extends SharedFlags {
  readonly target: { readonly token: string } | { readonly scenario: string };
  /** A file of scenarios. */
  readonly scenarios: string | undefined;
  /** Of a scenario; undefined: the first that fails. */
  readonly variant: string | undefined;
  readonly victims: number | undefined;
  readonly format: TraceFormat | undefined;
  /** A position: its state is told instead of the run. */
  readonly at: string | undefined;
}

/** Writes a run down. 0 when it is written, whatever the run leads to. */
export async function traceAction(options: TraceActionOptions, io: Io): Promise<number> {
  const format = formatOf(options);
  const named = 'scenario' in options.target ? [options.target.scenario] : [];
  const { known, names } = await knownScenarios(options.scenarios, named, io);
  const runner = new CellRunner(fixtures(io), options.engine);
  const token = 'token' in options.target ? tokenAlone(options.target.token, options) : chosenRun(runner, known, names, options, io);
  const replayed = replayToken(runner, token, known.all);
  if (options.at === undefined) emitTrace(replayed, token, format, options, io);
  else emitState(runner, replayed, options.at, format, options, io);
  return Exit.ok;
}

/** Writes the run of a token in one of the formats. */
export function emitTrace(replayed: ReplayedToken, token: string, format: TraceFormat, flags: SharedFlags, io: Io): void {
  if (format === 'perfetto' && io.isTTY.stdout)
    throw new TextpokeError('E_USAGE', 'a perfetto trace is no text', {
      where: '--format perfetto',
      hint: 'give a file: --out FILE.pftrace',
    });
  for (const piece of writeTrace(format, replayed.trace, aboutOf(replayed, token), flags)) io.stdout(piece);
}

/** The format that is asked for: `--json` is `--format json`. Throws E_USAGE. */
function formatOf({ format, json, at }: TraceActionOptions): TraceFormat {
  if (json && format !== undefined && format !== 'json')
    throw new TextpokeError('E_USAGE', '--json is --format json', { where: `--json --format ${format}`, hint: 'leave one of them out' });
  const chosen = format ?? (json ? 'json' : 'text');
  if (at !== undefined && chosen !== 'text' && chosen !== 'json')
    throw new TextpokeError('E_USAGE', 'a state is told as text or json', {
      where: `--at ${at} --format ${chosen}`,
      hint: 'leave --format out',
    });
  return chosen;
}

/** A token says its variant and models itself. Throws E_USAGE where something else says them too. */
function tokenAlone(token: string, { variant, victims, fetch, memory }: TraceActionOptions): string {
  const given = Object.entries({ variant, victims, fetch, memory }).filter(([, value]) => value !== undefined);
  if (given.length === 0) return token;
  throw new TextpokeError('E_USAGE', 'a token says its variant and models itself', {
    where: given.map(([name, value]) => `--${name} ${value}`).join(' '),
    hint: 'name a scenario instead of the token',
  });
}

/** The run of a scenario that is worth writing down, as a token; says on stderr which. */
function chosenRun(runner: CellRunner, known: Scenarios, names: readonly string[], options: TraceActionOptions, io: Io): string {
  const scenario = oneScenario(known, names[0]);
  const { victims, cores, fetch, memory } = options;
  const cell = cellOf(scenario, { victims, cores, fetch, memory });
  const progress = progressLine(io, options);
  // Without a variant the first that fails: what is recorded to hold need not be searched for that.
  const variants =
    options.variant === undefined
      ? scenario.variants.filter((v) => expectedOf(v.expected, cell.fetch) !== 'ok')
      : [variantOf(scenario, options.variant)];
  const tried = new Map<Variant, CellResult>();
  const search = (variant: Variant): CellResult => {
    const result = runner.run(scenario, variant, cell, searchSettings(options, io, progress, variant.name));
    progress.clear();
    tried.set(variant, result);
    return result;
  };
  for (const variant of variants) {
    const { counterexample, token } = search(variant);
    if (token !== undefined)
      return said(io, options, scenario, variant, counterexample?.length === undefined ? 'a run' : 'the shortest run', 'that fails', token);
  }
  const variant = variants[0] ?? (scenario.variants[0] as Variant);
  const result = tried.get(variant) ?? search(variant);
  if (result.stopped !== undefined)
    throw new TextpokeError('E_BUDGET', `no run that fails was found: ${result.stopped}`, {
      where: `${scenario.name} ${variant.name}`,
      hint: io.interrupted() ? 'it was interrupted' : 'give it more, or fewer --victims',
      ...(io.interrupted() ? { exitCode: Exit.interrupted } : {}),
    });
  const token = holdingRun(runner, scenario, variant, cell, result);
  return said(io, options, scenario, variant, 'a run', 'of first answers: nothing fails', token);
}

function holdingRun(runner: CellRunner, scenario: Scenario, variant: Variant, cell: Cell, result: CellResult): string {
  const world = runner.maker(scenario, variant.name, cell)();
  world.begin(result.knowledge);
  const timeline = new ScheduleTimeline(world, []);
  goOn(timeline);
  const token = runner.token(scenario, variant, cell, result, timeline.answers);
  world.release();
  if (token !== undefined) return token;
  throw new TextpokeError('E_SCENARIO', 'the run has no choice: there is nothing to trace', { where: `${scenario.name} ${variant.name}` });
}

function said(io: Io, options: TraceActionOptions, scenario: Scenario, variant: Variant, what: string, why: string, token: string): string {
  if (!options.quiet) io.stderr(`${scenario.name} ${variant.name}: ${what} ${why}\n${token}\n`);
  return token;
}

function aboutOf({ found, world }: ReplayedToken, token: string): TraceAbout {
  const { scenario, variant, cell } = found;
  return {
    scenario: scenario.name,
    variant: variant.name,
    title: variant.title,
    cell,
    machine: sayCell(cell),
    token,
    sites: world.sites.map(({ name, address, versions }) => ({
      name,
      address,
      physical: world.lab.physical(address),
      versions: versions.map(hexBytes),
    })),
  };
}

/** Tells the state at a position of the run of a token. Throws E_USAGE where the run does not go there. */
function emitState(runner: CellRunner, replayed: ReplayedToken, at: string, format: TraceFormat, flags: SharedFlags, io: Io): void {
  const { found, knowledge, trace } = replayed;
  const world = runner.maker(found.scenario, found.variant.name, found.cell)();
  world.begin(knowledge);
  const timeline = new ScheduleTimeline(world, found.content.answers);
  const position = parsePositionOrEnd(at, () => timeline.end);
  // The end too is asked for first: its error says how far the run goes.
  timeline.goto(position);
  const before = registersBefore(timeline, world, position.inside > 0 ? position.at : position.at - 1);
  timeline.goto(position);
  const where: Where = { position: positionText(position), steps: trace.steps.length, next: nextOf(trace, position.at) };
  const look = lookAt(world, before);
  if (format === 'json') io.stdout(stateJson(look, where));
  else {
    const { scenario, variant, cell } = found;
    io.stdout(`${scenario.name} ${variant.name}: ${variant.title}\n${sayCell(cell)}\n\n${stateText(look, where, flags.width)}`);
  }
}

function registersBefore(timeline: ScheduleTimeline, world: World, step: number): Registers {
  if (step >= 0) timeline.goto({ at: step, inside: 0 });
  return registersOf(world);
}

function nextOf(trace: Trace, at: number): string | undefined {
  const step = trace.steps[at];
  return step === undefined ? undefined : `CPU${step.core} ${step.choice} ${step.symbol}`;
}
