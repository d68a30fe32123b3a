import type { CellRunner } from '../scenario/matrix.ts';
import { type Cell, expectedOf, recordedOf, type Scenario, type Variant } from '../scenario/scenario.ts';
import { hasSize } from '../scenario/sizes.ts';

/** What describes a variant and is no switch of its algorithm. */
const LABELS = new Set(['name', 'title', 'expected', 'catalogue', 'shows', 'history', 'mutant']);

/** Steps of the search that makes sure of a sibling's verdict. */
const STEPS = 50_000;
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

/** A variant that differs from another one by a single switch and holds. */
export interface Sibling {
  readonly variant: Variant;
  /** All its orders were tried in the same cell; false: they are too many, and it is recorded to hold. */
  readonly tried: boolean;
}

/** Variants that differ from one by a single switch and hold in a cell in which it does not. */
export function holdingSiblings(runner: CellRunner, scenario: Scenario, variant: Variant, cell: Cell): Sibling[] {
  const candidates = scenario.variants.filter(
    (v) =>
      v !== variant &&
      v.mutant === undefined &&
      difference(v, variant) === 1 &&
      expectedOf(v.expected, cell.fetch) === 'ok' &&
      hasSize(scenario.sizes(v.name), cell),
  );
  return candidates.slice(0, MOST).flatMap((v) => {
    const { verdict } = runner.run(scenario, v, cell, { budget: { maxSteps: STEPS }, shrink: false });
    const isRecorded = verdict === 'inconclusive' && recordedOf(scenario, v, cell) === 'ok';
    return verdict === 'ok' || isRecorded ? [{ variant: v, tried: verdict === 'ok' }] : [];
  });
}

/** `holds in variant final-sync: SYNC after the last store, interrupt gate`. Undefined when no sibling does. */
export function saySiblings(holding: readonly Sibling[]): string | undefined {
  const [first, ...others] = [...holding].sort((a, b) => Number(b.tried) - Number(a.tried));
  if (first === undefined) return undefined;
  const more = others.length === 0 ? '' : `; so does ${others.map((o) => o.variant.name).join(', ')}`;
  return `${first.tried ? 'holds' : 'is recorded to hold'} in variant ${first.variant.name}: ${first.variant.title}${more}`;
}
