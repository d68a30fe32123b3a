import { resolve } from 'node:path';
import process from 'node:process';
import { BareTimeline } from '../../debug/timeline/bare-timeline.ts';
import { parsePosition, positionText } from '../../debug/timeline/position.ts';
import { openCell, openToken, type Session } from '../../debug/timeline/session.ts';
import { Exit, TextpokeError } from '../../error.ts';
import { CHECK_TITLES } from '../../explore/violation.ts';
import type { Bits } from '../../gdb/registers.ts';
import { SerialLog } from '../../gdb/serial.ts';
import { listen, serveStreams } from '../../gdb/server.ts';
import type { ExecFile, Target } from '../../gdb/target.ts';
import { bareTarget, scheduleTarget } from '../../gdb/targets.ts';
import { BareMachine } from '../../kernel/bare.ts';
import { checkCommandLine, entryOf, loadImage } from '../../kernel/load.ts';
import { CellRunner } from '../../scenario/matrix.ts';
import { expectedOf, plainCell, type Scenario, variantOf } from '../../scenario/scenario.ts';
import { fixtures } from '../fixtures.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';
import { packageFile } from '../package-file.ts';
import { progressLine } from '../progress.ts';
import { sayCell } from '../report.ts';
import { knownScenarios, oneScenario, type Scenarios } from '../scenarios.ts';
import { searchSettings } from '../search-options.ts';
import { untilClosed } from '../until-closed.ts';
import { cellOf } from './explore.ts';
import { checkFlags, DEFAULT_RAM_BYTES, flagOf } from './run.ts';

export interface GdbOptions extends SharedFlags {
  /** A scenario, a file of scenarios, an image's path; a token is in `token`, too. */
  readonly what: string;
  readonly token: string | undefined;
  /** A file of scenarios. */
  readonly scenarios: string | undefined;
  /** Of a scenario; undefined: the first that fails. */
  readonly variant: string | undefined;
  readonly victims: number | undefined;
  /** Of an image, as `run` has them. */
  readonly entry: string | undefined;
  readonly base: bigint | undefined;
  readonly isDisk: boolean;
  readonly commandLine: string | undefined;
  /** Of an image: the code that gdb takes all code for; undefined: what the file says. */
  readonly bits: Bits | undefined;
  /** A position, or `end`. */
  readonly at: string | undefined;
  readonly port: number;
  readonly stdio: boolean;
  readonly once: boolean;
  readonly sendFile: boolean;
}

/** What is served, and what to say of it. */
interface Opened {
  readonly target: Target;
  readonly lines: readonly string[];
}

/** Serves a run to gdb until there is no client any more, or ^C. 0 when it ended as it should. */
export async function gdbAction(options: GdbOptions, io: Io): Promise<number> {
  const { target, lines } = await open(options, io);
  const { timeline } = target;
  if (options.at === 'end') goToEnd(target, options);
  else if (options.at !== undefined) timeline.goto(parsePosition(options.at));
  const log = (text: string): void => {
    if (!options.quiet) io.stderr(`${text}\n`);
  };
  if (options.stdio) {
    // A ^C in gdb's terminal is for gdb, which says so through the connection.
    process.on('SIGINT', () => {});
    await serveStreams(target, process.stdin, process.stdout, options.verbose ? log : () => {});
    return Exit.ok;
  }
  const server = await listen(target, { port: options.port, once: options.once, log });
  const end = target.schedule === undefined ? '' : ` of ${positionText(timeline.end)}`;
  const head = [...lines, `${positionText(timeline.position)}${end}`];
  if (!options.quiet) io.stdout(`${head.join('\n')}\n`);
  io.stdout(`listening 127.0.0.1:${server.port}   try: ${commandFor(target, server.port)}\n`);
  return untilClosed(server);
}

/** Instructions after which the run of an image is given up, as `run` has it. */
const MOST_INSTRUCTIONS = 100_000_000;

/** The end of an image's run is not known before it was there. */
function goToEnd({ schedule, timeline }: Target, { maxSteps }: GdbOptions): void {
  if (schedule === undefined) timeline.play({ at: maxSteps ?? MOST_INSTRUCTIONS, inside: 0 });
  else timeline.goto(timeline.end);
}

/** Fixtures name their sources from the root of the package. */
const ROOT = packageFile('.').replace(/\/$/, '');

function commandFor(target: Target, port: number): string {
  const sources =
    target.execFile?.path.startsWith(`${ROOT}/fixtures/`) === true && process.cwd() !== ROOT ? ` -ex 'directory ${ROOT}'` : '';
  return `gdb${sources} -ex 'target remote :${port}'`;
}

async function open(options: GdbOptions, io: Io): Promise<Opened> {
  const named = options.token === undefined ? [options.what] : [];
  const isFile = options.token === undefined && looksLikeImage(options.what);
  if (isFile) return openFile(options, io);
  const { known, names } = await knownScenarios(options.scenarios, named, io);
  refuse(
    options,
    ['entry', 'base', 'maxMemory', 'commandLine', 'bits'],
    'only an image alone has this',
    '--entry, --base, --command-line, --bits and --max-memory go with a FILE',
  );
  const runner = new CellRunner(fixtures(io), options.engine);
  const [session, story] =
    options.token === undefined ? chosen(runner, known, names, options, io) : fromToken(runner, options.token, known, options);
  const { scenario, variant, cell } = session;
  return {
    target: scheduleTarget(session, execFileOf(scenario, options, io)),
    lines: [
      `${scenario.name} ${variant.name}: ${variant.title}`,
      sayCell(cell),
      story,
      ...session.recorded.violations.map((v) => `it ends with ${v.check} (${CHECK_TITLES[v.check]}): ${v.message}`),
    ],
  };
}

/** A path of an ELF or a flat binary, which no scenario is called. */
const looksLikeImage = (what: string): boolean =>
  /\.(elf|bin|out|o|img|iso)$/i.test(what) || what.startsWith('./') || what.startsWith('/') || what.split('/').length > 2;

function refuse(options: GdbOptions, names: readonly (keyof GdbOptions)[], message: string, hint: string): void {
  const given = names.filter((name) => options[name] !== undefined);
  if (given.length > 0) throw new TextpokeError('E_USAGE', message, { where: given.map((name) => `--${name}`).join(' '), hint });
}

function fromToken(runner: CellRunner, token: string, known: Scenarios, options: GdbOptions): readonly [Session, string] {
  refuse(
    options,
    ['variant', 'victims', 'fetch', 'memory', 'cores'],
    'a token says its variant and models itself',
    'name a scenario instead of the token',
  );
  const session = openToken(runner, token, known.all);
  return [session, token];
}

/** The shortest run that breaks the variant, or one that goes on by itself. */
function chosen(runner: CellRunner, known: Scenarios, names: readonly string[], options: GdbOptions, io: Io): readonly [Session, string] {
  const scenario = oneScenario(known, names[0]);
  const { victims, cores, fetch, memory } = options;
  const asked = cellOf(scenario, { victims, cores, fetch, memory });
  const variant =
    options.variant === undefined
      ? (scenario.variants.find((v) => expectedOf(v.expected, asked.fetch) !== 'ok') ?? scenario.variants[0]!)
      : variantOf(scenario, options.variant);
  const progress = progressLine(io, options);
  const { budget } = searchSettings(options, io, progress, variant.name);
  const { session, token } = openCell(runner, scenario, variant, plainCell(scenario, variant.name, asked), budget);
  progress.clear();
  return [session, token === undefined ? 'no run that fails was found: this is one that goes on by itself' : `a run that fails: ${token}`];
}

/** The built file of a scenario's fixture; an image that a scenario made itself has none. */
function execFileOf({ image }: Scenario, { sendFile }: GdbOptions, io: Io): ExecFile | undefined {
  if (image !== undefined && typeof image !== 'string') return undefined;
  const name = image ?? 'lab';
  const path = `${ROOT}/fixtures/${name}/${name}.elf`;
  return { path, sent: sendFile, bytes: () => io.readFile(path) };
}

/** The byte of an ELF file that says how many bits its addresses have. */
const EI_CLASS = 4;
const ELFCLASS32 = 1;

function openFile(options: GdbOptions, io: Io): Opened {
  refuse(
    options,
    ['variant', 'victims', 'fetch', 'memory'],
    'an image alone has one memory and coherent fetch',
    'these flags go with a SCENARIO',
  );
  const engine = checkFlags(options);
  const { what } = options;
  const bytes = io.readFile(what);
  const image = loadImage({ file: what, base: options.base, entry: options.entry, isDisk: options.isDisk, word: flagOf }, bytes);
  const serial = new SerialLog();
  const bare = new BareMachine(image, {
    cores: options.cores ?? 1,
    ramBytes: options.maxMemory ?? DEFAULT_RAM_BYTES,
    engine,
    entry: options.entry === undefined ? undefined : entryOf(image, options.entry),
    journal: true,
    commandLine: checkCommandLine(image, options.commandLine, flagOf),
    serial: (_core, byte, index) => serial.byte(byte, index),
  });
  const isFlat = /\.bin$/i.test(what) || options.base !== undefined || image.boot?.kind === 'disk';
  const path = resolve(what);
  const execFile = isFlat ? undefined : { path, sent: options.sendFile, bytes: () => io.readFile(what) };
  return {
    target: bareTarget(
      new BareTimeline(bare),
      serial,
      execFile,
      options.bits ?? (execFile !== undefined && bytes[EI_CLASS] === ELFCLASS32 ? 32 : 64),
    ),
    lines: [`${what} on ${bare.machine.cores.length} ${bare.machine.cores.length === 1 ? 'core' : 'cores'}`],
  };
}
