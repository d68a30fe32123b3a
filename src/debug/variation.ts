import { options } from '../explore/path.ts';
import type { CheckId } from '../explore/violation.ts';
import type { World } from '../explore/world.ts';
import type { Choice } from '../machine/choices.ts';
import type { Moment, Pair } from './conflicts.ts';
import { accessesOf, sameBytes } from './conflicts.ts';
import type { Trace, TraceStep, Write } from './happening.ts';
import { writes } from './happening.ts';
import { hexBytes } from './names.ts';
import { TraceRecorder } from './trace.ts';

/** A choice without the state that offered it, so that it can be made elsewhere. */
interface Move {
  readonly core: number;
  readonly kind: Choice['kind'];
  /** Which of those of one kind: the entry of the store buffer, the line of the cache. */
  readonly place: number;
  readonly bytes: string | undefined;
}

/** Steps in which a varied run must end by itself. */
const PATIENCE = 3000;

/** What another order of the same moves led to. */
export type Outcome =
  /** The run came to its end and broke nothing. */
  | 'clean'
  /** Something broke. */
  | 'broken'
  /** The order is impossible, or the run did not end. */
  | 'undecided';

/** Replays variations of one schedule in worlds of its own. */
export class Variations {
  readonly #make: () => World;
  readonly #moves: readonly Move[];
  readonly trace: Trace;
  #world: World | undefined;

  /** Performs the schedule once. */
  constructor(make: () => World, answers: readonly number[]) {
    this.#make = make;
    const moves: Move[] = [];
    this.trace = this.#inWorld((recorder) => {
      for (const answer of answers) {
        const choice = options(recorder.world, recorder.lastCore)[answer];
        if (choice !== undefined) moves.push(moveOf(choice));
        recorder.answer(answer);
      }
      return recorder.finish();
    });
    this.#moves = moves;
  }

  /**
   * Puts the second of a pair before the first. Clean when the run then ends well: as it went where it still can, or with `core` going on
   * first; and without any delay from there on.
   */
  reverse(pair: Pair, core: number): Outcome {
    const outcome = this.#reverse(pair, undefined);
    return outcome === 'broken' ? this.#reverse(pair, core) : outcome;
  }

  #reverse(pair: Pair, favoured: number | undefined): Outcome {
    const [i, j] = [pair.first.at, pair.second.at];
    const ways = [pair.second.core, pair.first.core].map(
      (core, n) =>
        (m: Move): boolean =>
          (m.core === core) === (n === 0),
    );
    for (const early of ways) {
      const outcome = this.#try(
        [...this.#moves.slice(0, i), ...this.#between(i, j, early)],
        pair,
        favoured === undefined ? [...this.#between(i, j, (m) => !early(m)), ...this.#moves.slice(j + 1)] : [],
        favoured,
      );
      if (outcome !== 'undecided') return outcome;
    }
    return this.#holdBack(
      pair.first,
      (w) => w.core === pair.second.core && sameBytes(w, pair.second.what) && w.text === textOf(pair.second),
      favoured,
    ).outcome;
  }

  /**
   * Holds back an access of one core until some other core writes what it accesses. Gives the two when the run ends well then: the access came
   * too early. The write has no place in the run as it was: its `order` is beyond everything.
   */
  tooEarly(core: number, at: number): Pair | undefined {
    const own = accessesOf(this.trace).find((m) => m.core === core && m.at === at);
    if (own === undefined) return undefined;
    const { outcome, write } = this.#holdBack(own, (w) => w.core !== core && sameBytes(w, own.what));
    return outcome === 'clean' && write !== undefined
      ? { first: own, second: { at: Infinity, order: Infinity, core: write.core, what: write } }
      : undefined;
  }

  /** Puts off the interrupt that a step took until nothing else can happen. */
  interruptLater(at: number): Outcome {
    const { core } = this.#moves[at] as Move;
    return this.#inWorld((recorder) => {
      if (!perform(recorder, this.#moves.slice(0, at))) return 'undecided';
      for (let n = 0; n < PATIENCE; n++) {
        const step = goOn(recorder, (c) => c.kind !== 'interrupt' || c.core !== core);
        if (recorder.violations.length > 0) return 'broken';
        if (step === undefined) return toTheEnd(recorder);
      }
      return 'undecided';
    });
  }

  /** The run in which nobody is held up and every fetch returns what is in memory. Gives the check that it breaks. */
  undelayed(): CheckId | undefined {
    return this.#inWorld((recorder) => (toTheEnd(recorder) === 'broken' ? recorder.violations[0]?.check : undefined));
  }

  /** Goes on without delays from before an access, but for that access, until a write comes; then to the end. Interrupts are still taken. */
  #holdBack(own: Moment, awaited: (write: Write) => boolean, favoured?: number): { outcome: Outcome; write?: Write } {
    const { rip } = this.trace.steps[own.at] as TraceStep;
    return this.#inWorld((recorder) => {
      if (!perform(recorder, this.#moves.slice(0, own.at))) return { outcome: 'undecided' };
      const { cores } = recorder.world.machine;
      for (let n = 0; n < PATIENCE; n++) {
        const step = goOn(recorder, (c) => c.core !== own.core || c.kind === 'interrupt' || cores[c.core]!.rip !== rip);
        if (step === undefined) return { outcome: 'undecided' };
        if (recorder.violations.length > 0) return { outcome: 'broken' };
        const write = step.happened.find((h): h is Write => writes(h) && awaited(h));
        if (write !== undefined) return { outcome: toTheEnd(recorder, favoured), write };
      }
      return { outcome: 'undecided' };
    });
  }

  #between(i: number, j: number, keep: (move: Move) => boolean): Move[] {
    return this.#moves.slice(i, j + 1).filter(keep);
  }

  #try(strict: readonly Move[], pair: Pair, rest: readonly Move[], favoured: number | undefined): Outcome {
    return this.#inWorld((recorder) => {
      const from = pair.first.at;
      if (!perform(recorder, strict)) return recorder.violations.length > 0 ? 'broken' : 'undecided';
      if (!happenedAgain(recorder.steps.slice(from), pair)) return 'undecided';
      for (const move of rest) {
        if (recorder.violations.length > 0) return 'broken';
        const answer = find(options(recorder.world, recorder.lastCore), move);
        if (answer >= 0) recorder.answer(answer);
      }
      return toTheEnd(recorder, favoured);
    });
  }

  /** Runs something from the start of a world and puts the world back. */
  #inWorld<T>(run: (recorder: TraceRecorder) => T): T {
    const world = this.#world ?? this.#make();
    this.#world = world;
    const { machine } = world;
    const [ticks, learned, base] = [machine.ticks, machine.engine.globals.learned.value, machine.mark()];
    const recorder = new TraceRecorder(world);
    try {
      return run(recorder);
    } finally {
      recorder.detach();
      machine.rollback(base);
      machine.ticks = ticks;
      // A variation went where no search was and found more memory shared: other runs shall not be cut up by that.
      if (machine.engine.globals.learned.value !== learned || machine.newText.size > 0) this.#world = undefined;
    }
  }
}

function moveOf(choice: Choice): Move {
  return {
    core: choice.core,
    kind: choice.kind,
    place: placeOf(choice),
    bytes: choice.kind === 'step' && choice.fetch !== undefined ? hexBytes(choice.fetch.bytes) : undefined,
  };
}

const placeOf = (choice: Choice): number => ('entry' in choice ? choice.entry : 'line' in choice ? choice.line : 0);

/** The answer that makes a move again; a fetch whose bytes are not there any more takes what is in memory. */
function find(offered: readonly Choice[], move: Move): number {
  const same = offered
    .map(moveOf)
    .findIndex((m) => m.core === move.core && m.kind === move.kind && m.place === move.place && m.bytes === move.bytes);
  if (same >= 0) return same;
  return offered.findIndex((c) => c.core === move.core && c.kind === move.kind && placeOf(c) === move.place);
}

/** Makes all moves, or stops where one cannot be made or something breaks. */
function perform(recorder: TraceRecorder, moves: readonly Move[]): boolean {
  return moves.every((move) => {
    const answer = find(options(recorder.world, recorder.lastCore), move);
    if (answer < 0 || recorder.violations.length > 0) return false;
    recorder.answer(answer);
    return recorder.violations.length === 0;
  });
}

const textOf = (m: Moment): string | undefined => (m.what.what === 'access' ? m.what.text : undefined);

/** Whether the second of the pair has happened in these steps, and the first has not. */
function happenedAgain(steps: readonly TraceStep[], pair: Pair): boolean {
  const again = (core: number, what: Pair['first']['what']): boolean =>
    steps.some((s) =>
      s.happened.some(
        (h) => h.core === core && h.what === what.what && 'physical' in h && sameBytes(h, what) && writes(h) === writes(what),
      ),
    );
  return again(pair.second.core, pair.second.what) && !again(pair.first.core, pair.first.what);
}

/** Goes on without delays: stores drain, invalidations and interrupts arrive, and cores take turns; fetches return what is in memory. */
function goOn(recorder: TraceRecorder, allowed: (choice: Choice) => boolean, favoured?: number): TraceStep | undefined {
  const offered = options(recorder.world, recorder.lastCore);
  const turn = (c: Choice): number => {
    if (c.kind === 'prefetch') return 5;
    if (c.kind !== 'step') return c.kind === 'interrupt' ? 1 : 0;
    return c.core > recorder.lastCore ? 2 : c.core < recorder.lastCore ? 3 : 4;
  };
  const order = (c: Choice): number => (c.core === favoured ? 0 : 8) + turn(c);
  let best = -1;
  offered.forEach((c, n) => {
    if (allowed(c) && (best < 0 || order(c) < order(offered[best] as Choice))) best = n;
  });
  return best < 0 ? undefined : recorder.answer(best);
}

function toTheEnd(recorder: TraceRecorder, favoured?: number): Outcome {
  for (let n = 0; n < PATIENCE; n++) {
    if (recorder.violations.length > 0) return 'broken';
    if (goOn(recorder, () => true, favoured) !== undefined) continue;
    recorder.finish();
    return recorder.violations.length > 0 ? 'broken' : 'clean';
  }
  return 'undecided';
}
