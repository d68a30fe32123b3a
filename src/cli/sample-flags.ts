import { type Command, Option } from 'commander';
import { TextpokeError } from '../error.ts';
import type { ExploreOptions as SearchSettings } from '../explore/explore.ts';
import { STRATEGY_NAMES, type StrategyName } from '../explore/sample/strategy.ts';
import type { SharedFlags } from './flags.ts';
import { ownValue } from './own-flags.ts';
import { oneOf, wholeNumber } from './values.ts';

/** Deepest PCT: behind it the guarantee says nothing any more. */
const MAX_DEPTH = 10;

/** What was said about random schedules. */
export interface SampleFlags {
  readonly schedules: number | undefined;
  readonly strategy: StrategyName | undefined;
  readonly depth: number | undefined;
  readonly all: boolean;
}

/** The flags of sampling as the help of a verb shows them, on lines of their own. */
export const SAMPLE_USAGES = ['Sampling', ['--schedules N', `--strategy ${STRATEGY_NAMES.join('|')}`, '--depth D', '--all']] as const;

/** Adds the flags of sampling to a verb, which shows `SAMPLE_USAGES`. */
export function addSampleFlags(verb: Command): Command {
  const flags = [
    ['--schedules <N>', 'sample N random schedules (1000)'],
    ['--strategy <NAME>', 'how they are drawn'],
    ['--depth <D>', 'sample by PCT for bugs of depth D, 2 or 3 say'],
    ['--all', 'sample on behind a violation, for how often'],
  ] as const;
  return flags.reduce((command, [usage, text]) => command.addOption(new Option(usage, text).hideHelp()), verb);
}

/** Takes them from what commander parsed. Throws E_USAGE. */
export function sampleFlags(own: Readonly<Record<string, unknown>>): SampleFlags {
  return {
    schedules: ownValue(own, 'schedules', '--schedules', wholeNumber(1)),
    strategy: ownValue(own, 'strategy', '--strategy', oneOf(...STRATEGY_NAMES)),
    depth: ownValue(own, 'depth', '--depth', wholeNumber(1, MAX_DEPTH)),
    all: own.all === true,
  };
}

/**
 * The settings of a search that samples; undefined when nothing asks for that. Any of the flags is enough, unless another search was asked for:
 * E_USAGE.
 */
export function sampleSettings(
  flags: SampleFlags & Pick<SharedFlags, 'search'>,
  other: string | undefined,
): Partial<SearchSettings> | undefined {
  const { schedules, strategy, depth, all } = flags;
  const said =
    strategy !== undefined
      ? '--strategy'
      : depth !== undefined
        ? '--depth'
        : all
          ? '--all'
          : schedules !== undefined
            ? '--schedules'
            : undefined;
  if (flags.search !== 'pct' && said === undefined) return undefined;
  const elsewhere = flags.search !== undefined && flags.search !== 'pct' ? `--search ${flags.search}` : other;
  if (elsewhere !== undefined) {
    throw new TextpokeError('E_USAGE', `${said ?? '--search pct'} samples, ${elsewhere} does not`, {
      where: `${said ?? '--search pct'} ${elsewhere}`,
      hint: 'leave one of them out',
    });
  }
  if (depth !== undefined && strategy !== undefined && strategy !== 'pct') {
    throw new TextpokeError('E_USAGE', `only PCT has a depth, not '${strategy}'`, {
      where: `--strategy ${strategy} --depth ${depth}`,
      hint: 'leave one of them out',
    });
  }
  return {
    search: 'pct',
    all,
    ...(schedules === undefined ? {} : { schedules }),
    ...(strategy === undefined ? {} : { strategy }),
    ...(depth === undefined ? {} : { depth }),
  };
}
