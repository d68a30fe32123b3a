import { Passage } from './checkers/passage.ts';
import type { PathCount } from './graph.ts';
import type { Knowledge } from './knowledge.ts';
import type { Budget } from './result.ts';
import { searchStates } from './stateful.ts';
import type { World } from './world.ts';

/** How many runs through a place break something: exact, or why there is no number. */
export type Share = ({ readonly kind: 'counted' } & PathCount) | { readonly kind: 'uncounted'; readonly why: string };

const MAX_ROUNDS = 24;

/**
 * Counts the maximal paths of the state graph, those through the world's `Passage` and those of them that end in a violation. A core that waits may
 * look as often as it likes: its rounds are one state (await-collapse). Undefined for a world without a `Passage`.
 */
export function countShare(make: () => World, known: Knowledge, budget?: Budget): Share | undefined {
  const knowledge = known.clone();
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const world = make();
    const passage = world.checkers.find((c) => c instanceof Passage);
    if (passage === undefined) return undefined;
    world.begin(knowledge);
    const outcome = searchStates(world, {
      symmetry: false,
      wholeGraph: true,
      passed: () => passage.passed(world),
      ...(budget === undefined ? {} : { budget }),
    });
    const before = knowledge.size;
    knowledge.learn(world.machine, world.sharable);
    world.release();
    if (knowledge.size !== before) continue;
    if (outcome.stopped !== undefined) return { kind: 'uncounted', why: outcome.stopped };
    if (outcome.paths === undefined) return { kind: 'uncounted', why: 'the graph has cycles in which more than one core moves' };
    return { kind: 'counted', ...outcome.paths };
  }
  return { kind: 'uncounted', why: `still learning after ${MAX_ROUNDS} rounds` };
}
