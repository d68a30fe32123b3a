import type { Command, CommanderError } from 'commander';
import { TextpokeError } from '../error.ts';
import { didYouMean } from '../suggest.ts';
import { usagesOf } from './flags.ts';

function quoted(message: string): string {
  return /'([^']*)'/.exec(message)?.[1] ?? '';
}

/** E_USAGE for a verb that does not exist, or undefined when the first argument is a verb or a flag. */
export function unknownVerb(program: Command, argv: readonly string[]): TextpokeError | undefined {
  const word = argv[0] ?? '';
  const names = program.commands.map((command) => command.name());
  if (word.startsWith('-') || names.includes(word)) return undefined;
  const hint = didYouMean(word, [...names, 'help']) ?? 'textpoke --help shows what there is';
  return new TextpokeError('E_USAGE', `unknown verb '${word}'`, { where: ['textpoke', ...argv].join(' '), hint });
}

/** Makes our error of one that commander found while it parsed: E_USAGE, with the verb and a suggestion. */
export function usageError(error: CommanderError, program: Command, argv: readonly string[]): TextpokeError {
  const verb = program.commands.find((command) => command.name() === argv[0]);
  const where = ['textpoke', ...argv].join(' ');
  const seeHelp = `textpoke ${verb === undefined ? '' : `${verb.name()} `}--help shows what there is`;
  const usage = (what: string, hint = seeHelp): TextpokeError => new TextpokeError('E_USAGE', what, { where, hint });

  switch (error.code) {
    case 'commander.unknownOption': {
      const flag = quoted(error.message);
      if (verb === undefined) {
        const shared = usagesOf('Output').some((known) => known.split(' ')[0] === flag);
        return usage(`unknown flag '${flag}'`, shared ? `flags come after the verb: textpoke VERB ${flag}` : seeHelp);
      }
      const known = verb.options.map((option) => option.long ?? option.flags);
      return usage(`'${verb.name()}' has no flag '${flag}'`, didYouMean(flag, known));
    }
    default:
      return usage(error.message.replace(/^error: /, '').trim());
  }
}
