import type { CellRunner } from '../scenario/matrix.ts';
import { type Cell, expectedOf, type Scenario, type Variant } from '../scenario/scenario.ts';

/** What describes a variant and is no switch of its algorithm. */
const LABELS = new Set(['name', 'title', 'expected', 'catalogue', 'shows', 'history', 'mutant']);

/** Steps of the search that makes sure of a sibling's verdict. */
const STEPS = 200_000;
/** Siblings that are asked. */
const MOST = 3;

/** The switches of a variant, one a line: of objects each of their own. */
function switches(value: object, path = ''): Map<string, string> {
  const out = new Map<string, string>();
  for (const [key, one] of Object.entries(value)) {
    if (path === '' && LABELS.has(key)) continue;
    const name = `${path}.${key}`;
    if (one !== null && typeof one === 'object') for (const [k, v] of switches(one, name)) out.set(k, v);
    else if (one !== undefined) out.set(name, String(one));
  }
  return out;
}

/** In how many switches two variants differ. */
export function difference(a: object, b: object): number {
  const [mine, theirs] = [switches(a), switches(b)];
  return [...new Set([...mine.keys(), ...theirs.keys()])].filter((key) => mine.get(key) !== theirs.get(key)).length;
}

/** Variants that differ from one by a single switch and hold in the same cell: all orders of them were tried, or that is recorded and they are too large. */
export function holdingSiblings(runner: CellRunner, scenario: Scenario, variant: Variant, cell: Cell): Variant[] {
  const candidates = scenario.variants.filter(
    (v) => v !== variant && v.mutant === undefined && difference(v, variant) === 1 && expectedOf(v.expected, cell.fetch) === 'ok',
  );
  return candidates.slice(0, MOST).filter((v) => {
    const { verdict } = runner.run(scenario, v, cell, { budget: { maxSteps: STEPS }, shrink: false });
    return verdict === 'ok' || verdict === 'inconclusive';
  });
}

/** `holds in variant final-sync: SYNC after the last store, interrupt gate`. Undefined when no sibling does. */
export function saySiblings(holding: readonly Variant[]): string | undefined {
  const [first, ...others] = holding;
  if (first === undefined) return undefined;
  const more = others.length === 0 ? '' : `; so does ${others.map((v) => v.name).join(', ')}`;
  return `holds in variant ${first.name}: ${first.title}${more}`;
}
