import type { Command } from 'commander';
import { type FlagGroup, readFlags, type SharedFlags, takeFlags } from './flags.ts';
import { setVerbHelp } from './help.ts';
import type { Io } from './io.ts';

/** What a verb is called with, all validated except its own flags. */
export interface Invocation {
  /** The positional arguments. */
  readonly args: readonly string[];
  /** The verb's own flags as commander gives them. */
  readonly own: Readonly<Record<string, unknown>>;
  readonly flags: SharedFlags;
  /** Where to write: stdout may be collected for `--out`. */
  readonly io: Io;
}

/** A verb as the command line sees it. */
export interface Verb {
  readonly name: string;
  /** Positional arguments in commander's notation: `[family...]`, `<token>`. */
  readonly args?: string;
  /** Positional arguments as the help shows them. */
  readonly usage?: string;
  /** A few words for the list of verbs. */
  readonly summary: string;
  /** What the verb does, in a sentence or two. */
  readonly description: string;
  readonly groups: readonly FlagGroup[];
  /** Flags of its own that the help shows on lines of their own, with a heading. */
  readonly more?: readonly [heading: string, usages: readonly string[]];
  /** Two command lines without `textpoke`. */
  readonly examples: readonly string[];
  /** Does the work and returns the exit code. Errors that a person can cause are thrown as `TextpokeError`. */
  act(invocation: Invocation): Promise<number> | number;
}

/** Collects what goes to stdout, for `--out`. A file is no terminal. */
function collecting(io: Io): { readonly io: Io; text(): string } {
  const parts: string[] = [];
  const collector: Io = Object.create(io, {
    stdout: { value: (text: string) => parts.push(text) },
    isTTY: { value: { stdout: false, stderr: io.isTTY.stderr } },
  });
  return { io: collector, text: () => parts.join('') };
}

/** Adds a verb to the program; returns its command for the verb's own options. */
export function addVerb(program: Command, io: Io, verb: Verb): Command {
  const command = program
    .command(verb.args === undefined ? verb.name : `${verb.name} ${verb.args}`)
    .summary(verb.summary)
    .description(verb.description)
    .usage(verb.usage ?? ' ');
  takeFlags(command, verb.groups);
  setVerbHelp(command, verb);
  command.action(async () => {
    const flags = readFlags(command, io);
    const invocation = { args: command.args, own: command.opts<Record<string, unknown>>(), flags };
    if (flags.out === undefined) {
      io.exitCode = await verb.act({ ...invocation, io });
      return;
    }
    const collected = collecting(io);
    try {
      io.exitCode = await verb.act({ ...invocation, io: collected.io });
    } finally {
      // Also after an error: what was found before it is worth having.
      io.writeFile(flags.out, collected.text());
    }
  });
  return command;
}
