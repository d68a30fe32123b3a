import type { Trace } from '../debug/happening.ts';
import { Names } from '../debug/names.ts';
import { BareTimeline } from '../debug/timeline/bare-timeline.ts';
import { Debugger } from '../debug/timeline/debugger.ts';
import { positionText } from '../debug/timeline/position.ts';
import { openCell, openToken, type Session } from '../debug/timeline/session.ts';
import type { Timeline } from '../debug/timeline/timeline.ts';
import type { Violation } from '../explore/violation.ts';
import type { World } from '../explore/world.ts';
import type { Image } from '../image/image.ts';
import { BareMachine } from '../kernel/bare.ts';
import { checkCommandLine, entryOf, type Loading, loadImage } from '../kernel/load.ts';
import type { Core } from '../machine/core.ts';
import { scenarioOf } from '../scenario/catalogue.ts';
import { findToken } from '../scenario/find-token.ts';
import { usualCell } from '../scenario/matrix.ts';
import { type Cell, expectedOf, type Scenario, variantOf } from '../scenario/scenario.ts';
import type { DapHost } from './host.ts';
import type { Target, What } from './target.ts';

/** What is debugged: a run with its names. Several clients may look at it, one after the other. */
export class Run {
  readonly title: string;
  readonly timeline: Timeline;
  readonly debug: Debugger;
  /** The run of a scenario; undefined for a program alone. */
  readonly session: Session | undefined;
  readonly bare: BareMachine | undefined;
  readonly names: Names | undefined;
  #heard = 0;
  #serial: number[] = [];
  #trace: { readonly answers: readonly number[]; readonly trace: Trace } | undefined;

  constructor(title: string, timeline: Timeline, of: { readonly session?: Session; readonly bare?: BareMachine }) {
    this.title = title;
    this.timeline = timeline;
    this.debug = new Debugger(timeline);
    this.session = of.session;
    this.bare = of.bare;
    this.names = of.session === undefined ? undefined : new Names(of.session.timeline.world);
  }

  get world(): World | undefined {
    return this.session?.timeline.world;
  }

  get image(): Image {
    return this.timeline.image;
  }

  get cores(): readonly Core[] {
    return this.timeline.machine.cores;
  }

  core(index: number): Core {
    return this.cores[index] as Core;
  }

  /** Where the run is: `@14`. */
  get place(): string {
    return positionText(this.timeline.position);
  }

  /** An address in words: a site by its name, else `function+0x12`. */
  code(address: bigint): string {
    return this.names?.code(address) ?? this.image.describe(address);
  }

  /** What happens in the run as it is now; undefined for a program alone. */
  trace(): Trace | undefined {
    if (this.session === undefined) return undefined;
    const { answers } = this.session.timeline;
    const known = this.#trace;
    if (known === undefined || known.answers.length !== answers.length || known.answers.some((a, n) => a !== answers[n]))
      this.#trace = { answers: [...answers], trace: this.session.trace() };
    return this.#trace?.trace;
  }

  /** What the run violates at its end, where it is now. */
  violations(): readonly Violation[] {
    if (this.session === undefined) return [];
    const { timeline, recorded } = this.session;
    const found = timeline.violations;
    if (found.length > 0) return found;
    // A circle shows no violation of its own: the search that gave it says which.
    const isRecorded = recorded.answers.length === timeline.answers.length && recorded.answers.every((a, n) => a === timeline.answers[n]);
    return isRecorded && timeline.position.at === recorded.answers.length ? recorded.violations : [];
  }

  /** Byte number `index` of the run came to a serial port: it is told once, however often the run comes by. */
  hear(byte: number, index: number): void {
    if (index < this.#heard) return;
    this.#heard = index + 1;
    this.#serial.push(byte);
  }

  /** What serial ports got since it was last asked for: whole lines, or all of it. */
  takeSerial(all: boolean): string {
    const end = all ? this.#serial.length : this.#serial.lastIndexOf(0x0a) + 1;
    const text = new TextDecoder().decode(Uint8Array.from(this.#serial.slice(0, end)));
    this.#serial = this.#serial.slice(end);
    return text;
  }

  /** Patch sites by their first address. */
  get sites(): readonly bigint[] {
    return this.world?.sites.map((s) => s.address) ?? [];
  }

  release(): void {
    if (this.world === undefined) this.timeline.machine.release();
    else this.world.release();
  }
}

/** Throws where what is named is not there, without the search for a run: `E_TOKEN`, `E_SCENARIO`, `E_FILE`. */
export async function checkTarget(host: DapHost, { what, scenarios, engine }: Target): Promise<void> {
  if (what.kind === 'program') {
    host.readFile(what.file);
    return;
  }
  const known = await host.scenarios(scenarios);
  if (what.kind === 'token') {
    findToken(what.token, host.runner(engine).fixtures, known);
    return;
  }
  const scenario = scenarioOf(what.scenario, known);
  if (what.variant !== undefined) variantOf(scenario, what.variant);
}

/** Opens what is to be debugged, at its start. Throws as the parts do: `E_TOKEN`, `E_SCENARIO`, `E_FILE`, `E_ELF`, `E_USAGE`... */
export async function openRun(host: DapHost, target: Target): Promise<Run> {
  const { what } = target;
  if (what.kind === 'program') return openProgram(host, what, target.engine);
  const scenarios = await host.scenarios(target.scenarios);
  const runner = host.runner(target.engine);
  if (what.kind === 'token') return runOf(openToken(runner, what.token, scenarios));
  const scenario = scenarioOf(what.scenario, scenarios);
  const cell = cellOf(scenario, what);
  // As `textpoke gdb` has it: without a name the first that fails.
  const failing = scenario.variants.find((v) => expectedOf(v.expected, cell.fetch) !== 'ok') ?? scenario.variants[0];
  const variant = variantOf(scenario, what.variant ?? failing?.name ?? '');
  const budget = what.maxSteps === undefined ? undefined : { maxSteps: what.maxSteps };
  return runOf(openCell(runner, scenario, variant, cell, budget).session);
}

function cellOf(scenario: Scenario, { victims, fetch, memory, sites, calls }: Extract<What, { kind: 'scenario' }>): Cell {
  const usual = usualCell(scenario);
  return {
    victims: victims ?? usual.victims,
    fetch: fetch ?? usual.fetch,
    memory: memory ?? usual.memory,
    ...(sites !== undefined && { sites }),
    ...(calls !== undefined && { calls }),
  };
}

const runOf = (session: Session): Run => new Run(`${session.scenario.name} ${session.variant.name}`, session.timeline, { session });

/** What the parts of loading are called in a launch configuration. */
const word: Loading['word'] = (name) => `"${name}"`;

function openProgram(host: DapHost, what: Extract<What, { kind: 'program' }>, engine: Target['engine']): Run {
  const bytes = host.readFile(what.file);
  const image = loadImage({ ...what, word }, bytes);
  let run: Run | undefined;
  const bare = new BareMachine(image, {
    cores: what.cores,
    ramBytes: what.ramBytes,
    // As `run` and `gdb` have it.
    engine: engine ?? 'region',
    entry: what.entry === undefined ? undefined : entryOf(image, what.entry),
    commandLine: checkCommandLine(image, what.commandLine, word),
    journal: true,
    serial: (_, byte, index) => run?.hear(byte, index),
  });
  const timeline = new BareTimeline(bare);
  run = new Run(what.file, timeline, { bare });
  return run;
}
