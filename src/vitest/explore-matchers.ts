import { CHECK_TITLES, type CheckId, isWanted, type WantedViolation } from '../explore/violation.ts';
import type { World, WorldEvent } from '../explore/world.ts';
import type { MatcherState, SyncExpectationResult } from './expectation.ts';
import { type Finding, find, type SearchOptions } from './search.ts';
import { type Case, type CellOptions, caseOf, type Subject } from './subject.ts';

/** Which world, and how it is searched. */
export interface PatchSafeOptions extends CellOptions, SearchOptions {}

/** What some order reaches: a check that breaks, a witness by its name, or an event for which a function says so. */
export type Reachable = CheckId | WantedViolation | (string & {}) | ((event: WorldEvent, world: World) => boolean);

const testOf = (state: MatcherState): string => state.currentTestName ?? '';

function message(head: string, tested: Case, finding: Finding): () => string {
  return () => [head, tested.title, finding.summary, '', finding.race()].join('\n').trimEnd();
}

/** Nothing is violated in any order that the models allow, with the coverage that was asked for. */
export function toBePatchSafe(this: MatcherState, received: Subject, options: PatchSafeOptions = {}): SyncExpectationResult {
  const tested = caseOf(received, options, testOf(this));
  const finding = find(tested, options, undefined, testOf(this));
  // What decides nothing fails, whichever way it was asked.
  const pass = finding.outcome === 'undecided' ? this.isNot : finding.outcome === 'holds';
  return { pass, message: message(`expected ${this.isNot ? 'a race' : 'no race'}`, tested, finding) };
}

/** Some order reaches it; `.not`: none does, and all were tried. */
export function toReach(this: MatcherState, received: Subject, goal: Reachable, options: PatchSafeOptions = {}): SyncExpectationResult {
  const tested = caseOf(received, options, testOf(this));
  const { wanted, said, make } = aim(tested, goal);
  const finding = find({ ...tested, make }, options, wanted, testOf(this));
  const reached = finding.violation !== undefined && isWanted(finding.violation, wanted) && finding.violation.message.startsWith(said);
  // Another violation ends its run: what would have come behind it nobody knows.
  const undecided = !reached && finding.outcome !== 'holds';
  const pass = undecided && finding.outcome === 'undecided' ? this.isNot : undecided ? this.isNot : reached;
  return { pass, message: message(`expected ${this.isNot ? 'no' : 'some'} order to reach ${nameOf(goal)}`, tested, finding) };
}

const REACHED = 'reached';

const nameOf = (goal: Reachable): string =>
  typeof goal === 'function'
    ? goal.name || 'the event'
    : typeof goal === 'string'
      ? goal
      : `${goal.check}${goal.cause === undefined ? '' : ` (${goal.cause})`}`;

/** Which violation stands for the goal. A witness and an event become one at the place where they are seen. */
function aim(tested: Case, goal: Reachable): { wanted: WantedViolation; said: string; make(): World } {
  if (typeof goal === 'object') return { wanted: goal, said: '', make: tested.make };
  if (typeof goal === 'string' && Object.hasOwn(CHECK_TITLES, goal))
    return { wanted: { check: goal as CheckId }, said: '', make: tested.make };
  const said = `${REACHED}: ${nameOf(goal)}`;
  return {
    wanted: { check: 'assertion' },
    said,
    make() {
      const world = tested.make();
      let core = 0;
      const report = (): void => world.report({ check: 'assertion', message: said, core, rip: world.machine.cores[core]?.rip ?? 0n });
      world.checkers.unshift({
        name: REACHED,
        onEvent(event) {
          core = event.core;
          if (typeof goal === 'function' && goal(event, world)) report();
        },
      });
      world.wantedWitnesses = world.wantedWitnesses.filter((what) => what !== goal);
      world.witnessed.onSeen = (what) => {
        if (what === goal) report();
      };
      return world;
    },
  };
}
