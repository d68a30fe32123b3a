import type { Command } from 'commander';
import { type FlagGroup, readFlags, type SharedFlags, takeFlags } from './flags.ts';
import { setVerbHelp } from './help.ts';
import type { Io, OpenFile } from './io.ts';

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

/** What goes to stdout goes to a file, for `--out`; the file is begun anew with the first of it. A file is no terminal. */
function intoFile(io: Io, path: string): { readonly io: Io; close(): void } {
  let file: OpenFile | undefined;
  const opened = (): OpenFile => {
    file ??= io.openFile(path);
    return file;
  };
  const writer: Io = Object.create(io, {
    stdout: { value: (data: string | Uint8Array) => opened().write(data) },
    isTTY: { value: { stdout: false, stderr: io.isTTY.stderr } },
  });
  return { io: writer, close: () => opened().close() };
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
    const file = intoFile(io, flags.out);
    try {
      io.exitCode = await verb.act({ ...invocation, io: file.io });
    } finally {
      // Also after an error: what was found before it is worth having.
      file.close();
    }
  });
  return command;
}
