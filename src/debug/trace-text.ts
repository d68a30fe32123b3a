import { CHECK_TITLES } from '../explore/violation.ts';
import type { Access, Fetch, Happening, Trace, TraceStep } from './happening.ts';
import { wrap } from './wrap.ts';

const WIDTH = 80;
const INDENT = '        ';

/** A trace as text of at most 80 columns, the same bytes for the same trace: a line a step, then a line for each thing that happened. */
export function formatTrace(trace: Trace): string {
  const lines = trace.steps.flatMap(stepLines);
  if (trace.end.length > 0) lines.push('end', ...trace.end.flatMap(happeningLines));
  lines.push(`state ${trace.hash} behind @${trace.steps.length}`);
  return `${lines.join('\n')}\n`;
}

function stepLines(step: TraceStep): string[] {
  const core = `CPU${step.core}`;
  const of = step.offered > 1 ? `${step.answer + 1} of ${step.offered}` : '';
  const head =
    `${`@${step.at}`.padEnd(7)} ${core.padEnd(6)} ${step.choice.padEnd(9)} ${step.symbol.slice(0, 40).padEnd(40)} ${of}`.trimEnd();
  // Events of other cores inside a step (an IPI's target, a violation) say whose they are.
  return [head, ...step.happened.flatMap((h) => happeningLines(h, step.core))];
}

function happeningLines(h: Happening, core?: number): string[] {
  const whose = core === undefined || h.core === core ? '' : `CPU${h.core} `;
  return wrap(whose + say(h), WIDTH - INDENT.length, 2).map((line) => INDENT + line);
}

function say(h: Happening): string {
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
