import { type Outcome, perform } from '../../debug/stepper/commands.ts';
import { Console } from '../../debug/stepper/console.ts';
import { keysOf } from '../../debug/stepper/keys.ts';
import { plainLines } from '../../debug/stepper/screen.ts';
import { Stepper } from '../../debug/stepper/stepper.ts';
import { viewOf } from '../../debug/stepper/view.ts';
import { positionText } from '../../debug/timeline/position.ts';
import { openCell, openToken, type Session } from '../../debug/timeline/session.ts';
import { Exit, TextpokeError } from '../../error.ts';
import { CellRunner } from '../../scenario/matrix.ts';
import { expectedOf, variantOf } from '../../scenario/scenario.ts';
import { fixtures } from '../fixtures.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';
import { progressLine } from '../progress.ts';
import { knownScenarios, oneScenario, type Scenarios } from '../scenarios.ts';
import { searchSettings } from '../search-options.ts';
import { styleFor } from '../style.ts';
import { nodeTerminal, type Terminal } from '../terminal.ts';
import { cellOf } from './explore.ts';

export interface StepOptions extends SharedFlags {
  readonly target: { readonly token: string } | { readonly scenario: string };
  /** A file of scenarios. */
  readonly scenarios: string | undefined;
  /** Of a scenario; undefined: the first that fails. */
  readonly variant: string | undefined;
  readonly victims: number | undefined;
  /** Where to begin. */
  readonly at: string | undefined;
}

/** Lets a person go through a run, both ways, on a screen or line by line; prints the token of what it was at the end. 0, or 129 when a line was no command. */
export async function stepAction(options: StepOptions, io: Io, terminal: Terminal = nodeTerminal()): Promise<number> {
  if (options.json)
    throw new TextpokeError('E_USAGE', 'the stepper is for people', {
      where: '--json',
      hint: 'textpoke trace TOKEN --at @N --json tells a place of a run to programs',
    });
  const named = 'scenario' in options.target ? [options.target.scenario] : [];
  const { known, names } = await knownScenarios(options.scenarios, named, io);
  const session = open(known, names, options, io);
  const stepper = new Stepper(session);
  const { fetch, memory } = session.cell;
  const machine = `${fetch} ${memory}`;
  let exit: number = Exit.ok;
  try {
    if (options.at !== undefined) stepper.gotoText(options.at);
    exit =
      terminal.isScreen && io.isTTY.stdout
        ? await onScreen(stepper, machine, options, io, terminal)
        : await byLines(stepper, machine, options, io, terminal);
    const token = session.token();
    if (token !== undefined) io.stdout(`replay   textpoke replay ${token}${known.flags}\n`);
  } finally {
    stepper.release();
  }
  return exit;
}

function open(known: Scenarios, names: readonly string[], options: StepOptions, io: Io): Session {
  const runner = new CellRunner(fixtures(io), options.engine);
  const { target, victims, fetch, memory } = options;
  if ('token' in target) {
    const given = Object.entries({ variant: options.variant, victims, fetch, memory }).filter(([, value]) => value !== undefined);
    if (given.length === 0) return openToken(runner, target.token, known.all);
    throw new TextpokeError('E_USAGE', 'a token says its variant and models itself', {
      where: given.map(([name, value]) => `--${name} ${value}`).join(' '),
      hint: 'name a scenario instead of the token',
    });
  }
  const scenario = oneScenario(known, names[0]);
  const cell = cellOf(scenario, { victims, fetch, memory });
  const variant =
    options.variant === undefined
      ? (scenario.variants.find((v) => expectedOf(v.expected, cell.fetch) !== 'ok') ?? scenario.variants[0]!)
      : variantOf(scenario, options.variant);
  const progress = progressLine(io, options);
  progress.show(`looking for a run of ${scenario.name} ${variant.name}`);
  const { budget } = searchSettings(options, io, progress, variant.name);
  const { session, token } = openCell(runner, scenario, variant, cell, budget);
  progress.clear();
  if (!options.quiet) {
    const which = token === undefined ? 'a run that goes on by itself: none was found that fails' : 'the shortest run that fails';
    io.stderr(`${scenario.name} ${variant.name}: ${which}\n`);
  }
  return session;
}

// ---- line by line ----

/** Slices of a run that one command may take where nobody can stop it. */
const MOST_SLICES = 20_000;

async function byLines(stepper: Stepper, machine: string, options: StepOptions, io: Io, terminal: Terminal): Promise<number> {
  const colour = styleFor(io, 'stdout', options.color).isColorSupported;
  const show = (only?: Parameters<typeof plainLines>[3]): void =>
    io.stdout(`${plainLines(viewOf(stepper, machine), options.width, colour, only).join('\n')}\n`);
  const ask = (): void => io.stdout(`${positionText(stepper.timeline.position)}> `);
  /** The place and the run: what need not be shown again. */
  const place = (): string =>
    `${positionText(stepper.timeline.position)} ${stepper.timeline.answers.length} ${stepper.leftAt} ${stepper.focus}`;
  let exit: number = Exit.ok;
  show();
  ask();
  for await (const text of terminal.lines()) {
    // What was not typed is not to be seen otherwise.
    if (!terminal.isTyped) io.stdout(`${text}\n`);
    if (text.trim() !== '') {
      try {
        const before = place();
        const outcome = perform(stepper, text);
        if (outcome.kind === 'quit') return exit;
        if (outcome.kind === 'panel') show(outcome.panel);
        else {
          const said = outcome.kind === 'told' ? outcome.text : lastOf(outcome.run);
          if (said !== '') io.stdout(`${said}\n`);
          if (place() !== before || (outcome.kind === 'told' && outcome.moved && said === '')) show();
        }
      } catch (error) {
        if (!(error instanceof TextpokeError)) throw error;
        io.stdout(`error: ${error.message}${error.hint === undefined ? '' : `\n   hint: ${error.hint}`}\n`);
        if (!terminal.isTyped) exit = Exit.usage;
      }
    }
    ask();
  }
  io.stdout('\n');
  return exit;
}

function lastOf(run: Extract<Outcome, { kind: 'running' }>['run']): string {
  let slices = 0;
  for (const said of run) {
    if (said !== undefined) return said;
    if (++slices === MOST_SLICES) return 'it has run for long: c goes on';
  }
  return '';
}

// ---- on a screen ----

/** The alternate screen, without a cursor; and back. */
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[0m\x1b[?25h\x1b[?1049l';

function onScreen(stepper: Stepper, machine: string, options: StepOptions, io: Io, terminal: Terminal): Promise<number> {
  const colour = styleFor(io, 'stdout', options.color).isColorSupported;
  const console = new Console(stepper, machine);
  return new Promise((resolve, reject) => {
    let running: Generator<string | undefined, void> | undefined;
    const draw = (): void => {
      const { columns, rows } = terminal.size();
      const lines = console.lines(columns, rows, colour);
      terminal.write(`\x1b[H${lines.map((l) => `\x1b[2K${l}`).join('\r\n')}\x1b[J`);
    };
    const end = (settle: () => void): void => {
      running = undefined;
      stop();
      process.off('SIGTERM', terminated);
      terminal.write(LEAVE);
      settle();
    };
    /** Nothing that goes wrong leaves the terminal as it is here. */
    const guarded = (act: () => void): void => {
      try {
        act();
      } catch (error) {
        end(() => reject(error));
      }
    };
    /** A slice of the run, then whatever was typed. */
    const goOn = (): void =>
      guarded(() => {
        if (running === undefined) return;
        const { value, done } = running.next();
        if (value === undefined && done !== true) {
          setImmediate(goOn);
          return;
        }
        running = undefined;
        console.tell(value ?? '');
        draw();
      });
    const press = (key: string): boolean => {
      if (running !== undefined) {
        running = undefined;
        console.tell('stopped');
        return true;
      }
      const pressed = console.press(key);
      if (pressed.kind === 'quit') {
        end(() => resolve(key === 'interrupt' ? Exit.interrupted : Exit.ok));
        return false;
      }
      if (pressed.kind === 'running') {
        running = pressed.run;
        console.tell('running: any key stops it');
        setImmediate(goOn);
      }
      return true;
    };
    const terminated = (): void => end(() => resolve(Exit.interrupted));
    terminal.write(ENTER);
    process.once('SIGTERM', terminated);
    const stop = terminal.keys(
      (input) =>
        guarded(() => {
          if (keysOf(input).every(press)) draw();
        }),
      () => guarded(draw),
    );
    guarded(draw);
  });
}
