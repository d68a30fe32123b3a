import { TextpokeError } from '../../error.ts';
import { CHECK_TITLES, type Violation } from '../../explore/violation.ts';
import type { Core } from '../../machine/core.ts';
import { hexBytes, Names } from '../names.ts';
import { Debugger, type Direction, type Stopped, type Watch } from '../timeline/debugger.ts';
import { GoingOn } from '../timeline/going-on.ts';
import { comparePositions, type Position, parsePosition, positionText } from '../timeline/position.ts';
import { EVENT_KINDS, type EventKind, isOfKind, whoWrote } from '../timeline/queries.ts';
import type { ScheduleTimeline } from '../timeline/schedule-timeline.ts';
import type { Session } from '../timeline/session.ts';
import { sayHappening } from '../trace-text.ts';
import { Chronicle } from './chronicle.ts';
import { sayChoice, sayHappenings } from './describe.ts';
import { exceptionVector, parsePlace } from './places.ts';

const UNKNOWN =
  'this leads to memory that cores share and that the run did not know of from its start: it would have been another run before, too. textpoke explore finds runs that know';

/** A violation in words. */
export const sayViolation = ({ check, message }: Violation): string => `VIOLATION ${check} (${CHECK_TITLES[check]}): ${message}`;

/**
 * What a person does with a run, without keys or a screen: goes both ways, takes other choices, asks. Each method gives what is to be told about it, a text of no or more
 * lines. Whatever is done, the run is a schedule with a token.
 */
export class Stepper {
  readonly session: Session;
  readonly chronicle: Chronicle;
  #debugger: Debugger;
  #names: Names;
  /** The core whose code and registers are shown; undefined: the one that moves. */
  #focus: number | undefined;
  #searched = '';

  constructor(session: Session) {
    this.session = session;
    this.chronicle = new Chronicle(session);
    this.#debugger = new Debugger(session.timeline);
    this.#names = new Names(session.timeline.world);
    // How it goes on is decided here.
    session.timeline.openEnd = false;
  }

  get timeline(): ScheduleTimeline {
    return this.session.timeline;
  }

  get debugger(): Debugger {
    return this.#debugger;
  }

  get names(): Names {
    this.#names.learnAll();
    return this.#names;
  }

  /** Gives the machines back. */
  release(): void {
    this.chronicle.release();
    this.timeline.world.release();
  }

  // ---- keeping places what they are ----

  /**
   * To be called when something was tried that may have led to what the run does not know to be shared: then the machine is another one, at the same place of the same
   * run.
   */
  clean(): void {
    if (!this.session.isVoid) return;
    const { position } = this.timeline;
    this.#renew(false);
    this.timeline.goto(position);
  }

  #renew(learning: boolean): boolean {
    const isSame = this.session.renew(learning);
    const { breakpoints, exceptions, watches } = this.#debugger;
    this.#debugger = new Debugger(this.timeline);
    for (const b of breakpoints) this.#debugger.breakpoints.add(b);
    for (const e of exceptions) this.#debugger.exceptions.add(e);
    for (const w of watches) this.#debugger.watches.add(w);
    this.#names = new Names(this.timeline.world);
    this.chronicle.release();
    return isSame;
  }

  /** A step that the run did not have before is done, from `at`: says what is wrong with it when it cannot stay. */
  #settle(at: number): string {
    if (!this.session.isVoid) return '';
    const isSame = this.#renew(true);
    if (isSame) {
      // What was done up to what is now known to be shared is as far as that step goes.
      this.timeline.goto(this.timeline.end);
      return this.session.isVoid ? this.#settle(at) : '';
    }
    this.timeline.replaceFrom(at, []);
    return UNKNOWN;
  }

  // ---- where it is ----

  /** The first step in which the run is not the recorded one; undefined while it is. */
  get leftAt(): number | undefined {
    const { recorded, timeline } = this.session;
    const now = timeline.answers;
    const length = Math.max(now.length, recorded.answers.length);
    for (let n = 0; n < length; n++) if (now[n] !== recorded.answers[n]) return n;
    return undefined;
  }

  /** The core of the step at hand; at the end the one that moved last. */
  get mover(): number {
    const { steps } = this.chronicle;
    return (steps[this.timeline.position.at] ?? steps.at(-1))?.core ?? 0;
  }

  get focus(): number {
    return this.#focus ?? this.mover;
  }

  /** Shows a core, whoever moves; undefined: the one that moves. */
  look(core: number | undefined): string {
    if (core !== undefined && this.timeline.machine.cores[core] === undefined)
      throw new TextpokeError('E_USAGE', `there is no CPU${core}`, {
        where: `CPU${core}`,
        hint: `CPU0 to CPU${this.timeline.machine.cores.length - 1}`,
      });
    this.#focus = core;
    return core === undefined ? 'code and registers of the core that moves' : `code and registers of CPU${core}`;
  }

  /** What the run violates here: by the step before, or by ending here. */
  violations(): readonly Violation[] {
    const { at, inside } = this.timeline.position;
    if (inside > 0 || at < this.timeline.end.at) return [];
    const { recorded } = this.session;
    return this.leftAt === undefined && recorded.violations.length > 0 ? recorded.violations : this.timeline.violations;
  }

  // ---- going ----

  goto(position: Position): string {
    this.timeline.goto(position);
    return '';
  }

  /** To what a person wrote: `@14`, `@14+3`, `end`. */
  gotoText(text: string): string {
    return this.goto(text.trim() === 'end' ? this.timeline.end : parsePosition(text));
  }

  /** Some steps forward, also behind the end of the recorded run. */
  forward(count = 1): string {
    for (let n = 0; n < count; n++) {
      const { at } = this.timeline.position;
      const isNew = at === this.timeline.end.at;
      if (isNew) {
        const end = this.#extend(new GoingOn());
        if (end !== undefined) return end;
      }
      this.timeline.goto({ at: at + 1, inside: 0 });
      const wrong = isNew ? this.#settle(at) : '';
      if (wrong !== '') return wrong;
    }
    return this.#arrived();
  }

  back(count = 1): string {
    const { at, inside } = this.timeline.position;
    const to = at - count + (inside > 0 ? 1 : 0);
    this.timeline.goto({ at: Math.max(0, to), inside: 0 });
    return to < 0 ? 'the run begins here' : '';
  }

  /** To the next place where another core goes on, or back to the last such place. */
  toSwitch(direction: Direction): string {
    const { steps } = this.chronicle;
    const { at, inside } = this.timeline.position;
    const isSwitch = (n: number): boolean => steps[n]?.core !== steps[n - 1]?.core;
    if (direction === 'forward') {
      if (at === this.timeline.end.at) return this.forward();
      let n = at + 1;
      while (n < steps.length && !isSwitch(n)) n++;
      this.timeline.goto({ at: n, inside: 0 });
      return this.#arrived();
    }
    let n = inside > 0 ? at : at - 1;
    while (n > 0 && !isSwitch(n)) n--;
    this.timeline.goto({ at: Math.max(0, n), inside: 0 });
    return at === 0 && inside === 0 ? 'the run begins here' : '';
  }

  /** One instruction of the core at hand, inside a step or out of it; a step without instructions at once. */
  instruction(direction: Direction): string {
    const { at, inside } = this.timeline.position;
    if (direction === 'back') {
      if (inside > 0) return this.goto({ at, inside: inside - 1 });
      if (at === 0) return 'the run begins here';
      return this.goto({ at: at - 1, inside: Math.max(0, this.timeline.length(at - 1) - 1) });
    }
    if (at === this.timeline.end.at) {
      // Done as a whole first: only then it is known to stay.
      const said = this.forward();
      if (this.timeline.end.at === at) return said;
      this.timeline.goto({ at, inside: 0 });
    }
    this.timeline.play(this.timeline.end, () => true);
    return this.#arrived();
  }

  // ---- other runs ----

  /** Takes choice `number`, counted from 1, between two steps. */
  take(number: number): string {
    const { timeline } = this;
    const { at, inside } = timeline.position;
    if (inside > 0) return 'choices are open between steps: go on to the next one, or back to where this one begins';
    const open = timeline.options.length;
    if (number < 1 || number > open) {
      if (open > 0) return `there ${open === 1 ? 'is one choice' : `are ${open} choices`} here`;
      return this.#ended();
    }
    const answer = number - 1;
    if (timeline.answers[at] === answer) return this.forward();
    const cut = timeline.end.at - at;
    const recordedAnswer = (this.leftAt ?? at) >= at ? this.session.recorded.answers[at] : undefined;
    const other = recordedAnswer === answer ? undefined : timeline.options[recordedAnswer ?? -1];
    const recorded =
      other === undefined
        ? []
        : [
            `from @${at} on the run is another one; recorded is choice ${recordedAnswer! + 1}:`,
            `  CPU${other.core} ${sayChoice(timeline.world, this.names, other)}`,
          ];
    timeline.take(answer);
    const wrong = this.#settle(at);
    if (wrong !== '') return wrong;
    const forgotten = other === undefined && cut > 0 ? [`the ${cut} ${cut === 1 ? 'step' : 'steps'} behind @${at} are forgotten`] : [];
    return [...recorded, ...forgotten, ...this.#arrived().split('\n')].filter((l) => l !== '').join('\n');
  }

  /** Back to the run that was opened, at the last place that both share. */
  restore(): string {
    const left = this.leftAt;
    if (left === undefined) return 'this is the recorded run';
    const { position } = this.timeline;
    this.session.restore();
    this.timeline.openEnd = false;
    this.timeline.goto(comparePositions(position, { at: left, inside: 0 }) <= 0 ? position : { at: left, inside: 0 });
    return `the recorded run, at ${positionText(this.timeline.position)}`;
  }

  token(): string {
    return this.session.token() ?? 'no token yet: the run has no step';
  }

  /** Has the run go on behind its end: what it says when it cannot. */
  #extend(goingOn: GoingOn): string | undefined {
    const { timeline } = this;
    const said = this.#ended();
    if (said !== '') return said;
    const answer = goingOn.next(timeline);
    if (answer === undefined)
      return 'every choice leads back to where the run was: it can go on in circles for ever. Take one by its number';
    timeline.replaceFrom(timeline.position.at, [answer]);
    return undefined;
  }

  /** What is to be told where the run has ended; nothing where it can go on. */
  #ended(): string {
    const violations = this.violations();
    if (violations.length > 0) return violations.map(sayViolation).join('\n');
    return this.timeline.position.at === this.timeline.end.at && this.timeline.options.length === 0
      ? 'the run has ended: nothing more can happen'
      : '';
  }

  /** What is to be told of the place that a run has come to. */
  #arrived(): string {
    const { position, end } = this.timeline;
    return comparePositions(position, end) === 0 ? this.#ended() : '';
  }

  // ---- running ----

  /**
   * Runs to the next breakpoint, watched change or exception, or to the end: forward also behind the end of the recorded run, by itself. Gives undefined now and
   * then, for whoever wants to end it there, and at last what is to be told.
   */
  *run(direction: Direction): Generator<string | undefined, void> {
    if (direction === 'back') {
      for (const stopped of this.debugger.slices({ direction, goal: { kind: 'continue' } })) {
        if (stopped !== undefined) return yield this.#sayStopped(stopped);
        yield undefined;
      }
      return;
    }
    const goingOn = new GoingOn();
    for (let behind = 0; ; behind++) {
      const { position, end } = this.timeline;
      if (position.at < end.at) {
        for (const stopped of this.debugger.slices({ direction, goal: { kind: 'continue' }, until: end })) {
          if (stopped === undefined) yield undefined;
          else if (stopped.why !== 'until' && stopped.why !== 'end') return yield this.#sayStopped(stopped);
        }
        // The recorded run ends as it was recorded; what comes behind it is another command.
        if (behind === 0 && this.leftAt === undefined) return yield this.#ended() || 'the end of the recorded run: c goes on';
      }
      const said = this.#extend(goingOn);
      if (said !== undefined) return yield said;
      // Done as a whole first: only then it is known to stay.
      this.timeline.goto({ at: end.at + 1, inside: 0 });
      const wrong = this.#settle(end.at);
      if (wrong !== '') return yield wrong;
      this.timeline.goto({ at: end.at, inside: 0 });
      yield undefined;
    }
  }

  #sayStopped(stopped: Stopped): string {
    const who = `CPU${stopped.core}`;
    switch (stopped.why) {
      case 'breakpoint':
        return `breakpoint ${this.names.code(stopped.address)}, ${who}`;
      case 'watch':
        return `${who} changed ${this.#sayPlace(stopped.watch)}`;
      case 'exception':
        return `${who} took ${this.names.vector(stopped.vector)}`;
      case 'begin':
        return 'the run begins here';
      default:
        return this.#ended();
    }
  }

  #sayPlace({ address, size }: Pick<Watch, 'address' | 'size'>): string {
    return `${this.names.code(address)}${size === 1 ? '' : `, ${size} bytes`}`;
  }

  /** Sets or removes a breakpoint at an address, or on an exception (`#BP`); without a name lists what is set. */
  breakpoint(text: string): string {
    const { breakpoints, exceptions, watches } = this.debugger;
    if (text.trim() === '') {
      const all = [
        ...[...breakpoints].map((address) => `breakpoint ${this.names.code(address)}`),
        ...[...exceptions].map((vector) => `breakpoint on ${this.names.vector(vector)}`),
        ...[...watches].map((watch) => `watch ${this.#sayPlace(watch)}`),
      ];
      return all.join('\n') || 'no breakpoints';
    }
    const vector = exceptionVector(text);
    if (vector !== undefined) return `${toggle(exceptions, vector)} breakpoint on ${this.names.vector(vector)}`;
    const { address } = parsePlace(this.timeline.world, text);
    return `${toggle(breakpoints, address)} breakpoint ${this.names.code(address)}`;
  }

  /** Watches data for changes, or no longer. */
  watch(text: string): string {
    const { address, size } = parsePlace(this.timeline.world, text);
    const known = [...this.debugger.watches].find((w) => w.address === address && w.size === size);
    return `${toggle(this.debugger.watches, known ?? { address, size, kind: 'write' as const })} watch ${this.#sayPlace({ address, size })}`;
  }

  // ---- asking ----

  /** Who wrote some bytes, up to here; without a name those of the first site. */
  whoWrote(text: string): string {
    const { world } = this.timeline;
    const { address, size } = parsePlace(world, text.trim() === '' ? (world.sites[0]?.name ?? '') : text);
    const found = whoWrote(this.timeline, this.focus, address, size, this.chronicle.trace);
    if (found.length === 0) return `nobody wrote ${this.#sayPlace({ address, size })} up to here`;
    return found
      .map((w) => {
        const stored = w.stored === undefined ? 'before the first step' : `@${w.stored}`;
        const where =
          w.reached === undefined
            ? `waits in its store buffer since ${stored}`
            : w.reached === w.stored
              ? `in memory since ${stored}`
              : `stored ${stored}, in memory since @${w.reached}`;
        const first = Number(w.address - address);
        const bytes = size === w.size ? '' : w.size === 1 ? `[${first}]` : `[${first}..${first + w.size - 1}]`;
        return `${this.names.code(address)}${bytes} = ${hexBytes(w.bytes)}: CPU${w.core}, ${w.by}, ${where}`;
      })
      .join('\n');
  }

  /** To the next or last step that does something of a kind (`stale`, `ipi`, ...) or whose words hold a text; an empty text is the one before. */
  search(text: string, direction: Direction = 'forward'): string {
    const wanted = text.trim() === '' ? this.#searched : text.trim();
    if (wanted === '') return 'search what? a symbol, some words, or one of: stale, ipi, interrupt, exception, drain, fetch, violation';
    this.#searched = wanted;
    const { steps } = this.chronicle;
    const { at, inside } = this.timeline.position;
    const kind = EVENT_KINDS.find((k): k is EventKind => k === wanted.toLowerCase());
    const words = wanted.toLowerCase();
    const hit = (n: number): string | undefined => {
      const step = steps[n];
      const event = step?.happened.find((h) => (kind === undefined ? sayHappening(h).toLowerCase().includes(words) : isOfKind(h, kind)));
      if (event !== undefined) return sayHappening(event);
      return kind === undefined && step?.symbol.toLowerCase().includes(words) ? `at ${step.symbol}` : undefined;
    };
    const by = direction === 'forward' ? 1 : -1;
    for (let n = direction === 'back' && inside > 0 ? at : at + by; n >= 0 && n < steps.length; n += by) {
      const found = hit(n);
      if (found === undefined) continue;
      this.timeline.goto({ at: n, inside: 0 });
      return `next, @${n} CPU${steps[n]!.core}: ${found}`;
    }
    return `no ${direction === 'forward' ? 'later' : 'earlier'} step with '${wanted}'`;
  }

  /** What step `at` of the run does. */
  sayStep(at: number): string[] {
    const step = this.chronicle.steps[at];
    return step === undefined ? [] : sayHappenings(step.happened, step.core);
  }

  core(index: number): Core {
    return this.timeline.machine.cores[index] as Core;
  }
}

function toggle<T>(set: Set<T>, value: T): 'no more' | 'set:' {
  if (set.delete(value)) return 'no more';
  set.add(value);
  return 'set:';
}
