import type { Share } from '../explore/share.ts';
import type { Row } from '../scenario/matrix.ts';
import { shownSize } from '../scenario/sizes.ts';
import { lengthFields } from './length.ts';
import { verdictWord } from './report.ts';
import { sampleFields } from './sample-report.ts';

/** A result as one JSON object: the fields of a matrix row, and what was found. */
export function resultEvent(result: Row): Record<string, unknown> {
  const violation = result.counterexample?.violation;
  return {
    scenario: result.scenario.name,
    variant: result.variant.name,
    victims: result.cell.victims,
    ...shownSize(result.scenario.sizes(result.variant.name), result.cell),
    fetch: result.cell.fetch,
    memory: result.cell.memory,
    verdict: verdictWord(result).replaceAll(' ', '-'),
    expected: result.expected ?? null,
    coverage: result.coverage,
    states: result.counts.states,
    ...(result.cost === undefined ? { transitions: result.counts.transitions } : { cost: result.cost }),
    token: result.token ?? null,
    ...(violation === undefined ? {} : { check: violation.check, message: violation.message, core: violation.core, rip: violation.rip }),
    ...(result.counterexample?.length === undefined ? {} : { length: lengthFields(result.counterexample.length) }),
    ...(result.notes.length === 0 ? {} : { notes: result.notes }),
    ...(result.missingWitnesses.length === 0 ? {} : { missingWitnesses: result.missingWitnesses }),
    ...(result.sample === undefined ? {} : { sample: sampleFields(result.sample) }),
    ...(result.executions === undefined ? {} : { executions: result.executions }),
    ...(result.share === undefined ? {} : { share: shareFields(result.share) }),
    ...(result.stopped === undefined ? {} : { stopped: result.stopped }),
  };
}

/** Numbers of paths have any size: decimal digits in strings. */
function shareFields(share: Share): Record<string, string> {
  if (share.kind === 'uncounted') return { kind: share.kind, why: share.why };
  return { kind: share.kind, all: `${share.all}`, through: `${share.through}`, violating: `${share.violating}` };
}
