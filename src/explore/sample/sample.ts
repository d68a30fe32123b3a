import { keepsVersions } from '../../machine/policy/policy.ts';
import { Random } from '../random.ts';
import type { Budget, Counterexample, Counts } from '../result.ts';
import type { Violation } from '../violation.ts';
import type { World } from '../world.ts';
import { type MissBound, missBound } from './bound.ts';
import { strategiesOf } from './portfolio.ts';
import { MAX_EVENTS, Scheduler } from './schedule.ts';
import { RunSize } from './size.ts';
import type { Strategy, StrategyName } from './strategy.ts';

export interface SampleSettings {
  readonly strategy: StrategyName;
  /** Of pure PCT. */
  readonly depth?: number;
  readonly seed: number;
  readonly schedules: number;
  /** Go on behind a violation, to see how often there is one. */
  readonly all?: boolean;
  readonly budget?: Budget;
}

/** What was sampled. */
export interface Sample {
  readonly strategy: StrategyName;
  /** Of pure PCT. */
  readonly depth?: number;
  readonly seed: number;
  readonly schedules: number;
  /** Schedules that had no end and were cut off. */
  readonly cut: number;
  /** Schedules that violated something. */
  readonly found: number;
  /** The first of them, counted from 1. */
  readonly first: number | undefined;
  /** Each different violation, and in how many schedules. */
  readonly violations: readonly { readonly violation: Violation; readonly schedules: number }[];
  /** Events of the longest run that was not cut off for its length. */
  readonly longest: number;
  /** Text is patched and a fetch of it may be stale: in every other schedule it is drawn whether it is. */
  readonly drawsFetches: boolean;
  /** Something else than the version of a fetch was left to chance: then there is no bound. */
  readonly gambled: boolean;
  /** Where nothing was found: by depth, what the chance is to have missed a bug that needs no stale fetch. */
  readonly bounds: readonly MissBound[];
}

export interface SampleOutcome {
  readonly counts: Counts;
  readonly counterexample: Counterexample | undefined;
  readonly sample: Sample;
  readonly stopped: string | undefined;
}

/** Draws schedules of a world that has begun. The same seed draws the same ones; each has random numbers of its own. */
export function sampleSchedules(world: World, settings: SampleSettings): SampleOutcome {
  const { machine } = world;
  const counts: Counts = { states: 0, transitions: 0, depth: 0 };
  const size = new RunSize();
  const scheduler = new Scheduler(world, size);
  const strategies = strategiesOf(settings.strategy, settings.depth);
  const { policy, text } = machine;
  const stale = policy !== undefined && keepsVersions(policy) && text !== undefined && text.addresses.length > 0;
  const covered = new Covered(stale);
  const violations = new Map<string, { violation: Violation; schedules: number }>();
  let counterexample: Counterexample | undefined;
  let [done, cut, found, longest, first]: [number, number, number, number, number | undefined] = [0, 0, 0, 0, undefined];
  let stopped: string | undefined;
  const base = machine.mark();
  while (done < settings.schedules && (counterexample === undefined || settings.all === true)) {
    stopped = settings.budget?.stop?.(counts);
    if (stopped !== undefined) break;
    const strategy = strategies[done % strategies.length] as Strategy;
    const random = Random.of(settings.seed, done);
    const newest = covered.draws(strategy, size);
    strategy.begin(random, size);
    const run = scheduler.run(strategy, random, newest);
    strategy.end?.();
    machine.rollback(base);
    machine.mark();
    done++;
    counts.transitions += run.answers.length;
    counts.depth = Math.max(counts.depth, run.answers.length);
    // What was cut off for its length says nothing about that of others.
    if (run.answers.length < MAX_EVENTS) {
      size.ended(run.answers.length);
      longest = Math.max(longest, run.answers.length);
    }
    if (run.cut) cut++;
    if (run.violation !== undefined) {
      found++;
      first ??= done;
      counterexample ??= { violation: run.violation, answers: run.answers };
      const key = `${run.violation.check} ${run.violation.message}`;
      const known = violations.get(key);
      if (known === undefined) violations.set(key, { violation: run.violation, schedules: 1 });
      else known.schedules++;
    }
    if (done < settings.schedules && settings.budget?.maxSteps !== undefined && counts.transitions >= settings.budget.maxSteps) {
      if (counterexample === undefined) stopped = `step budget of ${settings.budget.maxSteps} spent`;
      break;
    }
  }
  const { strategy, depth, seed } = settings;
  const sample: Sample = {
    strategy,
    ...(strategy === 'pct' ? { depth: depth ?? (strategies[0]?.depth as number) } : {}),
    seed,
    schedules: done,
    cut,
    found,
    first,
    violations: [...violations.values()],
    longest,
    drawsFetches: stale,
    gambled: scheduler.gambled,
    bounds: found > 0 || scheduler.gambled ? [] : covered.bounds(size),
  };
  return { counts, counterexample, sample, stopped };
}

/** Counts the schedules of each depth that have its guarantee. */
class Covered {
  readonly #stale: boolean;
  readonly #drawn = new Map<Strategy, number>();
  readonly #schedules = new Map<number, { events: number; schedules: number }>();

  constructor(stale: boolean) {
    this.#stale = stale;
  }

  /**
   * A schedule is about to be drawn; gives whether its fetches return what memory holds. Every other one's do: in the rest of them it is drawn, and no
   * guarantee covers that draw.
   */
  draws(strategy: Strategy, size: RunSize): boolean {
    const before = this.#drawn.get(strategy) ?? 0;
    this.#drawn.set(strategy, before + 1);
    const newest = !this.#stale || before % 2 === 0;
    if (strategy.depth !== undefined && newest && size.events > 0) {
      const known = this.#schedules.get(strategy.depth);
      // Change points of earlier ones were drawn over fewer events.
      if (known === undefined || known.events !== size.events) this.#schedules.set(strategy.depth, { events: size.events, schedules: 1 });
      else known.schedules++;
    }
    return newest;
  }

  bounds(size: RunSize): MissBound[] {
    return [...this.#schedules]
      .filter(([, known]) => known.events === size.events)
      .sort(([a], [b]) => a - b)
      .map(([depth, known]) => missBound(depth, known.schedules, size.agents, known.events));
  }
}
