import { Command, CommanderError } from 'commander';
import { Exit } from '../error.ts';
import { formatHelp } from './help.ts';
import type { Io } from './io.ts';
import { reportError } from './report-error.ts';
import { unknownVerb, usageError } from './usage-error.ts';
import { VERSION } from './version.ts';

/** The verbs in the order of the help. Each is loaded only when it is needed: most of what a verb says of itself takes the catalogue of scenarios. */
const VERBS: Readonly<Record<string, () => Promise<{ define(program: Command, io: Io): void }>>> = {
  start: () => import('./verbs/start.ts'),
  list: () => import('./verbs/list.ts'),
  run: () => import('./verbs/run.ts'),
  explore: () => import('./verbs/explore.ts'),
  matrix: () => import('./verbs/matrix.ts'),
  mutants: () => import('./verbs/mutants.ts'),
  replay: () => import('./verbs/replay.ts'),
  explain: () => import('./verbs/explain.ts'),
  trace: () => import('./verbs/trace.ts'),
  step: () => import('./verbs/step.ts'),
  gdb: () => import('./verbs/gdb.ts'),
  dap: () => import('./verbs/dap.ts'),
  cc: () => import('./verbs/cc.ts'),
  litmus: () => import('./verbs/litmus.ts'),
  asm: () => import('./verbs/asm.ts'),
  dis: () => import('./verbs/dis.ts'),
  view: () => import('./verbs/view.ts'),
  doctor: () => import('./verbs/doctor.ts'),
};

/** The program with all its verbs, or with the one that is named, if there is one of that name, or with none where `--version` is asked; nothing runs yet. */
export async function buildProgram(io: Io, verb?: string): Promise<Command> {
  const program = new Command('textpoke')
    .description('Runs x86-64 kernel text patching on emulated cores and finds, settles and replays its races.')
    .version(VERSION, '--version')
    .helpCommand(false)
    .showSuggestionAfterError(false)
    .exitOverride()
    .configureHelp({ formatHelp })
    .configureOutput({ writeOut: (text) => io.stdout(text), writeErr: (text) => io.stderr(text), outputError: () => {} });
  const named = Object.entries(VERBS).filter(([name]) => name === verb);
  const wanted = named.length > 0 || verb === '--version' ? named : Object.entries(VERBS);
  for (const { define } of await Promise.all(wanted.map(([, load]) => load()))) define(program, io);
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
    const program = await buildProgram(io, argv[0]);
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
