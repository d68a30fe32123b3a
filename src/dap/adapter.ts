import { ProtocolServer } from '@vscode/debugadapter/lib/protocol.js';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { BareTimeline } from '../debug/timeline/bare-timeline.ts';
import type { Direction } from '../debug/timeline/debugger.ts';
import { TextpokeError } from '../error.ts';
import { EXCEPTION_FILTERS, positionOfTarget, SETTINGS } from './breakpoint-requests.ts';
import { Client } from './client.ts';
import { Debuggee } from './debuggee.ts';
import { Fields } from './fields.ts';
import type { DapHost } from './host.ts';
import { evaluateExpression, LOOKS } from './look-requests.ts';
import { Mover } from './mover.ts';
import { act, stepsText } from './repl.ts';
import { openRun, type Run } from './run.ts';
import type { Step } from './stepping.ts';
import { namesTarget, readTarget, readWishes, TARGET_NAMES, type Wishes } from './target.ts';

const usage = (message: string, where: string, hint: string): TextpokeError => new TextpokeError('E_USAGE', message, { where, hint });

/** What this adapter can do, as `initialize` answers. */
const CAPABILITIES: DebugProtocol.Capabilities = {
  supportsConfigurationDoneRequest: true,
  supportsFunctionBreakpoints: true,
  supportsConditionalBreakpoints: true,
  supportsLogPoints: true,
  supportsEvaluateForHovers: true,
  supportsStepBack: true,
  supportsGotoTargetsRequest: true,
  supportsCompletionsRequest: true,
  supportsRestartRequest: true,
  supportsTerminateRequest: true,
  supportsExceptionInfoRequest: true,
  supportsExceptionFilterOptions: true,
  supportsValueFormattingOptions: true,
  supportsDelayedStackTraceLoading: true,
  supportsLoadedSourcesRequest: true,
  supportsDataBreakpoints: true,
  supportsDataBreakpointBytes: true,
  supportsReadMemoryRequest: true,
  supportsDisassembleRequest: true,
  supportsCancelRequest: true,
  supportsBreakpointLocationsRequest: true,
  supportsSteppingGranularity: true,
  supportsInstructionBreakpoints: true,
  supportsSingleThreadExecutionRequests: true,
  exceptionBreakpointFilters: [...EXCEPTION_FILTERS],
};

export interface AdapterOptions {
  /** Gives the run that `attach` without a target means. */
  readonly attached?: () => Promise<Run>;
  /** The client has gone. */
  readonly onEnd?: () => void;
}

/**
 * A debug adapter for one client: the Debug Adapter Protocol over a pair of streams. Threads are cores. Reading never changes the run; what steps a core alone, and
 * `take` in the debug console, makes another run of it.
 */
export class Adapter extends ProtocolServer {
  readonly #host: DapHost;
  readonly #options: AdapterOptions;
  #client = new Client(new Fields({}, 'initialize'));
  #debuggee: Debuggee | undefined;
  #mover: Mover | undefined;
  /** The run is this client's own: nobody has it when it goes. */
  #owned = false;
  #configured = false;
  #began = false;
  #ended = false;
  #queue: Promise<void> = Promise.resolve();
  #after: (() => void)[] = [];

  constructor(host: DapHost, options: AdapterOptions = {}) {
    super();
    this.#host = host;
    this.#options = options;
    // What is no message is passed over.
    this.on('error', () => {});
    this.on('close', () => this.#end());
  }

  /** What is debugged. */
  get run(): Run | undefined {
    return this.#debuggee?.run;
  }

  override handleMessage(message: unknown): void {
    if (typeof message !== 'object' || message === null || (message as { type?: unknown }).type !== 'request') return;
    this.dispatchRequest(message as DebugProtocol.Request);
  }

  protected override dispatchRequest(request: DebugProtocol.Request): void {
    this.#queue = this.#queue.then(() => this.#answer(request));
  }

  async #answer(request: DebugProtocol.Request): Promise<void> {
    const command = typeof request.command === 'string' ? request.command : '';
    const response = {
      type: 'response',
      seq: 0,
      request_seq: typeof request.seq === 'number' ? request.seq : 0,
      command,
      success: true,
    } as DebugProtocol.Response;
    try {
      const body = await this.#handle(command, new Fields(request.arguments, command));
      if (body !== undefined) response.body = body;
    } catch (error) {
      this.#after = [];
      response.success = false;
      response.message = errorText(error);
      response.body = { error: { id: 1, format: errorText(error).replaceAll('{', '(').replaceAll('}', ')'), showUser: true } };
    }
    this.sendResponse(response);
    const after = this.#after;
    this.#after = [];
    try {
      for (const work of after) work();
    } catch (error) {
      // It was answered already.
      this.#event('output', { category: 'stderr', output: `${errorText(error)}\n` });
    }
  }

  /** Answers first, then does this. */
  #then(work: () => void): undefined {
    this.#after.push(work);
  }

  #event(event: string, body?: object): void {
    this.sendEvent({ seq: 0, type: 'event', event, ...(body !== undefined && { body }) });
  }

  #handle(command: string, fields: Fields): object | undefined | Promise<object | undefined> {
    const look = LOOKS[command];
    if (Object.hasOwn(LOOKS, command) && look !== undefined) {
      // Clients ask for threads at any time.
      if (command === 'threads' && this.#debuggee === undefined) return { threads: [] };
      return look(command === 'threads' ? this.#open() : this.#still(command), fields);
    }
    const setting = SETTINGS[command];
    if (Object.hasOwn(SETTINGS, command) && setting !== undefined) return setting(this.#open(), fields);
    switch (command) {
      case 'initialize':
        this.#client = new Client(fields);
        return CAPABILITIES;
      case 'launch':
        return this.#launch(fields);
      case 'attach':
        return this.#attach(fields);
      case 'configurationDone':
        this.#open();
        this.#configured = true;
        return this.#then(() => this.#begin());
      case 'continue':
        return { allThreadsContinued: !this.#resume(fields, 'forward') };
      case 'reverseContinue':
        this.#resume(fields, 'back');
        return undefined;
      case 'next':
      case 'stepIn':
      case 'stepOut':
      case 'stepBack':
        return this.#step(command, fields);
      case 'pause': {
        const debuggee = this.#open();
        const core = fields.has('threadId') ? debuggee.coreOf(fields) : debuggee.focus;
        return this.#then(() => {
          if (this.#mover?.isGoing === true) this.#mover.pause();
          else this.#mover?.moved('pause', core, `it stands at ${debuggee.run.place}`);
        });
      }
      case 'cancel': {
        const id = fields.text('progressId');
        if (id !== undefined && this.#mover?.isProgress(id) === true) this.#mover.pause();
        return undefined;
      }
      case 'goto': {
        const { run } = this.#still(command);
        const position = positionOfTarget(fields.needNumber('targetId'));
        run.timeline.goto(position);
        const core = run.trace()?.steps[position.at]?.core ?? 0;
        return this.#then(() => this.#mover?.moved('goto', core, `gone to ${run.place}`));
      }
      case 'evaluate':
        return this.#evaluate(fields);
      case 'exceptionInfo':
        return this.#exceptionInfo(fields);
      case 'restart':
        return this.#restart();
      case 'terminate':
        this.#mover?.giveUp();
        return this.#then(() => this.#event('terminated'));
      case 'disconnect':
        return this.#then(() => this.#end());
      default:
        throw usage(`there is no request '${command}'`, command, 'initialize says what there is');
    }
  }

  #open(): Debuggee {
    if (this.#debuggee !== undefined) return this.#debuggee;
    throw usage('nothing is being debugged', 'the session', 'launch or attach first');
  }

  /** What is debugged, while it stands still. */
  #still(command: string): Debuggee {
    const debuggee = this.#open();
    if (this.#mover?.isGoing === true) throw usage('the run is going on', command, 'pause it first');
    return debuggee;
  }

  async #launch(fields: Fields): Promise<undefined> {
    this.#checkNew('launch');
    const target = readTarget(fields);
    const wishes = readWishes(fields);
    if (target.what.kind === 'scenario')
      this.#event('output', { category: 'console', output: `searching for a run of ${target.what.scenario} that breaks it ...\n` });
    const run = await openRun(this.#host, target);
    this.#take(run, wishes, true);
  }

  async #attach(fields: Fields): Promise<undefined> {
    this.#checkNew('attach');
    if (namesTarget(fields)) return this.#launch(fields);
    const { attached } = this.#options;
    if (attached === undefined) {
      throw usage(
        'there is no run to attach to',
        'attach',
        'begin one with textpoke dap --port N TOKEN, or say "program", "token" or "scenario"',
      );
    }
    readTargetless(fields);
    const wishes = { ...readWishes(fields), stopOnEntry: fields.flag('stopOnEntry') ?? true };
    this.#take(await attached(), wishes, false);
  }

  #checkNew(command: string): void {
    if (this.#debuggee !== undefined)
      throw usage('something is being debugged already', command, 'restart begins it anew; disconnect ends it');
  }

  #take(run: Run, wishes: Wishes, owned: boolean): void {
    if (this.#ended) {
      // The client has gone while the run was searched for.
      if (owned) run.release();
      return;
    }
    try {
      if (wishes.at !== undefined) run.timeline.goto(wishes.at);
    } catch (error) {
      if (owned) run.release();
      throw error;
    }
    this.#owned = owned;
    const debuggee = new Debuggee(run, this.#client, this.#host, wishes, (text) => this.#mover?.say(text));
    this.#debuggee = debuggee;
    this.#mover = new Mover(debuggee, (event, body) => this.#event(event, body));
    this.#then(() => {
      this.#event('initialized');
      this.#mover?.say(greeting(run));
    });
  }

  /** All that the client wanted to set is set. */
  #begin(): void {
    if (this.#began || !this.#configured) return;
    this.#began = true;
    const debuggee = this.#open();
    const { run, wishes } = debuggee;
    if (wishes.noDebug) {
      debuggee.breakpoints.clear();
      run.debug.exceptions.clear();
      debuggee.stopsAtViolation = false;
      this.#runToEnd();
    } else if (wishes.stopOnEntry || wishes.at !== undefined) this.#mover?.moved('entry', firstCore(run), `the run stands at ${run.place}`);
    else this.#forward();
  }

  #forward(): void {
    const { stepping } = this.#open();
    this.#mover?.go(stepping.resume({ direction: 'forward', goal: { kind: 'continue' } }), true, 0);
  }

  /** Without debugging: to the end, and that is all. */
  #runToEnd(): void {
    const { run } = this.#open();
    const mover = new Mover(this.#open(), (event, body) => {
      if (event !== 'stopped') return this.#event(event, body);
      this.#event('exited', { exitCode: exitCodeOf(run) });
      this.#event('terminated');
    });
    this.#mover = mover;
    mover.go(this.#open().stepping.resume({ direction: 'forward', goal: { kind: 'continue' } }), true, 0);
  }

  /** Gives whether the core goes on alone. */
  #resume(fields: Fields, direction: Direction): boolean {
    const debuggee = this.#still(direction === 'forward' ? 'continue' : 'reverseContinue');
    const core = debuggee.coreOf(fields);
    const alone = (fields.flag('singleThread') ?? false) && direction === 'forward';
    if (alone) this.#sayTurns();
    const request = { direction, goal: { kind: 'continue' } as const, ...(alone && { locked: core }) };
    this.#then(() => this.#mover?.go(debuggee.stepping.resume(request), direction === 'forward', core));
    return alone;
  }

  #step(command: 'next' | 'stepIn' | 'stepOut' | 'stepBack', fields: Fields): undefined {
    const debuggee = this.#still(command);
    const granularity = fields.oneOf('granularity', ['statement', 'line', 'instruction'] as const) ?? 'statement';
    const step: Step = {
      core: debuggee.coreOf(fields),
      byLine: granularity !== 'instruction',
      alone: fields.flag('singleThread') ?? false,
    };
    const { stepping } = debuggee;
    if (command === 'stepOut') stepping.checkOut(step.core);
    if (step.alone) this.#sayTurns();
    this.#then(() => {
      const going =
        command === 'stepBack'
          ? stepping.back(step)
          : command === 'stepOut'
            ? stepping.out(step)
            : stepping.step(command === 'next' ? 'over' : 'in', step);
      this.#mover?.go(going, command !== 'stepBack', step.core);
    });
  }

  #toldTurns = false;
  #sayTurns(): void {
    if (this.#toldTurns || this.#open().run.session !== undefined) return;
    this.#toldTurns = true;
    this.#mover?.say('The cores of a program alone take turns: the others move, too.');
  }

  #evaluate(fields: Fields): object {
    const debuggee = this.#still('evaluate');
    const text = fields.needText('expression');
    const context = fields.text('context');
    const { run } = debuggee;
    if (/^\s*@/.test(text)) return { result: stepAt(run, text), variablesReference: 0 };
    if (context === 'repl') {
      const core = fields.has('frameId') ? debuggee.frameOf(fields.number('frameId')).core.index : debuggee.focus;
      const said = act(run, core, text);
      if (said?.moved === true) {
        const on = run.trace()?.steps[run.timeline.position.at]?.core ?? core;
        this.#then(() => this.#mover?.moved('goto', on, `gone to ${run.place}`));
      }
      if (said !== undefined) return { result: said.text, variablesReference: 0 };
    }
    return evaluateExpression(debuggee, fields);
  }

  #exceptionInfo(fields: Fields): object {
    const debuggee = this.#still('exceptionInfo');
    debuggee.coreOf(fields);
    const met = this.#mover?.exception;
    if (met === undefined) throw usage('the run did not stop at an exception', 'exceptionInfo', 'the stopped event says why it stopped');
    return { exceptionId: met.id, description: met.description, breakMode: 'always' };
  }

  #restart(): undefined {
    const { run, wishes } = this.#open();
    this.#mover?.leave();
    if (run.session === undefined) run.timeline.goto({ at: 0, inside: 0 });
    else run.session.restore();
    if (wishes.at !== undefined) run.timeline.goto(wishes.at);
    this.#began = false;
    return this.#then(() => this.#begin());
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#mover?.giveUp();
    const run = this.#debuggee?.run;
    this.#debuggee?.breakpoints.clear();
    run?.debug.exceptions.clear();
    this.#debuggee = undefined;
    if (this.#owned) run?.release();
    this.stop();
    this.#options.onEnd?.();
  }
}

/** The words of an error for a person: what, where, what next. */
function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (!(error instanceof TextpokeError)) return `a defect of textpoke: ${error.message}`;
  const where = error.where === undefined || error.message.includes(error.where) ? '' : ` (${error.where})`;
  return `${error.message}${where}${error.hint === undefined ? '' : `; ${error.hint}`}`;
}

const firstCore = (run: Run): number => run.trace()?.steps[run.timeline.position.at]?.core ?? 0;

function greeting(run: Run): string {
  const token = run.session?.token();
  const violation = run.session?.recorded.violations[0];
  const end = run.session === undefined ? '' : `, @0 to @${run.timeline.end.at}`;
  return [
    `${run.title}: ${run.cores.length} ${run.cores.length === 1 ? 'core' : 'cores'}${end}`,
    ...(violation === undefined ? [] : [`it breaks ${violation.check}: ${run.names?.plain(violation.message) ?? violation.message}`]),
    ...(token === undefined ? [] : [`replay   textpoke replay ${token}`]),
    'help lists what can be typed here',
  ].join('\n');
}

/** What happens at `@N`. */
function stepAt(run: Run, text: string): string {
  const at = /^\s*@(\d{1,15})\s*$/.exec(text)?.[1];
  if (at === undefined) throw usage(`${text.trim()} is no step`, text, 'for example @14');
  const trace = run.trace();
  if (trace === undefined) throw usage('a program alone has no steps: @N is behind N instructions', text, 'goto @N goes there');
  const steps = trace.steps.slice(Number(at), Number(at) + 1);
  if (steps.length === 0) throw usage(`the run has no step @${at}`, text, `it ends at @${trace.steps.length}`);
  return stepsText({ ...trace, steps, end: [] });
}

/** Arguments of an attach to a run that is there: only how it is looked at. */
function readTargetless(fields: Fields): void {
  const target = fields.names.find((name) => TARGET_NAMES.some((known) => known === name));
  if (target !== undefined) throw usage(`'${target}' does not fit an attach to a run that is there`, target, 'leave it out, or launch');
}

function exitCodeOf(run: Run): number {
  if (!(run.timeline instanceof BareTimeline)) return run.violations().length > 0 ? 1 : 0;
  const codes = run.timeline.run.cores.map(({ end }) => (end.kind === 'exited' ? end.code : end.kind === 'trapped' ? 1 : 0));
  return codes.find((code) => code !== 0) ?? 0;
}
