import { raceDiagram } from '../debug/diagram.ts';
import type { Trace } from '../debug/happening.ts';
import { hexBytes } from '../debug/names.ts';
import { sayChoice } from '../debug/stepper/describe.ts';
import { parsePosition, parsePositionOrEnd, positionText } from '../debug/timeline/position.ts';
import { EVENT_KINDS, type EventKind, nextEvent, previousEvent, viewsOf, whoFetched, whoWrote } from '../debug/timeline/queries.ts';
import { type Session, VOID_RUN } from '../debug/timeline/session.ts';
import { formatTrace } from '../debug/trace.ts';
import { sayAge, sayHappening } from '../debug/trace-text.ts';
import { TextpokeError } from '../error.ts';
import { didYouMean } from '../suggest.ts';
import { evaluate } from './expression.ts';
import type { Run } from './run.ts';

/** What a verb says, and whether the run was moved: then the client must look again. */
export interface Said {
  readonly text: string;
  readonly moved: boolean;
}

interface Verb {
  readonly usage: string;
  readonly says: string;
  act(run: Run, core: number, args: readonly string[]): string | Said;
}

const usage = (message: string, where: string, hint: string): TextpokeError => new TextpokeError('E_USAGE', message, { where, hint });

function sessionOf(run: Run, verb: string): Session {
  if (run.session !== undefined) return run.session;
  throw usage('a program alone has no schedule: its cores take turns', verb, 'debug a token or a scenario');
}

const traceOf = (run: Run, verb: string): Trace => {
  sessionOf(run, verb);
  return run.trace() as Trace;
};

function event(run: Run, args: readonly string[], verb: 'next' | 'previous'): Said {
  const [kind = '', on] = args;
  if (!EVENT_KINDS.some((k) => k === kind)) {
    const hint = didYouMean(kind, EVENT_KINDS) ?? `for example ${verb} fetch CPU1`;
    throw usage(`${verb} wants one of ${EVENT_KINDS.join(', ')}`, `${verb} ${args.join(' ')}`, hint);
  }
  const trace = traceOf(run, verb);
  const core = on === undefined ? undefined : coreOf(run, on);
  const find = verb === 'next' ? nextEvent : previousEvent;
  const found = find(trace, run.timeline.position, kind as EventKind, core);
  if (found === undefined) return { text: `no ${kind} ${verb === 'next' ? 'behind' : 'before'} ${run.place}`, moved: false };
  run.timeline.goto({ at: found.at, inside: 0 });
  return { text: `${run.place}, about to happen: CPU${found.happening.core} ${sayHappening(found.happening)}`, moved: true };
}

function coreOf(run: Run, text: string): number {
  const match = /^(?:cpu)?(\d{1,3})$/i.exec(text);
  const core = Number(match?.[1] ?? -1);
  if (core >= 0 && core < run.cores.length) return core;
  throw usage(`there is no core '${text}'`, text, `there are CPU0 to CPU${run.cores.length - 1}`);
}

/** Where an expression means, and how many bytes: those of the variable or of the site. */
function place(run: Run, core: number, text: string): { readonly address: bigint; readonly size: number } {
  const { address, value, size } = evaluate(run, { core: run.core(core) }, text);
  if (address !== undefined) return { address, size };
  return { address: value, size: run.world?.sites.find((s) => s.address === value)?.versions[0]?.length ?? 1 };
}

const stepText = (at: number | undefined, otherwise: string): string => (at === undefined ? otherwise : `@${at}`);

/** What a person can type besides expressions. */
export const VERBS: Readonly<Record<string, Verb>> = {
  help: { usage: 'help', says: 'this list', act: () => help() },
  pos: {
    usage: 'pos',
    says: 'where the run is, and where it ends',
    act: (run) => `${run.place} of @0 to ${positionText(run.timeline.end)}`,
  },
  goto: {
    usage: 'goto @N|end',
    says: 'go to the state before step N, or inside it: @N+3',
    act: (run, _, args) => {
      run.timeline.goto(parsePositionOrEnd(args.join(''), () => run.timeline.end));
      return { text: run.place, moved: true };
    },
  },
  token: {
    usage: 'token',
    says: 'the token that replays the run as it is now',
    act: (run) => sessionOf(run, 'token').token() ?? 'the run has no step yet',
  },
  choices: {
    usage: 'choices',
    says: 'what can happen next, counted from 1, and what the run does',
    act: (run) => {
      const { timeline } = sessionOf(run, 'choices');
      needStart(run, 'choices');
      const taken = timeline.answers[timeline.position.at];
      const { world } = timeline;
      const lines = timeline.options.map(
        (choice, n) => `${n === taken ? '*' : ' '} ${n + 1}  CPU${choice.core} ${choice.kind}: ${sayChoice(world, run.names!, choice)}`,
      );
      return lines.length === 0 ? 'nothing can happen: the run has ended' : lines.join('\n');
    },
  },
  take: {
    usage: 'take N',
    says: 'go on with choice N: the run becomes another one from here',
    act: (run, _, args) => {
      const { timeline } = sessionOf(run, 'take');
      needStart(run, 'take');
      const offered = timeline.options.length;
      const answer = /^\d{1,6}$/.test(args[0] ?? '') ? Number(args[0]) - 1 : -1;
      if (answer < 0 || answer >= offered)
        throw usage(`take wants a choice from 1 to ${offered}`, `take ${args.join(' ')}`, 'choices lists them');
      const violations = timeline.take(answer);
      timeline.openEnd = true;
      const warning = sessionOf(run, 'take').isVoid ? [VOID_RUN] : [];
      return { text: [`${run.place}`, ...violations.map((v) => `VIOLATION ${v.check}: ${v.message}`), ...warning].join('\n'), moved: true };
    },
  },
  restore: {
    usage: 'restore',
    says: 'the run that was opened, at its start',
    act: (run) => {
      sessionOf(run, 'restore').restore();
      return { text: run.place, moved: true };
    },
  },
  step: {
    usage: 'step [N]',
    says: 'what happens in step N, or in the one at hand',
    act: (run, _, args) => {
      const trace = traceOf(run, 'step');
      const { at } = args[0] === undefined ? run.timeline.position : parsePosition(args[0]);
      const steps = trace.steps.slice(at, at + 1);
      if (steps.length === 0) return `the run has no step @${at}`;
      return stepsText({ ...trace, steps, end: at + 1 === trace.steps.length ? trace.end : [] });
    },
  },
  diagram: {
    usage: 'diagram',
    says: 'the run as the CPU0/CPU1 diagram of a changelog',
    act: (run) => raceDiagram(traceOf(run, 'diagram')).trimEnd(),
  },
  'who-wrote': {
    usage: 'who-wrote EXPRESSION [BYTES]',
    says: 'which stores the bytes there come from, and which still wait',
    act: (run, core, args) => {
      const { text, size } = sized(args);
      const { address, size: own } = place(run, core, text);
      const count = size ?? own;
      const writers = whoWrote(run.timeline, core, address, count, run.trace());
      if (writers.length === 0) return `${run.code(address)}: nobody wrote it up to ${run.place}`;
      return writers
        .map((w) => {
          const where =
            w.reached === undefined
              ? 'WAITS in its store buffer'
              : w.reached === w.stored
                ? ''
                : `in memory since ${stepText(w.reached, '?')}`;
          const from = `${run.code(w.address)}${w.size > 1 ? ` and ${w.size - 1} more` : ''} = ${hexBytes(w.bytes)}`;
          return `${from}: CPU${w.core} in ${w.by} ${stepText(w.stored, 'before the first step')}${where === '' ? '' : `, ${where}`}`;
        })
        .join('\n');
    },
  },
  'who-fetched': {
    usage: 'who-fetched EXPRESSION [BYTES]',
    says: 'which versions of patched text cores have fetched',
    act: (run, core, args) => {
      const { text, size } = sized(args);
      const { address, size: own } = place(run, core, text);
      const fetched = whoFetched(run.timeline, core, address, size ?? own, traceOf(run, 'who-fetched'));
      if (fetched.length === 0) return `${run.code(address)}: no fetch of patched text up to ${run.place}`;
      return fetched
        .map(({ at, fetch: f }) => `@${at} CPU${f.core} ${f.name}: ${f.bytes}${f.text === '' ? '' : ` (${f.text})`}${sayAge(f)}`)
        .join('\n');
    },
  },
  views: {
    usage: 'views EXPRESSION',
    says: 'what memory holds there and what each core could fetch now',
    act: (run, core, args) => {
      const { address } = place(run, core, args.join(' '));
      const { memory, cores } = viewsOf(run.timeline, core, address);
      const of = cores.map((views, n) => {
        const all = views.map((v) => hexBytes(v.bytes) + (v.stale ? ' STALE' : '')).join(' or ');
        return `CPU${n}    ${all === '' ? 'nothing' : all}`;
      });
      return [`memory  ${hexBytes(memory)}`, ...of].join('\n');
    },
  },
  next: { usage: 'next KIND [CPUn]', says: `go to the next ${EVENT_KINDS.join(', ')}`, act: (run, _, args) => event(run, args, 'next') },
  previous: { usage: 'previous KIND [CPUn]', says: 'the same backwards', act: (run, _, args) => event(run, args, 'previous') },
};

function needStart(run: Run, verb: string): void {
  const { at, inside } = run.timeline.position;
  if (inside > 0) throw usage(`${run.place} lies inside a step, where nothing is to be chosen`, verb, `goto @${at} or goto @${at + 1}`);
}

/** `EXPRESSION` or `EXPRESSION BYTES`: a lone number at the end is a size. */
function sized(args: readonly string[]): { readonly text: string; readonly size: number | undefined } {
  const last = args.at(-1) ?? '';
  if (args.length > 1 && /^\d{1,4}$/.test(last) && !/[-+*/%&|^~(<>=!]$/.test(args.at(-2) ?? ''))
    return { text: args.slice(0, -1).join(' '), size: Math.max(1, Number(last)) };
  return { text: args.join(' '), size: undefined };
}

function help(): string {
  const width = Math.max(...Object.values(VERBS).map((v) => v.usage.length));
  return [
    ...Object.values(VERBS).map((v) => `${v.usage.padEnd(width)}  ${v.says}`),
    'anything else is an expression: $rax, counter, *0x1000, u8($rip), site + 1',
  ].join('\n');
}

/** Steps as text, without the line on the state behind them. */
export function stepsText(trace: Trace): string {
  const text = formatTrace(trace);
  return text.slice(0, text.lastIndexOf('state ')).trimEnd();
}

/** Does what a line says that begins with a verb; undefined when it does not. `monitor VERB` is what gdb's users type. */
export function act(run: Run, core: number, line: string): Said | undefined {
  const [word = '', ...args] = line
    .trim()
    .replace(/^monitor\s+/, '')
    .split(/\s+/);
  const verb = Object.hasOwn(VERBS, word) ? VERBS[word] : undefined;
  // A variable may have the name of a verb.
  if (verb === undefined || (args.length === 0 && verb.usage.includes(' ') && !verb.usage.includes(' [') && run.image.hasSymbol(word)))
    return undefined;
  const said = verb.act(run, core, args);
  return typeof said === 'string' ? { text: said, moved: false } : said;
}
