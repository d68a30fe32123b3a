import { wrap } from '../../debug/wrap.ts';
import { CATALOGUE } from '../../scenario/catalogue.ts';
import { familyOf } from '../../scenario/scenario.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';
import { emitEvent } from '../json.ts';
import { selected } from './matrix.ts';

export interface ListOptions extends SharedFlags {
  /** Families or scenarios; empty: all. */
  readonly families: readonly string[];
}

const NAME_COLUMNS = 17;
const TITLE_COLUMNS = 54;

/** Prints the catalogue of scenarios. Returns the exit code. */
export async function listAction(options: ListOptions, io: Io): Promise<number> {
  let family = '';
  for (const scenario of selected(options.families)) {
    if (options.json) {
      const { name, alias, title } = scenario;
      emitEvent(io, 'scenario', {
        name,
        alias: alias ?? null,
        title,
        variants: scenario.variants.map((v) => ({ name: v.name, title: v.title, expected: v.expected })),
      });
      continue;
    }
    if (familyOf(scenario) !== family) {
      family = familyOf(scenario);
      io.stdout(`${CATALOGUE[0] === scenario || options.families.length > 0 ? '' : '\n'}${family}\n`);
    }
    const [first, ...more] = wrap(scenario.title, TITLE_COLUMNS, 0);
    io.stdout(`  ${(scenario.alias ?? '').padEnd(4)} ${scenario.name.slice(family.length + 1).padEnd(NAME_COLUMNS)} ${first}\n`);
    for (const line of more) io.stdout(`${' '.repeat(8 + NAME_COLUMNS)}${line}\n`);
  }
  if (!options.json) io.stdout('\nThe story of one: textpoke explain NAME   Settle one: textpoke explore NAME\n');
  return 0;
}
