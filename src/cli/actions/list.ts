import { wrap } from '../../debug/wrap.ts';
import { FAMILY_TITLES } from '../../scenario/families.ts';
import { familyOf, type Scenario } from '../../scenario/scenario.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';
import { emitEvent } from '../json.ts';
import { knownScenarios, selectScenarios, sizeFields } from '../scenarios.ts';

export interface ListOptions extends SharedFlags {
  /** Families or scenarios; empty: all. */
  readonly families: readonly string[];
  /** A file of scenarios. */
  readonly scenarios: string | undefined;
}

const ALIAS_COLUMNS = 5;
const NAME_COLUMNS = 22;
const TITLE_COLUMNS = 80 - 2 - ALIAS_COLUMNS - 1 - NAME_COLUMNS - 1;

/** Prints the catalogue of scenarios by family. Returns the exit code. */
export async function listAction(options: ListOptions, io: Io): Promise<number> {
  const { known, names } = await knownScenarios(options.scenarios, options.families, io);
  const scenarios = selectScenarios(known, names);
  if (options.json) {
    for (const s of scenarios) {
      const variants = s.variants.map((v) => ({ name: v.name, title: v.title, expected: v.expected, ...sizeFields(s, v) }));
      emitEvent(io, 'scenario', { name: s.name, alias: s.alias ?? null, family: familyOf(s), title: s.title, variants });
    }
    return 0;
  }
  const families = [...new Set(scenarios.map(familyOf))];
  for (const family of families) {
    const title = FAMILY_TITLES[family];
    io.stdout(`${family}${title === undefined ? '' : `: ${title}`}\n`);
    for (const scenario of scenarios.filter((s) => familyOf(s) === family)) io.stdout(entry(scenario));
    io.stdout('\n');
  }
  if (scenarios.some(hasSizes)) io.stdout('* takes --sites or --calls: explain NAME says how many\n');
  io.stdout('The story of one: textpoke explain NAME   Settle one: textpoke explore NAME\n');
  return 0;
}

const hasSizes = (scenario: Scenario): boolean => scenario.variants.some((v) => Object.keys(scenario.sizes(v.name)).length > 0);

function entry(scenario: Scenario): string {
  const name = scenario.name.slice(familyOf(scenario).length + 1);
  const [first, ...more] = wrap(scenario.title, TITLE_COLUMNS, 0);
  const mark = hasSizes(scenario) ? '*' : ' ';
  const head = `${mark} ${(scenario.alias ?? '').padEnd(ALIAS_COLUMNS)} ${name.padEnd(NAME_COLUMNS)} ${first}`;
  return [head, ...more.map((line) => ' '.repeat(80 - TITLE_COLUMNS) + line)].map((line) => `${line}\n`).join('');
}
