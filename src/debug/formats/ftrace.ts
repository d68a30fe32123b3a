import type { Happening, Trace, TraceStep } from '../happening.ts';
import { headline, type TraceAbout } from './about.ts';
import { eventName, type Field, fieldsOf } from './fields.ts';
import { Handlers } from './handlers.ts';
import { rolesIn } from './roles.ts';

/** Length of a task's name (TASK_COMM_LEN, without its NUL). */
const COMM = 15;
const MICROSECONDS = 1_000_000;

/** The heading of /sys/kernel/tracing/trace (kernel/trace/trace.c, print_func_help_header_irq), as wide as the columns of `event`. */
const HEADING = `#
#                                _-----=> irqs-off/BH-disabled
#                               / _----=> need-resched
#                              | / _---=> hardirq/softirq
#                              || / _--=> preempt-depth
#                              ||| / _-=> migrate-disable
#                              |||| /     delay
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
#              | |         |   |||||     |         |
`;

/**
 * A trace as text in the form of /sys/kernel/tracing/trace: `task-pid [cpu] flags time: event: details`. A step takes a microsecond. The task is what
 * the core runs, its pid the core's number and one. Of the flags only hardirq context is told; `X` in the first column is the kernel's own sign for that.
 */
export function* ftraceText(trace: Trace, about: TraceAbout): Generator<string> {
  const count = trace.steps.reduce((n, s) => n + 1 + s.happened.length, trace.end.length);
  yield `# tracer: nop\n#\n# ${headline(about)}, ${about.machine}\n# step N is at N microseconds${about.token === undefined ? '' : `; textpoke replay ${about.token}`}\n#\n`;
  yield `# entries-in-buffer/entries-written: ${count}/${count}   #P:${trace.cores}\n${HEADING}`;
  const tasks = rolesIn(trace).map((role) => role.replace(/\s+/g, '_').slice(0, COMM));
  const handlers = new Handlers();
  const event = (at: number, core: number, name: string, fields: readonly Field[]): string => {
    const task = `${tasks[core]?.padStart(16)}-${String(core + 1).padEnd(7)}`;
    const irq = handlers.of(core).findLast((h) => h.interrupt);
    const flags = `X.${irq === undefined ? '.' : irq.vector === 2 ? 'z' : 'h'}..`;
    const time = `${Math.floor(at / MICROSECONDS)}.${String(at % MICROSECONDS).padStart(6, '0')}`.padStart(12);
    return `${task} [${String(core).padStart(3, '0')}] ${flags} ${time}: ${name}: ${fields.map(sayField).join(' ')}`.trimEnd();
  };
  const happened = (at: number, h: Happening): string => {
    const text = `${event(at, h.core, eventName(h), fieldsOf(h))}\n`;
    handlers.next(h);
    return text;
  };
  for (const step of trace.steps)
    yield `${event(step.at, step.core, 'step', stepFields(step))}\n${step.happened.map((h) => happened(step.at, h)).join('')}`;
  if (trace.end.length > 0) yield trace.end.map((h) => happened(trace.steps.length, h)).join('');
}

const stepFields = (s: TraceStep): Field[] => [
  ['choice', s.choice],
  ['at', s.symbol],
  ['rip', s.rip],
  ['answer', s.answer],
  ['offered', s.offered],
];

/** `name=value`, quoted where the value is more than one word. */
function sayField([name, value]: Field): string {
  if (typeof value === 'bigint') return `${name}=0x${value.toString(16)}`;
  if (typeof value === 'boolean') return `${name}=${value ? 1 : 0}`;
  const text = String(value);
  return `${name}=${/^[^\s"=]+$/.test(text) ? text : JSON.stringify(text)}`;
}
