import { TextpokeError } from '../error.ts';
import { CATALOGUE, scenarioOf } from '../scenario/catalogue.ts';
import { familyOf, type Scenario, type Variant } from '../scenario/scenario.ts';
import type { Sizes } from '../scenario/sizes.ts';
import { didYouMean } from '../suggest.ts';
import type { Io } from './io.ts';

/** What `--scenarios` wants. */
export const SCENARIOS_FLAG = ['--scenarios <FILE>', 'scenarios of your own: a module exporting them'] as const;

/** The scenarios that a command line can name. */
export interface Scenarios {
  /** Those of the file, if one was given, and the catalogue. */
  readonly all: readonly Scenario[];
  /** What a verb works on when nothing is named: those of the file, else the catalogue. */
  readonly listed: readonly Scenario[];
  /** What a printed command line needs behind it to know them as well: ` --scenarios FILE`, or nothing. */
  readonly flags: string;
  /** The file. */
  readonly file: string | undefined;
}

const isPath = (name: string): boolean => /\.(mjs|js|mts|ts)$/.test(name);

/**
 * The scenarios that are known here: with those of `file`, or of a file that is named where a scenario could be. The names that are left are those of
 * scenarios and families. Throws E_USAGE, E_FILE, E_SCENARIO.
 */
export async function knownScenarios(
  file: string | undefined,
  names: readonly string[],
  io: Io,
): Promise<{ readonly known: Scenarios; readonly names: readonly string[] }> {
  const paths = [...(file === undefined ? [] : [file]), ...names.filter(isPath)];
  const [path] = paths;
  if (path === undefined) return { known: { all: CATALOGUE, listed: CATALOGUE, flags: '', file: undefined }, names };
  if (new Set(paths).size > 1)
    throw new TextpokeError('E_USAGE', 'one file of scenarios at a time', {
      where: paths.join(' '),
      hint: 'a module can export those of others: export * from',
    });
  const own = scenariosIn(await io.importModule(path), path);
  for (const scenario of own) {
    const other = [...CATALOGUE, ...own].find((s) => s !== scenario && sameName(s, scenario));
    if (other !== undefined)
      throw new TextpokeError('E_SCENARIO', `${scenario.name} has a name or alias of ${other.name}`, { where: path, hint: 'rename yours' });
  }
  return {
    known: { all: [...own, ...CATALOGUE], listed: own, flags: ` --scenarios ${path}`, file: path },
    names: names.filter((n) => !isPath(n)),
  };
}

const namesOf = (s: Scenario): string[] => [s.name, ...(s.alias === undefined ? [] : [s.alias])].map((n) => n.toLowerCase());
const sameName = (a: Scenario, b: Scenario): boolean => namesOf(a).some((n) => namesOf(b).includes(n));

function isScenario(value: unknown): value is Scenario {
  return typeof value === 'object' && value !== null && 'name' in value && 'variants' in value && 'build' in value;
}

/** Everything that a module exports and `defineScenario` made, alone or in lists. */
function scenariosIn(module: object, path: string): readonly Scenario[] {
  const found = new Set(Object.values(module).flat().filter(isScenario));
  if (found.size > 0) return [...found];
  throw new TextpokeError('E_SCENARIO', `${path} exports no scenario`, {
    where: path,
    hint: 'export const mine = defineScenario({ ... })',
  });
}

/** The one scenario that is meant: by its name, or the only one of a file. */
export function oneScenario(known: Scenarios, name: string | undefined): Scenario {
  if (name !== undefined) return scenarioOf(name, known.all);
  const [only, ...more] = known.listed;
  if (only !== undefined && more.length === 0) return only;
  throw new TextpokeError('E_USAGE', 'the file has several scenarios: name one', {
    where: known.flags.trim(),
    hint: known.listed.map((s) => s.name).join(', '),
  });
}

/** Scenarios of the named families, or named themselves; all that are listed when nothing is named. */
export function selectScenarios(known: Scenarios, names: readonly string[]): readonly Scenario[] {
  if (names.length === 0) return known.listed;
  const families = new Set(known.all.map(familyOf));
  for (const name of names) {
    if (families.has(name) || known.all.some((s) => namesOf(s).includes(name.toLowerCase()))) continue;
    throw new TextpokeError('E_SCENARIO', `there is no family or scenario '${name}'`, {
      where: name,
      hint: didYouMean(name, [...families, ...known.all.map((s) => s.name)]) ?? `families: ${[...families].join(', ')}`,
    });
  }
  return known.all.filter((s) => names.some((name) => familyOf(s) === name || namesOf(s).includes(name.toLowerCase())));
}

/** The sizes that a variant comes in, as a field of a JSON object; none where there is no choice. */
export function sizeFields(scenario: Scenario, variant: Variant): { readonly sizes?: Sizes } {
  const sizes = scenario.sizes(variant.name);
  return Object.keys(sizes).length === 0 ? {} : { sizes };
}
