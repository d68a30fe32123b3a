import { CHECK_TITLES } from '../explore/violation.ts';
import type { Access, Fetch, Happening, Trace, TraceStep } from './happening.ts';
import { wrap } from './wrap.ts';

const WIDTH = 80;
const INDENT = '        ';
/** Columns of a step's line besides the symbol: position, core, choice, which answer it was. */
const BESIDE_SYMBOL = 40;

export interface TraceTextOptions {
  /** Columns of text, default 80. */
  readonly width?: number;
  /** With addresses. */
  readonly verbose?: boolean;
}

/** A trace as text of at most 80 columns, the same bytes for the same trace: a line a step, then a line for each thing that happened. */
export const formatTrace = (trace: Trace): string => [...traceText(trace)].join('');

/** The same, a step at a time. */
export function* traceText(trace: Trace, options: TraceTextOptions = {}): Generator<string> {
  for (const step of trace.steps) yield joined(stepLines(step, options));
  if (trace.end.length > 0) yield joined(['end', ...trace.end.flatMap((h) => happeningLines(h, undefined, options))]);
  yield `state ${trace.hash} behind @${trace.steps.length}\n`;
}

const joined = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

function stepLines(step: TraceStep, options: TraceTextOptions): string[] {
  const of = step.offered > 1 ? `${step.answer + 1} of ${step.offered}` : '';
  const columns = Math.max(8, (options.width ?? WIDTH) - BESIDE_SYMBOL);
  const where = `${`@${step.at}`.padEnd(7)} ${`CPU${step.core}`.padEnd(6)} ${step.choice.padEnd(9)}`;
  const head = `${where} ${step.symbol.slice(0, columns).padEnd(columns)} ${of}`.trimEnd();
  const rip = options.verbose === true ? [`${INDENT}rip 0x${step.rip.toString(16)}`] : [];
  // Events of other cores inside a step (an IPI's target, a violation) say whose they are.
  return [head, ...rip, ...step.happened.flatMap((h) => happeningLines(h, step.core, options))];
}

function happeningLines(h: Happening, core: number | undefined, { width, verbose }: TraceTextOptions): string[] {
  const whose = core === undefined || h.core === core ? '' : `CPU${h.core} `;
  const place = verbose === true && 'physical' in h ? `  at physical 0x${h.physical.toString(16)}` : '';
  return wrap(whose + sayHappening(h) + place, (width ?? WIDTH) - INDENT.length, 2).map((line) => INDENT + line);
}

/** What happened, in a line. */
export function sayHappening(h: Happening): string {
  switch (h.what) {
    case 'access':
      return sayAccess(h);
    case 'fetch':
      return sayFetch(h);
    case 'exception':
      return `${h.name} pushed rip ${h.rip}`;
    case 'interrupt':
      return `${h.name} interrupt taken at ${h.rip}`;
    case 'iret':
      return `IRET to ${h.rip}`;
    case 'ipi':
      return `IPI ${h.name} -> ${h.targets.map((t) => `CPU${t}`).join(', ')}`;
    case 'serialize':
      return `serializing event: ${h.why}`;
    case 'icache':
      return `icache: line ${h.line} ${h.event}`;
    case 'note':
      return h.id === 'SAY' ? `says: ${h.a}` : `note ${h.id} ${h.a} ${h.b}`;
    case 'mark':
      return `${h.kind} ${h.text}`;
    case 'die':
      return `dies: ${h.reason}`;
    case 'exit':
      return `exits with ${h.code}`;
    case 'shutdown':
      return `shuts down: ${h.why}`;
    case 'violation':
      return `VIOLATION ${h.check} (${CHECK_TITLES[h.check]}): ${h.message}`;
    case 'lost':
      return 'more accesses than a step can note';
  }
}

function sayAccess(h: Access): string {
  const by = `  (${h.by})`;
  switch (h.access) {
    case 'load':
      return `load ${h.name}: ${h.text}${by}`;
    case 'locked load':
      return `locked load ${h.name}: ${h.text}${by}`;
    case 'locked store':
      return `locked store ${h.name} = ${h.text}${by}`;
    case 'buffer':
      return `buffer ${h.name} = ${h.text}${by}`;
    case 'store':
      return `store ${h.name} = ${h.text}${by}`;
    case 'drain':
      return `memory ${h.name} = ${h.text}`;
  }
}

function sayFetch(h: Fetch): string {
  const text = h.text === '' ? '' : ` (${h.text})`;
  return `fetch ${h.name}: ${h.bytes}${text}${sayAge(h)}`;
}

/** ` STALE, overwritten @13` or ` MIXED: e8 (@0) 1f 44 (@13)`; nothing for what memory holds. */
export function sayAge(h: Fetch): string {
  if (h.age.kind === 'mixed') {
    return ` MIXED: ${h.age.parts.map((p) => `${p.bytes} (${p.since < 0 ? 'from the start' : `@${p.since}`})`).join(', ')}`;
  }
  if (h.age.kind === 'old') return ` STALE, overwritten @${h.age.until}`;
  return h.stale ? ' STALE' : '';
}
