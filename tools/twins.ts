// Both proof engines on a small bound of every scenario: a variant that holds and one that breaks something, with the fewest victims. 1 when they differ.
import { TextpokeError } from '../src/error.ts';
import { CATALOGUE } from '../src/scenario/catalogue.ts';
import { CellRunner, smokeCell } from '../src/scenario/matrix.ts';
import { expectedOf, type Scenario, type Variant } from '../src/scenario/scenario.ts';
import { builtFixture } from './built-fixture.ts';

/** Transitions of each engine. Where they do not suffice, what both have found by then is compared: a violation that one of them cannot have is still an error. */
const STEPS = Number(process.argv[2] ?? 15_000);

function variantsOf(scenario: Scenario): readonly Variant[] {
  const { fetch } = smokeCell(scenario);
  const of = (verdict: string) => scenario.variants.find((v) => expectedOf(v.expected, fetch) === verdict);
  return [of('ok'), of('violation')].filter((v) => v !== undefined);
}

const runner = new CellRunner(builtFixture);
let [finished, cells, different] = [0, 0, 0];
const unfinished = new Set<string>();
for (const scenario of CATALOGUE) {
  for (const variant of variantsOf(scenario)) {
    cells++;
    try {
      const result = runner.run(scenario, variant, smokeCell(scenario), { search: 'twin', shrink: false, budget: { maxSteps: STEPS } });
      if (result.stopped === undefined) finished++;
      else unfinished.add(scenario.name);
    } catch (error) {
      if (!(error instanceof TextpokeError)) throw error;
      different++;
      process.stdout.write(`${scenario.name} ${variant.name}: ${error.message}\n`);
    }
  }
}
process.stdout.write(
  `${cells} cells of ${CATALOGUE.length} scenarios: ${finished} searched to the end by both engines, ${different} different, ${cells - finished - different} too long for ${STEPS} transitions\n`,
);
if (unfinished.size > 0) process.stdout.write(`too long, at least in part: ${[...unfinished].join(', ')}\n`);
process.exitCode = different > 0 ? 1 : 0;
