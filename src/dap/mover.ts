import type { DebugProtocol } from '@vscode/debugprotocol';
import { exceptionName, hexBytes } from '../debug/names.ts';
import { sayActivity } from '../debug/stepper/describe.ts';
import { BareTimeline } from '../debug/timeline/bare-timeline.ts';
import type { Stopped } from '../debug/timeline/debugger.ts';
import type { Position } from '../debug/timeline/position.ts';
import { endText } from '../kernel/bare-report.ts';
import { readLinear } from '../machine/look.ts';
import type { Debuggee } from './debuggee.ts';
import { stepsText } from './repl.ts';
import type { Going } from './stepping.ts';

/** Sends an event to the client. */
export type SendEvent = (event: string, body?: object) => void;

/** Slices of a run after which its progress is shown. */
const SLICES_SHOWN = 2;
/** Steps that are told one by one. */
const MANY_STEPS = 40;

type StoppedBody = DebugProtocol.StoppedEvent['body'];

/** What a stop at an exception was about. */
export interface ExceptionMet {
  readonly core: number;
  readonly id: string;
  readonly description: string;
}

/** Moves the run, in slices so that others are heard in between, and tells the client where and why it stopped. */
export class Mover {
  readonly #debuggee: Debuggee;
  readonly #send: SendEvent;
  #pause = false;
  #isGoing = false;
  #gaveUp = false;
  /** Gives up what goes on. */
  #leave: (() => void) | undefined;
  #numbers = 0;
  #progress: string | undefined;
  /** The exception that the last stop was about. */
  exception: ExceptionMet | undefined;

  constructor(debuggee: Debuggee, send: SendEvent) {
    this.#debuggee = debuggee;
    this.#send = send;
  }

  get isGoing(): boolean {
    return this.#isGoing;
  }

  /** The run stops soon, wherever it is. */
  pause(): void {
    this.#pause = true;
  }

  /** Nobody looks any more: the run stops without a word. */
  giveUp(): void {
    this.#gaveUp = true;
    this.leave();
  }

  /** Leaves the run where it is, at once and without a word: it is going to be somewhere else. */
  leave(): void {
    this.#leave?.();
    this.#leave = undefined;
  }

  /** Whether a progress is that of the run now. */
  isProgress(id: string): boolean {
    return id === this.#progress;
  }

  say(text: string, category: 'console' | 'important' | 'stdout' | 'stderr' = 'console'): void {
    this.#send('output', { category, output: `${text}\n` });
  }

  /** Lets the run go on; `forward` tells what happens on the way. */
  go(going: Going, forward: boolean, core: number): void {
    const { run, host, variables } = this.#debuggee;
    const from = run.timeline.position;
    let slices = 0;
    let left = false;
    this.#isGoing = true;
    this.#pause = false;
    this.#leave = () => {
      left = true;
      going.return({ why: 'until', core });
      this.#arrived();
    };
    this.exception = undefined;
    variables.forget();
    const slice = (): void => {
      if (left) return;
      try {
        if (this.#pause) {
          going.return({ why: 'until', core });
          this.#arrived();
          this.#stop({ reason: 'pause', threadId: core + 1, description: `paused at ${run.place}` });
          return;
        }
        const { done, value } = going.next();
        if (done !== true) {
          this.#flushSerial(false);
          this.#showProgress(++slices, forward);
          host.later(slice);
          return;
        }
        this.#arrived();
        if (forward) this.#tellSteps(from);
        this.#stop(this.#bodyOf(value, forward));
      } catch (error) {
        this.#arrived();
        const text = error instanceof Error ? error.message : String(error);
        this.say(text, 'stderr');
        this.exception = { core, id: 'error', description: text };
        this.#stop({ reason: 'exception', threadId: core + 1, description: 'the run cannot go on', text });
      }
    };
    host.later(slice);
  }

  #arrived(): void {
    this.#isGoing = false;
    this.#leave = undefined;
    if (this.#gaveUp) return;
    this.#flushSerial(true);
    if (this.#progress !== undefined) this.#send('progressEnd', { progressId: this.#progress });
    this.#progress = undefined;
  }

  #showProgress(slices: number, forward: boolean): void {
    const { client, run } = this.#debuggee;
    if (!client.showsProgress || slices < SLICES_SHOWN) return;
    if (this.#progress === undefined) {
      this.#progress = `run ${++this.#numbers}`;
      const title = forward ? 'textpoke goes on' : 'textpoke goes back';
      this.#send('progressStart', { progressId: this.#progress, title, cancellable: true, message: run.place });
    } else this.#send('progressUpdate', { progressId: this.#progress, message: run.place });
  }

  #flushSerial(all: boolean): void {
    const text = this.#debuggee.run.takeSerial(all);
    if (text !== '') this.#send('output', { category: 'stdout', output: text });
  }

  #tellSteps(from: Position): void {
    const { run } = this.#debuggee;
    const trace = run.trace();
    if (trace === undefined) return;
    const { at } = run.timeline.position;
    const steps = trace.steps.slice(from.at, at);
    if (steps.length === 0) return;
    const shown = steps.slice(-MANY_STEPS);
    if (shown.length < steps.length) this.say(`(@${from.at} to @${shown[0]!.at - 1} not shown)`);
    this.say(stepsText({ ...trace, steps: shown, end: at === trace.steps.length ? trace.end : [] }));
  }

  #stop(body: StoppedBody): void {
    this.#debuggee.focus = (body.threadId ?? 1) - 1;
    this.#debuggee.variables.forget();
    this.#send('stopped', { allThreadsStopped: true, ...body });
  }

  /** The run was put somewhere else. */
  moved(reason: string, core: number, description: string): void {
    this.exception = undefined;
    this.#stop({ reason, threadId: core + 1, description, text: this.#debuggee.run.place });
  }

  #bodyOf(stopped: Stopped, forward: boolean): StoppedBody {
    const { run, breakpoints } = this.#debuggee;
    const core = run.core(stopped.core);
    const where = `CPU${core.index} at ${run.code(core.linearRip)}, ${run.place}`;
    const threadId = core.index + 1;
    const hits = breakpoints.at(stopped);
    const hitBreakpointIds = hits.map((b) => b.id);
    switch (stopped.why) {
      case 'step':
        return { reason: 'step', threadId, description: where };
      case 'breakpoint': {
        const kind = hits[0]?.kind;
        const reason = kind === 'function' ? 'function breakpoint' : kind === 'instruction' ? 'instruction breakpoint' : 'breakpoint';
        return { reason, threadId, hitBreakpointIds, description: `breakpoint: ${where}`, text: where };
      }
      case 'watch': {
        const { address, size } = stopped.watch;
        const { machine } = run.timeline;
        const now = hexBytes(readLinear(machine, core, address, size));
        const which = `${run.code(address)} ${forward ? 'is now' : 'is still'} ${now}`;
        const text = `${which}, ${forward ? 'behind what' : 'before what'} CPU${core.index} ${forward ? 'did' : 'does next'}, ${run.place}`;
        return { reason: 'data breakpoint', threadId, hitBreakpointIds, description: `watched: ${which}`, text };
      }
      case 'exception': {
        const name = exceptionName(stopped.vector);
        const description = `${name}: ${where}`;
        this.exception = { core: core.index, id: name, description };
        return { reason: 'exception', threadId, description, text: name };
      }
      case 'until':
        return { reason: 'goto', threadId, description: where };
      case 'begin':
        return { reason: 'entry', threadId, description: `the start of the run: ${where}`, text: 'nothing comes before @0' };
      case 'blocked':
        return {
          reason: 'blocked',
          threadId,
          description: `CPU${core.index} cannot go on alone: it ${sayActivity(core)}`,
          text: 'let the others go on, too',
        };
      case 'end':
        return this.#atEnd(core.index);
    }
  }

  #atEnd(last: number): StoppedBody {
    const { run, stopsAtViolation } = this.#debuggee;
    const violations = run.violations();
    const [first] = violations;
    for (const v of violations) this.say(`VIOLATION ${v.check}: ${run.names?.plain(v.message) ?? v.message}`, 'important');
    this.#tellEnds();
    if (first !== undefined && stopsAtViolation) {
      const message = run.names?.plain(first.message) ?? first.message;
      const description = `violation ${first.check}: ${message}`;
      this.exception = { core: first.core, id: first.check, description };
      return { reason: 'exception', threadId: first.core + 1, description, text: message };
    }
    return {
      reason: 'end',
      threadId: last + 1,
      description: `the end of the run, ${run.place}`,
      text: 'nothing comes behind it: go back, or restart',
    };
  }

  /** How the cores of a program ended. */
  #tellEnds(): void {
    const { run } = this.#debuggee;
    if (!(run.timeline instanceof BareTimeline)) return;
    for (const { core, end, instructions } of run.timeline.run.cores)
      this.say(`core ${core}: ${endText(run.image, end)}, ${instructions} instructions`);
  }
}
