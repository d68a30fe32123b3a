import type { Command, Help } from 'commander';
import { Exit } from '../error.ts';
import { type FlagGroup, usagesOf } from './flags.ts';

/** What the help of a verb shows besides its own flags. */
export interface VerbHelp {
  readonly groups: readonly FlagGroup[];
  readonly more?: readonly [heading: string, usages: readonly string[]];
  readonly examples: readonly string[];
}

const WIDTH = 80;
const helpOf = new WeakMap<Command, VerbHelp>();

/** Remembers what the help of a verb shows. */
export function setVerbHelp(command: Command, help: VerbHelp): void {
  helpOf.set(command, help);
}

/** Breaks a list of words that belong together into lines of at most `WIDTH` columns, after a heading. */
function flow(heading: string, items: readonly string[]): string[] {
  const indent = 10;
  const lines: string[] = [];
  let line = heading.padEnd(indent);
  for (const item of items) {
    if (line.trim() !== '' && line.length > indent && line.length + item.length > WIDTH) {
      lines.push(line.trimEnd());
      line = ' '.repeat(indent);
    }
    line += `${item}  `;
  }
  return [...lines, line.trimEnd()];
}

/** Breaks prose into lines of at most `WIDTH` columns. */
function wrap(text: string): string[] {
  const lines = [''];
  for (const word of text.split(/\s+/)) {
    const line = lines[lines.length - 1] ?? '';
    if (line !== '' && line.length + 1 + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([term]) => term.length)) + 2;
  return rows.map(([term, text]) => `  ${term.padEnd(width)}${text}`);
}

function verbHelp(command: Command, helper: Help, { groups, more, examples }: VerbHelp): string[] {
  const own = helper.visibleOptions(command).filter((option) => option.long !== '--help');
  const lines = [`Usage: textpoke ${command.name()} [flags] ${command.usage()}`.trimEnd(), '', ...wrap(command.description()), ''];
  if (own.length > 0) lines.push(...table(own.map((option) => [option.flags, option.description])), '');
  if (more !== undefined) lines.push(...flow(...more));
  for (const group of groups) lines.push(...flow(group, usagesOf(group)));
  lines.push(...flow('Output', usagesOf('Output')), '', 'Examples');
  return [...lines, ...examples.map((example) => `  textpoke ${example}`)];
}

function programHelp(command: Command): string[] {
  return [
    'Usage: textpoke VERB [flags] ...',
    '',
    ...wrap(command.description()),
    '',
    ...table(command.commands.map((verb) => [verb.name(), verb.summary()])),
    '',
    'textpoke VERB --help shows the flags of a verb, textpoke --version the version.',
    '',
    `Exit codes  ${Exit.ok} holds within the stated coverage   ${Exit.violation} violation   ${Exit.inconclusive} inconclusive`,
    `            ${Exit.failure} bad image or internal error  ${Exit.usage} wrong usage  ${Exit.interrupted} interrupted`,
  ];
}

/** The help text of the program or of one verb: at most 24 lines of 80 columns. */
export function formatHelp(command: Command, helper: Help): string {
  const help = helpOf.get(command);
  return `${(help === undefined ? programHelp(command) : verbHelp(command, helper, help)).join('\n')}\n`;
}
