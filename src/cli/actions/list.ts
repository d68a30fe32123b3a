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
    io.stdout(`  ${(scenario.alias ?? '').padEnd(4)} ${scenario.name.slice(family.length + 1).padEnd(19)} ${scenario.title}\n`);
  }
  if (!options.json) io.stdout('\nThe story of one: textpoke explain NAME   Settle one: textpoke explore NAME\n');
  return 0;
}
