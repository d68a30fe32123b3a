/**
 * Matchers for vitest: `import 'textpoke/vitest'` in a test or a set-up file adds them to `expect`. With `TEXTPOKE_REPLAY=TOKEN` in the environment a
 * test runs only the schedule of that token where it is one of its own.
 */
import { expect, Snapshots } from 'vitest';
import { raceDiagram } from '../debug/diagram.ts';
import { type ReplayedToken, replayToken } from '../debug/replay.ts';
import type { CheckId } from '../explore/violation.ts';
import { CATALOGUE } from '../scenario/catalogue.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { type PatchSafeOptions, type Reachable, toBePatchSafe, toReach } from './explore-matchers.ts';
import { type Place, type Run, toEqualBytes, toFaultWith, toViolate, traceOf } from './run-matchers.ts';
import { runner } from './subject.ts';

export type { PatchSafeOptions, Reachable } from './explore-matchers.ts';
export type { Place, Run } from './run-matchers.ts';
export type { SearchOptions, WantedCoverage } from './search.ts';
export type { CellOptions, Subject } from './subject.ts';

/** The run of a token. Scenarios other than those of the catalogue must be given. Throws E_TOKEN. */
export function replay(token: string, scenarios: readonly Scenario[] = []): ReplayedToken {
  return replayToken(runner, token, [...scenarios, ...CATALOGUE]);
}

/** What `textpoke/vitest` adds to `expect`. */
export interface TextpokeMatchers {
  /**
   * No order that the models allow breaks a check. Of a scenario, a name of the catalogue, or a function that makes a world. Fails on a violation with
   * its diagram, its reason and the command that runs it again; fails as well on less coverage than asked for and on a run that proves nothing.
   */
  toBePatchSafe(options?: PatchSafeOptions): void;
  /** Some order reaches a check, a witness or an event. With `.not` none does, and all were tried. */
  toReach(goal: Reachable, options?: PatchSafeOptions): void;
  /** A run delivers an exception. */
  toFaultWith(exception: string, place?: Place): void;
  /** A run violates a check. */
  toViolate(check: CheckId, place?: Place): void;
  /** Bytes as hex digits. */
  toEqualBytes(hex: string): void;
  /** The diagram of a run, as an inline snapshot: no addresses, no paths, no colours. */
  toMatchRaceDiagram(snapshot?: string): void;
}

declare module 'vitest' {
  // biome-ignore lint/suspicious/noExplicitAny: vitest declares it so, and declarations must be equal to merge.
  interface Matchers<T = any> extends TextpokeMatchers {}
}

expect.extend({
  toBePatchSafe,
  toReach,
  toFaultWith,
  toViolate,
  toEqualBytes,
  toMatchRaceDiagram(received: Run, snapshot?: string) {
    return Snapshots.toMatchInlineSnapshot.call(this, raceDiagram(traceOf(received)), snapshot);
  },
});
