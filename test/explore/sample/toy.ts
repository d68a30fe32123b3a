import type { Random } from '../../../src/explore/random.ts';
import { AGENTS_A_CORE } from '../../../src/explore/sample/agents.ts';
import type { RunSize } from '../../../src/explore/sample/size.ts';
import type { Strategy } from '../../../src/explore/sample/strategy.ts';

/** The order in which a strategy that looks at nothing but agents runs threads of so many events each: `AAB`. */
export function toyOrder(strategy: Strategy, threads: readonly number[], random: Random, size: RunSize): string {
  const left = [...threads];
  let order = '';
  strategy.begin(random, size);
  for (let event = 0; ; event++) {
    const able = left.flatMap((events, thread) => (events > 0 ? [thread] : []));
    if (able.length === 0) return order;
    const turn = { event, count: able.length, agents: able.map((thread) => thread * AGENTS_A_CORE), choices: [] };
    const thread = able[strategy.next(turn, undefined as never)] as number;
    (left[thread] as number)--;
    order += String.fromCharCode(65 + thread);
  }
}
