import { smokeCell } from '../scenario/matrix.ts';
import { type Cell, type Expectation, familyOf, type MemoryModel, type Scenario } from '../scenario/scenario.ts';

/** A variant as the home page tells it. */
export interface CatalogueVariant {
  readonly name: string;
  readonly title: string;
  /** What an exhaustive run says under the page's model. */
  readonly expected: 'ok' | 'violation';
  /** The same in words, where it depends on the fetch policy. */
  readonly under?: string;
  readonly history?: string;
  readonly mutant?: string;
}

/** A race as the home page tells it: text alone, so that it is there before the emulator. */
export interface CatalogueEntry {
  readonly name: string;
  readonly alias?: string;
  readonly family: string;
  readonly title: string;
  readonly story: string;
  readonly window?: string;
  /** The cell in which the page explores it. */
  readonly cell: Cell;
  /** How many victims it can have. */
  readonly victims: { readonly fewest: number; readonly most: number };
  /** It is about one memory model. */
  readonly memory?: MemoryModel;
  readonly variants: readonly CatalogueVariant[];
}

/** Victims of a search on the page, at most: with more it is long, and the command line has more workers. */
const MOST_VICTIMS = 4;

/** The text of a scenario. */
export function catalogueEntry(scenario: Scenario): CatalogueEntry {
  const { name, alias, title, story, window } = scenario;
  const cell = smokeCell(scenario);
  return {
    name,
    ...(alias === undefined ? {} : { alias }),
    family: familyOf(scenario),
    title,
    story,
    ...(window === undefined ? {} : { window }),
    cell,
    victims: scenario.scope === 'one-core' ? { fewest: 0, most: 0 } : { fewest: cell.victims, most: scenario.victims ?? MOST_VICTIMS },
    ...(scenario.memory === undefined ? {} : { memory: scenario.memory }),
    variants: scenario.variants.map(({ name, title, expected, history, mutant }) => ({
      name,
      title,
      expected: typeof expected === 'string' ? expected : expected['intel-sdm'],
      ...(typeof expected === 'string' ? {} : { under: sayUnder(expected) }),
      ...(history === undefined ? {} : { history }),
      ...(mutant === undefined ? {} : { mutant }),
    })),
  };
}

/** `violation under intel-sdm, strict; ok under coherent`. */
function sayUnder(expected: Exclude<Expectation, string>): string {
  const under = (verdict: string): string[] => Object.entries(expected).flatMap(([policy, v]) => (v === verdict ? [policy] : []));
  return (['violation', 'ok'] as const)
    .map((verdict) => [verdict, under(verdict)] as const)
    .filter(([, policies]) => policies.length > 0)
    .map(([verdict, policies]) => `${verdict} under ${policies.join(', ')}`)
    .join('; ');
}
