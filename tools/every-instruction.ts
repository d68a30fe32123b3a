// More places than searches have, against the places that they have, on the smallest cell of every scenario: a variant that holds and one that breaks
// something. `interrupts`: a place before each instruction where an interrupt could be taken; else before each instruction. 1 when they differ.
import { imageOf } from '../src/scenario/scenario.ts';
import { builtFixture } from './built-fixture.ts';
import { BOTH_WAYS, compareInstructions, compareInterrupts, smallestCell } from './whole-graph.ts';

const words = process.argv.slice(2);
/** Transitions of each search; what is longer is named. */
const STEPS = Number(words.find((word) => /^\d+$/.test(word)) ?? 300_000);
const compare = words.includes('interrupts') ? compareInterrupts : compareInstructions;
/** `plain`: without store buffers and stale fetches, which lets more of them end. */
const MODELS = words.includes('plain') ? ({ fetch: 'coherent', memory: 'sc' } as const) : {};

let [compared, different, states] = [0, 0, 0];
const long: string[] = [];
const scenarios = new Set<string>();
for (const { scenario, variant } of BOTH_WAYS) {
  const cell = { ...smallestCell(scenario, variant), ...MODELS };
  const { fine, coarse, difference } = compare(() => scenario.build(imageOf(scenario, builtFixture), variant.name, cell), STEPS);
  const name = `${scenario.name} ${variant.name}`;
  if (fine.result === undefined || coarse.result === undefined) {
    long.push(name);
    continue;
  }
  compared++;
  states += fine.states;
  scenarios.add(scenario.name);
  if (difference === undefined) continue;
  different++;
  process.stdout.write(`${name}: ${difference}\n`);
}
process.stdout.write(
  `${BOTH_WAYS.length} cells, ${compared} compared (of ${scenarios.size} scenarios, ${states} states with more places), ${different} different\n`,
);
if (long.length > 0) process.stdout.write(`too long for ${STEPS} transitions: ${long.join(', ')}\n`);
process.exitCode = different > 0 ? 1 : 0;
