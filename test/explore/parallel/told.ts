import type { Exploration } from '../../../src/explore/explore.ts';

/** All that must not depend on who works and when, as text. */
export function told({ cost: _, counts, knowledge, learned, ...result }: Exploration): string {
  const all = { ...result, states: counts.states, learned: knowledge.beyond(learned) };
  return JSON.stringify(all, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
}
