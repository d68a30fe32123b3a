import { Command, CommanderError } from 'commander';
import { Exit } from '../error.ts';
import { formatHelp } from './help.ts';
import type { Io } from './io.ts';
import { reportError } from './report-error.ts';
import { unknownVerb, usageError } from './usage-error.ts';
import * as asm from './verbs/asm.ts';
import * as cc from './verbs/cc.ts';
import * as dap from './verbs/dap.ts';
import * as dis from './verbs/dis.ts';
import * as doctor from './verbs/doctor.ts';
import * as explain from './verbs/explain.ts';
import * as explore from './verbs/explore.ts';
import * as gdb from './verbs/gdb.ts';
import * as list from './verbs/list.ts';
import * as litmus from './verbs/litmus.ts';
import * as matrix from './verbs/matrix.ts';
import * as mutants from './verbs/mutants.ts';
import * as replay from './verbs/replay.ts';
import * as run from './verbs/run.ts';
import * as start from './verbs/start.ts';
import * as step from './verbs/step.ts';
import * as trace from './verbs/trace.ts';
import * as view from './verbs/view.ts';
import { VERSION } from './version.ts';

const VERBS = [start, list, run, explore, matrix, mutants, replay, explain, trace, step, gdb, dap, cc, litmus, asm, dis, view, doctor];

/** The program with all its verbs; nothing runs yet. */
export function buildProgram(io: Io): Command {
  const program = new Command('textpoke')
    .description('Runs x86-64 kernel text patching on emulated cores and finds, settles and replays its races.')
    .version(VERSION, '--version')
    .helpCommand(false)
    .showSuggestionAfterError(false)
    .exitOverride()
    .configureHelp({ formatHelp })
    .configureOutput({ writeOut: (text) => io.stdout(text), writeErr: (text) => io.stderr(text), outputError: () => {} });
  for (const verb of VERBS) verb.define(program, io);
  return program;
}

/** `help VERB` is `VERB --help`. */
function normalize(argv: readonly string[]): readonly string[] {
  if (argv[0] !== 'help') return argv;
  return argv[1] === undefined ? ['--help'] : [argv[1], '--help'];
}

/** Runs the program with these arguments (those after `textpoke`) and returns its exit code. Never throws. */
export async function runProgram(given: readonly string[], io: Io): Promise<number> {
  const argv = normalize(given);
  const end = argv.indexOf('--');
  const has = (flag: string): boolean => (end < 0 ? argv : argv.slice(0, end)).includes(flag);
  // Parsing itself may be what fails, so the flags that say how to report are looked for in the plain text.
  const options = { json: has('--json'), color: !has('--no-color'), verbose: has('--verbose') };
  try {
    const program = buildProgram(io);
    try {
      if (argv.length === 0) {
        io.stderr(formatHelp(program, program.createHelp()));
        return Exit.usage;
      }
      const unknown = unknownVerb(program, argv);
      if (unknown !== undefined) throw unknown;
      await program.parseAsync([...argv], { from: 'user' });
      return io.exitCode;
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error;
      if (error.exitCode === 0) return Exit.ok;
      throw usageError(error, program, argv);
    }
  } catch (error) {
    return reportError(error, io, options);
  }
}
