import type { Choice } from '../../machine/choices.ts';

/** The agents of a core, by the kind of their choices, in the order in which those are offered; the second half of a store and the NMI are agents of their own. */
const AGENT: Readonly<Record<string, number>> = { step: 0, drain: 1, interrupt: 3, invalidate: 5, evict: 6, prefetch: 7 };

/**
 * Who acts, as sampling sees it. What one agent does has one order: a core's own steps, the way out of its store buffer, the second half of a
 * store over two cache lines that may go first, its maskable interrupt, its NMI. Which version a fetch returns, or which line a cache drops, is drawn.
 */
export const AGENTS_A_CORE = 8;
/** Enough for every world. */
export const MAX_AGENTS = 16 * AGENTS_A_CORE;

/** The number of the agent that a choice belongs to. */
export function agentOf(choice: Choice): number {
  const agent = choice.core * AGENTS_A_CORE + (AGENT[choice.kind] as number);
  const isSecond = choice.kind === 'drain' ? choice.entry !== 0 : choice.kind === 'interrupt' && choice.vector === 'nmi';
  return isSecond ? agent + 1 : agent;
}

export const coreOf = (agent: number): number => Math.floor(agent / AGENTS_A_CORE);

/** Whether an agent is a core that goes on. */
export const isStep = (agent: number): boolean => agent % AGENTS_A_CORE === 0;
