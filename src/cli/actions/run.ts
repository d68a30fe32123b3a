import { Exit, TextpokeError } from '../../error.ts';
import type { Image } from '../../image/image.ts';
import { BARE_MAX_CORES, BARE_MAX_RAM_BYTES, BareMachine } from '../../kernel/bare.ts';
import { callerText, endedWell, endText, placeName } from '../../kernel/bare-report.ts';
import { type BareCoreResult, type BareResult, bareTurns } from '../../kernel/bare-run.ts';
import { checkCommandLine, entryOf, type Loading, loadImage } from '../../kernel/load.ts';
import { screenText } from '../../kernel/pc.ts';
import type { EngineName } from '../../machine/machine.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';
import { emitEvent } from '../json.ts';
import { groupDigits } from '../progress.ts';
import { stopCallback } from '../stop.ts';

export interface RunOptions extends SharedFlags {
  /** Path of an ELF executable, a flat binary, a multiboot kernel or a raw disk. */
  readonly file: string;
  /** A symbol or a hexadecimal address; the image's own entry when undefined. */
  readonly entry: string | undefined;
  /** Where a flat binary is loaded. */
  readonly base: bigint | undefined;
  /** The file is a raw disk, whatever it looks like. */
  readonly isDisk: boolean;
  /** Of a multiboot kernel. */
  readonly commandLine: string | undefined;
  /** The text screen of a PC is shown at the end. */
  readonly showsScreen: boolean;
}

/** What flags leave open: instructions of all cores together (about a second), bytes of RAM. */
const DEFAULT_STEPS = 100_000_000;
export const DEFAULT_RAM_BYTES = 64 << 20;

/**
 * Loads an image, runs it on emulated cores, prints its serial output as it comes and how each core ended. Returns the exit code: 0 when every core
 * ended with code 0 or a halt, 1 when one ended with another code or an exception. Throws `E_BUDGET` when the instructions or the time are spent.
 *
 * What it models is written at `BareMachine`: coherent instruction fetch and no store buffers, in a fixed order of turns.
 */
export async function runAction(options: RunOptions, io: Io): Promise<number> {
  const engine = checkFlags(options);
  const image = loadImage({ ...options, word: flagOf }, io.readFile(options.file));
  if (options.showsScreen && image.boot === undefined)
    throw new TextpokeError('E_USAGE', 'only what boots has a screen', { where: '--screen', hint: 'leave it out' });
  const serial = serialPrinter(io, options.json);
  const bare = new BareMachine(image, {
    cores: options.cores ?? 1,
    ramBytes: options.maxMemory ?? DEFAULT_RAM_BYTES,
    engine,
    entry: options.entry === undefined ? undefined : entryOf(image, options.entry),
    commandLine: checkCommandLine(image, options.commandLine, flagOf),
    serial: serial.byte,
  });
  const maxInstructions = options.maxSteps ?? DEFAULT_STEPS;
  const reason = stopCallback(io, options);
  let result: BareResult;
  try {
    const turns = bareTurns(bare, { maxInstructions, stop: () => reason() !== undefined, turn: serial.flush });
    result = await toItsEnd(turns, io);
  } finally {
    serial.end();
  }
  const spent =
    result.cause === 'ended'
      ? undefined
      : spentError(image, result, result.cause === 'budget' ? maxInstructions : (reason() ?? 'time'), options);
  const exit = spent?.exitCode ?? (result.cores.every(({ end }) => endedWell(end)) ? Exit.ok : Exit.violation);
  if (options.showsScreen) showScreen(bare, options, io);
  report(image, result, exit, options, io);
  if (spent !== undefined) throw spent;
  return exit;
}

/** Milliseconds after which ^C is listened for. */
const LISTEN_EVERY = 50;

async function toItsEnd<T>(turns: Generator<undefined, T>, io: Io): Promise<T> {
  for (let due = io.now() + LISTEN_EVERY; ; ) {
    const { done, value } = turns.next();
    if (done === true) return value;
    if (io.now() < due) continue;
    await io.listen();
    due = io.now() + LISTEN_EVERY;
  }
}

/** Refuses what an image alone cannot have, rather than ignoring it. Throws E_USAGE. */
export function checkFlags({ cores, maxMemory, engine }: Pick<RunOptions, 'cores' | 'maxMemory' | 'engine'>): EngineName {
  const refuse = (message: string, where: string, hint: string): TextpokeError => new TextpokeError('E_USAGE', message, { where, hint });
  if ((cores ?? 1) > BARE_MAX_CORES)
    throw refuse(`a machine has at most ${BARE_MAX_CORES} cores`, `--cores ${cores}`, `for example --cores ${BARE_MAX_CORES}`);
  if ((maxMemory ?? 0) > BARE_MAX_RAM_BYTES) {
    throw refuse(
      `a machine has at most ${BARE_MAX_RAM_BYTES >> 20} MiB of RAM`,
      '--max-memory',
      `for example --max-memory ${BARE_MAX_RAM_BYTES >> 20}M`,
    );
  }
  return engine ?? 'region';
}

/** What the parts of loading are called on a command line. */
export const flagOf: Loading['word'] = (name) => (name === 'commandLine' ? '--command-line' : `--${name}`);

/** Shows serial bytes by lines, and what is left of one after a turn of a core. */
function serialPrinter(io: Io, json: boolean) {
  const decoder = new TextDecoder();
  let pending: number[] = [];
  let from = 0;
  let midLine = false;
  const write = (last: boolean): void => {
    const text = decoder.decode(Uint8Array.from(pending), { stream: !last });
    pending = [];
    if (text === '') return;
    midLine = !text.endsWith('\n');
    if (json) emitEvent(io, 'serial', { core: from, text });
    else io.stdout(text);
  };
  return {
    byte(core: number, byte: number): void {
      if (json && core !== from) write(false);
      from = core;
      pending.push(byte);
      if (byte === 0x0a) write(false);
    },
    flush: (): void => {
      if (pending.length > 0) write(false);
    },
    end(): void {
      write(true);
      if (midLine && !json) io.stdout('\n');
    },
  };
}

/** The text in the memory of the screen; lines at its end that are empty are left out. */
function showScreen({ machine }: BareMachine, { json }: RunOptions, io: Io): void {
  const lines = screenText(machine);
  if (json) emitEvent(io, 'screen', { lines });
  else io.stdout(lines.map((line) => `| ${line}\n`).join(''));
}

function report(image: Image, result: BareResult, exit: number, { json, quiet }: RunOptions, io: Io): void {
  if (json) {
    for (const { core, end, instructions } of result.cores) {
      const { kind, trap, ...rest } = { trap: undefined, ...end };
      emitEvent(io, 'core', {
        core,
        how: trap?.kind ?? kind,
        ...rest,
        ...(trap && { ...trap, kind: undefined }),
        text: endText(image, end),
        instructions,
      });
    }
    emitEvent(io, 'end', { cause: result.cause, instructions: result.instructions, exit });
    return;
  }
  if (quiet) return;
  for (const { core, end, instructions } of result.cores) {
    io.stdout(`core ${core}: ${endText(image, end)}, ${counted(instructions)}\n`);
    const caller = end.kind === 'trapped' ? callerText(image, end.trap) : undefined;
    if (caller !== undefined) io.stdout(`   return address on its stack: ${caller}\n`);
  }
}

const counted = (n: number): string => `${groupDigits(n)} instruction${n === 1 ? '' : 's'}`;

/** Why a run that has not ended is over. Exit code 125; 130 after ^C. */
function spentError(image: Image, result: BareResult, spent: number | 'time' | 'interrupt', { maxSeconds }: RunOptions): TextpokeError {
  const running = result.cores.flatMap(({ core, end }: BareCoreResult) =>
    end.kind === 'running' ? [`core ${core} at ${placeName(image, end.rip)}`] : [],
  );
  const where = running.slice(0, 3).join('; ');
  const still = `${running.length} of ${result.cores.length} core${result.cores.length === 1 ? '' : 's'} still running`;
  if (spent === 'interrupt') return new TextpokeError('E_BUDGET', `interrupted with ${still}`, { where, exitCode: Exit.interrupted });
  const what = spent === 'time' ? `${maxSeconds} seconds are spent` : `${counted(spent)} are spent`;
  const more = spent === 'time' ? '--max-seconds' : '--max-steps';
  return new TextpokeError('E_BUDGET', `${what} with ${still}`, {
    where,
    hint: `give more with ${more}, or look there for a loop that nothing ends`,
  });
}
