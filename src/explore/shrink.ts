import type { Choice } from '../machine/choices.ts';
import { choose, endOf, options } from './path.ts';
import { Meter } from './price.ts';
import type { Counterexample } from './result.ts';
import type { Violation } from './violation.ts';
import type { World } from './world.ts';

/** A choice in words that survive edits of the schedule around it. */
interface Event {
  readonly kind: Choice['kind'];
  readonly core: number;
  readonly detail: string;
}

const MAX_REPLAYS = 400;
/** How many events of its core a drain's store is looked for behind. */
const STORE_BUFFER_LOOK = 3;

/**
 * Makes a counterexample shorter by `priceOf`: drops events, merges stretches of one core and folds drains into their stores, keeping what still ends in the
 * same violation. Every candidate is replayed leniently (an event that is not possible is skipped); what is returned was replayed exactly.
 */
export function shrink(world: World, found: Counterexample): Counterexample {
  const base = world.machine.mark();
  let best = replayAnswers(world, found);
  restore(world, base);
  if (best === undefined) return found;
  let replays = 0;
  const attempt = (events: readonly Event[]): boolean => {
    if (replays++ >= MAX_REPLAYS) return false;
    const result = replayEvents(world, events, found.violation);
    restore(world, base);
    if (result === undefined || !isShorter(result, best as Replayed)) return false;
    best = result;
    return true;
  };
  for (let improved = true; improved && replays < MAX_REPLAYS; ) {
    improved = false;
    // Delta debugging: ever smaller chunks.
    for (let size = Math.max(1, best.events.length >> 1); size >= 1; size >>= 1) {
      for (let at = 0; at + size <= best.events.length; at++) {
        if (attempt([...best.events.slice(0, at), ...best.events.slice(at + size)])) improved = true;
      }
    }
    for (let at = 1; at < best.events.length; at++) {
      if (earlierPlaces(best.events, at).some((place) => attempt(movedTo(best as Replayed, at, place)))) improved = true;
    }
  }
  return { violation: best.violation, answers: best.answers };
}

/** Behind which events one may go: the one before it of its core, and for a drain those before that too, one of which was its store. */
function earlierPlaces(events: readonly Event[], at: number): number[] {
  const { core, kind } = events[at] as Event;
  const own = events.slice(0, at).flatMap((e, i) => (e.core === core && i < at - 1 ? [i] : []));
  return events[at - 1]!.core === core && kind !== 'drain' ? [] : own.reverse().slice(0, kind === 'drain' ? STORE_BUFFER_LOOK : 1);
}

function movedTo({ events }: Replayed, at: number, behind: number): Event[] {
  return [...events.slice(0, behind + 1), events[at] as Event, ...events.slice(behind + 1, at), ...events.slice(at + 1)];
}

/** Whether the answers end in that kind of violation in a world that has just begun. */
export function reproduces(world: World, found: Counterexample): boolean {
  const replayed = replayAnswers(world, found);
  return replayed !== undefined && isSame(replayed.violation, found.violation);
}

const isSame = (a: Violation, b: Violation): boolean => a.check === b.check && a.cause === b.cause;

interface Replayed {
  readonly violation: Violation;
  readonly answers: readonly number[];
  readonly events: readonly Event[];
  /** By `priceOf`. */
  readonly price: number;
}

const isShorter = (a: Replayed, b: Replayed): boolean => a.price < b.price || (a.price === b.price && a.events.length < b.events.length);

const eventOf = (choice: Choice): Event => ({ kind: choice.kind, core: choice.core, detail: detailOf(choice) });

function detailOf(choice: Choice): string {
  switch (choice.kind) {
    case 'step':
      return choice.fetch === undefined ? '' : [...choice.fetch.bytes].join();
    case 'drain':
      return String(choice.entry);
    case 'interrupt':
      return String(choice.vector);
    default:
      return String(choice.line);
  }
}

function restore(world: World, base: number): void {
  world.machine.rollback(base);
  world.machine.mark();
}

/** Where several checks break in one step, the violation is the one that was found. */
function replayAnswers(world: World, { answers, violation: wanted }: Counterexample): Replayed | undefined {
  const events: Event[] = [];
  const meter = new Meter();
  for (const [n, answer] of answers.entries()) {
    const offered = options(world, meter.lastCore);
    const choice = offered[answer];
    if (choice === undefined) return undefined;
    events.push(eventOf(choice));
    meter.add(choice, offered);
    world.machine.mark();
    const violations = choose(world, choice);
    const violation = violations.find((v) => isSame(v, wanted)) ?? violations[0];
    if (violation !== undefined) return { violation, answers: answers.slice(0, n + 1), events, price: meter.price };
  }
  const [end] = options(world, meter.lastCore).length === 0 ? endOf(world) : [];
  return end === undefined ? undefined : { violation: end, answers, events, price: meter.price };
}

function replayEvents(world: World, wanted: readonly Event[], violation: Violation): Replayed | undefined {
  const events: Event[] = [];
  const answers: number[] = [];
  const meter = new Meter();
  for (const want of wanted) {
    const offered = options(world, meter.lastCore);
    let at = offered.findIndex((o) => o.kind === want.kind && o.core === want.core && detailOf(o) === want.detail);
    // A core that is now at another fetch still goes on.
    if (at < 0 && want.kind === 'step')
      at = offered.findIndex((o) => o.kind === 'step' && o.core === want.core && o.fetch === undefined && want.detail === '');
    if (at < 0) continue;
    const choice = offered[at] as Choice;
    answers.push(at);
    events.push(eventOf(choice));
    meter.add(choice, offered);
    world.machine.mark();
    const violations = choose(world, choice);
    const found = violations.find((v) => isSame(v, violation));
    if (found !== undefined) return { violation: found, answers, events, price: meter.price };
    if (violations.length > 0) return undefined;
  }
  if (options(world, meter.lastCore).length > 0) return undefined;
  const end = endOf(world).find((v) => isSame(v, violation));
  return end === undefined ? undefined : { violation: end, answers, events, price: meter.price };
}
