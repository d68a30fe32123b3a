import { ASK_EVERY, type Budget, type Counterexample, type Counts } from '../result.ts';
import type { StateVector, Transition, TransitionSystem } from '../table/system.ts';
import { sameState, vectorKey } from '../vector.ts';
import { isWanted, type Violation, type WantedViolation } from '../violation.ts';
import { coreOf, type Move, Moves } from './agents.ts';
import { dependent, type Event, eventOf, HappensBefore, sameEvent } from './happens-before.ts';
import { extend, type Reversal, racesOf, type Without } from './races.ts';

export interface DporOptions {
  readonly budget?: Budget;
  /** Goes on after other violations until this one is found. */
  readonly prefer?: WantedViolation;
  /** Go on after the first violation. */
  readonly wholeGraph?: boolean;
  /** Executions with more events are cut off there, and the outcome says so. */
  readonly maxEvents?: number;
  /** What the system said before does not hold any more: the search ends at once. */
  readonly isVoid?: () => boolean;
}

/** What became of executions. */
export interface Executions {
  /** Went to their end; no two of them are the same but for the order of independent events. */
  complete: number;
  /** Given up where everything that could go on had been tried elsewhere: work for nothing. */
  blocked: number;
  /** Cut where they came back to a state that they had been in. */
  circles: number;
}

export interface DporOutcome {
  readonly executions: Executions;
  /** `states` is 0: none are remembered. */
  readonly counts: Counts;
  readonly counterexample: Counterexample | undefined;
  /** Every violation found, the first one of each check and cause. */
  readonly violations: readonly Counterexample[];
  /** States in which nothing could happen any more, by `vectorKey`: answers that lead to each. */
  readonly ends: ReadonlyMap<string, readonly number[]>;
  /** Answers that lead to where cores look again and again at what nobody is left to change, and which cores. */
  readonly livelock: { readonly cores: readonly number[]; readonly answers: readonly number[] } | undefined;
  /** Bounds that cut off executions. */
  readonly bounds: readonly string[];
  readonly stopped: string | undefined;
}

interface Frame {
  readonly state: StateVector;
  readonly hash: number;
  readonly next: readonly Transition[];
  readonly moves: readonly Move[];
  readonly lastCore: number;
  /** Explored from an earlier place, and nothing that they depend on has happened since. */
  readonly asleep: readonly Event[];
  /** Explored from here. */
  readonly done: Event[];
  /** Agents to be scheduled here, in order of arrival. */
  readonly scheduled: number[];
  /** For each event on the way here, the execution without it. */
  readonly without: readonly Without[];
  /** The next one to look at: which of `scheduled`, which of its steps. */
  agent: number;
  step: number;
  /** The answer that was given last. */
  answer: number;
}

const MAX_EVENTS = 2000;

/**
 * Stateless search by source sets and sleep sets: P. Abdulla, S. Aronis, B. Jonsson, K. Sagonas, "Optimal Dynamic Partial Order Reduction", POPL
 * 2014, algorithm 1. It remembers no states but those of the path that it is on, and explores one execution for each Mazurkiewicz trace. As an
 * independent twin of the search over states it shares nothing with that but the transitions. It is not optimal in the sense of the paper's wakeup
 * trees: some executions are begun for nothing, and counted.
 *
 * Differences to the paper. There, a process has one next step, which nobody else can take away. Here an agent's move has several outcomes, and it
 * can be disabled (an interrupt that becomes masked, a lock that is taken). So races are looked for not only between events, but between each event
 * e and the move that each agent would have had without e: `Without` follows the execution without e and all that e happens before, a race is a move
 * there that depends on e, and it is reversed by what is left of the execution followed by that move. Moves of those who wait count, by what they
 * look at.
 *
 * Why that finds everything. Assume (1) an agent's move in a state, also to wait, is decided by looking at places one after the other, where what it
 * has seen decides where it looks next, and all of them are in `reads`, also those that are written with what they hold already; (2) moves of
 * different agents that write nothing that the other one reads commute. Claim: when the search leaves execution E, then for every sequence w of
 * further events followed by one move m, such that no initial event of w.m (one that can come first in an equivalent order) was asleep at E, some
 * explored execution goes E.y with y equivalent to w.z, and m is still the move of its agent there. Taking E empty, all that can happen is seen.
 *
 * Let S be what was asleep at E or explored from it. If an initial of w.m is in S, take the one explored first, p: the rest of w.m has no initial
 * that is asleep at E.p, and E.p was left before E. Otherwise each p explored from E is independent of a longest prefix w(p) of w.m and depends on
 * the move behind it, of some agent B (if it depends on nothing, E.p covers w.m). Choose p with the longest prefix, among those one that is not B's,
 * and of them the one whose first write to what B looks at comes latest in the order in which B looks. Let f be B's move after E.p.w(p). It depends
 * on p by (1): up to what p wrote, B looks at the same places. So w(p).f has no initial that is asleep at E.p (an initial of w(p) would be one of w,
 * f would have been woken by p) and is covered: some explored E.p.y has all of w(p).f in it, and others, R, that p does not happen before and that f
 * does not depend on. Without p the execution leads to E.w(p).R, where B still looks at what p wrote: a race, so some awake r that is first in
 * w(p).R.B was scheduled at E. It is not in w(p), nor B's move at E unless that is the first of w (else it would be an initial of w in S). So it is
 * in R: independent of w(p) and f, its prefix is not shorter, and B looks at what it writes later, if at all, than at what p writes. That
 * contradicts the choice of p. If p is B's, another outcome of the move behind w(p), then E.p.y with all of w(p) in it will do for f: without p, B
 * still has the same move, which races with p when some outcome of it depends on w(p).R, and an r in R is not B's.
 *
 * Waiting. A step that leads back to the state it came from changes nothing: it counts as a move of one who waits. Where only one agent has moved
 * since the execution was in the very same state, it waits as well, in a circle: the execution is cut. Everybody is scheduled wherever the circle
 * went through. Any target can do without circles (same states with fewer events), so w may be taken to have none in any equivalent order. In the
 * argument above places where everybody is scheduled never need a race, only the first case, which adds nothing that is not in w: hence the whole
 * circle would be part of w.m, or of w(p).f. The former is excluded; so is the latter unless f closes the circle, and then B has an event in w(p)
 * before f, and the race of p with f, seen one event before the cut, already gives an initial of w. Where several agents went in a circle this last
 * step does not hold, and everybody is scheduled all along the way from the start, so that the argument needs no race anywhere on it.
 */
export function searchDpor(system: TransitionSystem, settings: DporOptions = {}): DporOutcome {
  const maxEvents = settings.maxEvents ?? MAX_EVENTS;
  const executions: Executions = { complete: 0, blocked: 0, circles: 0 };
  const counts: Counts = { states: 0, transitions: 0, depth: 0 };
  const violations: Counterexample[] = [];
  const ends = new Map<string, readonly number[]>();
  const bounds = new Set<string>();
  const order = new HappensBefore();
  const everybody = new Moves(system);
  const stack: Frame[] = [];
  let counterexample: Counterexample | undefined;
  let livelock: DporOutcome['livelock'];
  let stopped: string | undefined;

  const answers = (): number[] => stack.slice(0, -1).map((f) => f.answer);
  const note = (found: readonly Violation[], at: () => number[]): void => {
    for (const violation of found) {
      const { check, cause } = violation;
      if (!violations.some((o) => o.violation.check === check && o.violation.cause === cause))
        violations.push({ violation, answers: at() });
    }
    const first = found.find((v) => isWanted(v, settings.prefer)) ?? found[0];
    if (first === undefined) return;
    if (counterexample === undefined || (isWanted(first, settings.prefer) && !isWanted(counterexample.violation, settings.prefer)))
      counterexample = { violation: first, answers: at() };
  };

  enter(system.start(), 0, []);
  while (stack.length > 0) {
    const satisfied = counterexample !== undefined && isWanted(counterexample.violation, settings.prefer);
    if (stopped !== undefined || (satisfied && settings.wholeGraph !== true) || settings.isVoid?.() === true) break;
    const frame = stack[stack.length - 1]!;
    const chosen = nextOf(frame);
    if (chosen === undefined) {
      stack.pop();
      if (stack.length > 0) order.pop();
      continue;
    }
    const { event, step } = chosen;
    const asleep = [...frame.asleep, ...frame.done].filter((other) => !dependent(other, event));
    frame.done.push(event);
    frame.answer = answerOf(frame, step);
    counts.transitions++;
    if (counts.transitions === settings.budget?.maxSteps) stopped = `step budget of ${settings.budget.maxSteps} spent`;
    if (counts.transitions % ASK_EVERY === 0) stopped ??= settings.budget?.stop?.(counts);
    order.push(event);
    enter(system.after(frame.state, step), step.core, asleep);
  }
  return { executions, counts, counterexample, violations, ends, livelock, bounds: [...bounds], stopped };

  /** Goes to the state behind the execution. */
  function enter(state: StateVector, lastCore: number, asleep: readonly Event[]): void {
    const next = system.next(state);
    const moves = everybody.in(state, next);
    const without = withoutEach();
    const hash = hashOf(state);
    const frame: Frame = { state, hash, next, moves, lastCore, asleep, done: [], scheduled: [], without, agent: 0, step: 0, answer: 0 };
    stack.push(frame);
    counts.depth = Math.max(counts.depth, order.length);
    for (const t of moves.flatMap((m) => m.violating)) note(t.violations, () => [...answers(), answerOf(frame, t)]);
    if (!moves.some((m) => m.steps.length > 0)) finish(frame);
    else if (closesCircle(frame)) executions.circles++;
    else if (order.length >= maxEvents) bounds.add(`events of an execution <= ${maxEvents}`);
    else if (!scheduleOne(frame)) executions.blocked++;
  }

  /** The execution without each of its events, and what could come first instead. The last event is new. */
  function withoutEach(): Without[] {
    const parent = stack[stack.length - 1];
    if (parent === undefined) return [];
    const n = order.length - 1;
    const event = order.events[n]!;
    const out: Without[] = [];
    for (let i = 0; i <= n; i++) {
      const before = i === n ? { state: parent.state, moves: parent.moves } : parent.without[i]!;
      if (i < n && order.holds(i, n)) {
        out.push(before);
        continue;
      }
      const without = i === n ? before : extend(system, everybody, before, event);
      out.push(without);
      for (const reversal of racesOf(order, i, without)) reverse(reversal);
    }
    return out;
  }

  /** Sees to it that something is scheduled that lets a race go the other way. What is asleep there does that elsewhere. */
  function reverse({ before, initials, agent }: Reversal): void {
    const frame = stack[before]!;
    const awake = initials.filter((j) => !isAsleep(frame, order.events[j]!)).map((j) => order.events[j]!.agent);
    if (agent !== undefined && isAwake(frame, agent)) awake.push(agent);
    if (awake.length === 0 || awake.some((a) => frame.scheduled.includes(a))) return;
    frame.scheduled.push(awake[0]!);
  }

  function finish(frame: Frame): void {
    executions.complete++;
    if (frame.next.length === 0) {
      const key = vectorKey(frame.state);
      if (!ends.has(key)) ends.set(key, answers());
      note(system.end(frame.state), answers);
      return;
    }
    const waiting = frame.moves.filter((m) => m.spins);
    if (waiting.length > 0 && !frame.moves.some((m) => m.violating.length > 0))
      livelock ??= { cores: waiting.map((m) => coreOf(m.agent)), answers: answers() };
  }

  /** Whether the execution has been in its last state before; schedules everybody where that asks for it. */
  function closesCircle(frame: Frame): boolean {
    const { agent } = order.events[order.length - 1] ?? { agent: -1 };
    for (let k = stack.length - 2, alone = true; k >= 0; k--) {
      alone &&= order.events[k]!.agent === agent;
      if (stack[k]!.hash !== frame.hash || !sameState(stack[k]!.state, frame.state)) continue;
      for (const on of stack.slice(alone ? k : 0, -1))
        for (const m of on.moves) if (m.steps.length > 0 && !on.scheduled.includes(m.agent)) on.scheduled.push(m.agent);
      return true;
    }
    return false;
  }

  /** The first one to be scheduled: who moved last, to see soon that it goes in circles. */
  function scheduleOne(frame: Frame): boolean {
    const awake = frame.moves.map((m) => m.agent).filter((agent) => isAwake(frame, agent));
    const last = order.events[order.length - 1]?.agent;
    const first = awake.find((agent) => agent === last) ?? awake.find((agent) => coreOf(agent) === frame.lastCore) ?? awake[0];
    if (first !== undefined) frame.scheduled.push(first);
    return first !== undefined;
  }
}

/** The next outcome to explore that is not asleep. */
function nextOf(frame: Frame): { event: Event; step: Transition } | undefined {
  for (; frame.agent < frame.scheduled.length; frame.agent++, frame.step = 0) {
    const move = frame.moves.find((m) => m.agent === frame.scheduled[frame.agent])!;
    while (frame.step < move.steps.length) {
      const step = move.steps[frame.step++]!;
      const event = eventOf(move, step);
      if (!isAsleep(frame, event)) return { event, step };
    }
  }
  return undefined;
}

const isAsleep = (frame: Frame, event: Event): boolean => frame.asleep.some((other) => sameEvent(other, event));

function isAwake(frame: Frame, agent: number): boolean {
  const move = frame.moves.find((m) => m.agent === agent);
  return move?.steps.some((step) => !isAsleep(frame, eventOf(move, step))) === true;
}

/** The answer of a token that means this transition: those of the core that moved last come first, see `options` in ../path.ts. */
function answerOf({ next, lastCore }: Frame, step: Transition): number {
  const at = next.indexOf(step);
  if (step.core === lastCore) return next.slice(0, at).filter((t) => t.core === lastCore).length;
  return at + next.slice(at).filter((t) => t.core === lastCore).length;
}

function hashOf(state: StateVector): number {
  let hash = 0;
  // Zeros at the end say nothing, so they must not count.
  for (let slot = 0; slot < state.length; slot++)
    if (state[slot] !== 0) hash = (Math.imul(hash, 31) + Math.imul(slot + 1, 0x9e3779b1) + state[slot]!) | 0;
  return hash;
}
