import type { Why } from '../debug/why.ts';

/** What is known about a reason, as fields of a JSON event. Numbers of paths are decimal strings: they are exact. */
export function whyFields(why: Why): Record<string, unknown> {
  const { by, each, orders, needs, inevitable, explanation } = why;
  return {
    by,
    essential: each,
    sentences: orders,
    needs: needs ?? null,
    late: inevitable ?? null,
    states: explanation?.states ?? null,
    inevitable: explanation?.inevitable ?? null,
    passing:
      explanation?.passing === undefined ? null : { shared: explanation.passing.shared, answers: explanation.passingAnswers ?? null },
    paths: explanation?.curve()?.map(({ all, violating }) => ({ all: `${all}`, violating: `${violating}` })) ?? null,
  };
}
