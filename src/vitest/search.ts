import { tellRace } from '../debug/show-race.ts';
import { recordTrace } from '../debug/trace.ts';
import { TextpokeError } from '../error.ts';
import { type Exploration, explore } from '../explore/explore.ts';
import { options as offered } from '../explore/path.ts';
import type { Coverage } from '../explore/result.ts';
import { decodeToken, encodeToken, imageHash, SEMANTICS_VERSION } from '../explore/token.ts';
import { CHECK_TITLES, type Violation, type WantedViolation } from '../explore/violation.ts';
import type { Case } from './subject.ts';

/** How much must be looked at before nothing found counts. */
export type WantedCoverage = 'exhaustive' | 'bounded' | 'sampled';

export interface SearchOptions {
  /** At most this many preemptions; then bounded coverage is enough. */
  readonly preemptions?: number;
  /** This many random schedules; then sampled coverage is enough. */
  readonly schedules?: number;
  /** Of the random schedules. Default 1. */
  readonly seed?: number;
  /** The least coverage, where it is not what the search was asked for. */
  readonly coverage?: WantedCoverage;
  /** Ends the search after this many transitions: then it is inconclusive, and the test fails. */
  readonly maxSteps?: number;
}

/** What a search, or the one schedule of TEXTPOKE_REPLAY, came to. */
export interface Finding {
  readonly outcome: 'violation' | 'holds' | 'undecided';
  readonly violation: Violation | undefined;
  /** One line: verdict and coverage, or the one schedule. */
  readonly summary: string;
  /** Diagram, why and how to run it again; empty without a run to show. */
  race(): string;
}

/** Searches a case, or replays the schedule that TEXTPOKE_REPLAY names where it is of this case. */
export function find(tested: Case, options: SearchOptions, prefer: WantedViolation | undefined, test: string): Finding {
  const token = process.env.TEXTPOKE_REPLAY;
  const content = token === undefined || token === '' ? undefined : decodeToken(token);
  if (token !== undefined && content?.world === tested.world) return replayed(tested, token, content);
  const learned = tested.learned();
  const found = explore(tested.make, {
    ...(options.preemptions !== undefined ? { search: 'ladder', preemptions: options.preemptions } : {}),
    ...(options.schedules !== undefined ? { search: 'pct', schedules: options.schedules } : {}),
    ...(options.seed === undefined ? {} : { seed: options.seed }),
    ...(options.maxSteps === undefined ? {} : { budget: { maxSteps: options.maxSteps } }),
    ...(prefer === undefined ? {} : { prefer }),
    learned,
  });
  const { counterexample } = found;
  const short = shortfall(found, options);
  return {
    outcome: counterexample !== undefined ? 'violation' : short === undefined ? 'holds' : 'undecided',
    violation: counterexample?.violation,
    summary: `${found.verdict}: ${sayViolation(counterexample?.violation) ?? short ?? 'no violation'} (${sayCoverage(found)})`,
    race() {
      if (counterexample === undefined) return '';
      const text = tellRace(tested.make, found.knowledge, counterexample, tested.under);
      const token = encodeToken({
        world: tested.world,
        image: imageHash(tested.make().lab.image.contentHash()),
        semantics: SEMANTICS_VERSION,
        answers: counterexample.answers,
        ...found.knowledge.beyond(found.learned),
      });
      return `${text}${again(token, test)}${tested.listed ? `         npx textpoke replay ${token}\n` : ''}`;
    },
  };
}

/** The one schedule of a token. */
function replayed(tested: Case, token: string, content: ReturnType<typeof decodeToken>): Finding {
  const knowledge = tested.learned().clone();
  knowledge.add(content);
  const world = tested.make();
  if (imageHash(world.lab.image.contentHash()) !== content.image)
    throw new TextpokeError('E_TOKEN', 'the token of TEXTPOKE_REPLAY was made for another image', { where: token, exitCode: 125 });
  world.begin(knowledge);
  const trace = recordTrace(world, content.answers);
  const [violation] = trace.violations;
  // A livelock's token is the way into its circle: that something could still happen there settles nothing.
  const ended = offered(world, trace.steps.at(-1)?.core ?? 0).length === 0;
  return {
    outcome: violation !== undefined ? 'violation' : ended ? 'holds' : 'undecided',
    violation,
    summary: `the one schedule of TEXTPOKE_REPLAY: ${sayViolation(violation) ?? (ended ? 'no violation' : 'it ends before the run does')}`,
    race: () => (violation === undefined ? '' : tellRace(tested.make, knowledge, { violation, answers: content.answers }, tested.under)),
  };
}

/** Why a search that found nothing proves less than what was asked; undefined when it does not. */
function shortfall(found: Exploration, options: SearchOptions): string | undefined {
  if (found.stopped !== undefined) return found.stopped;
  if (found.missingWitnesses.length > 0) return `never seen: ${found.missingWitnesses.join(', ')}`;
  const wanted =
    options.coverage ?? (options.schedules !== undefined ? 'sampled' : options.preemptions !== undefined ? 'bounded' : 'exhaustive');
  const rank: Readonly<Record<Coverage['kind'], number>> = { incomplete: 0, 'first-violation': 0, sampled: 1, bounded: 2, exhaustive: 3 };
  return rank[found.coverage.kind] >= rank[wanted] ? undefined : `coverage is ${found.coverage.kind}, asked for is ${wanted}`;
}

function sayCoverage({ coverage, counts }: Exploration): string {
  const detail =
    coverage.kind === 'bounded' ? ` ${coverage.bounds.join(', ')}` : coverage.kind === 'sampled' ? ` ${coverage.schedules}` : '';
  return `${coverage.kind === 'first-violation' ? 'stopped at the first violation' : coverage.kind}${detail}, ${counts.states} states`;
}

export const sayViolation = (v: Violation | undefined): string | undefined =>
  v === undefined ? undefined : `${CHECK_TITLES[v.check]} (${v.check}): ${v.message}`;

/** How to run one schedule again. `-t` takes a regular expression. */
function again(token: string, test: string): string {
  const pattern = test
    .replaceAll(' > ', ' ')
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll("'", '.');
  return `replay   TEXTPOKE_REPLAY=${token} npx vitest run -t '${pattern}'\n`;
}
