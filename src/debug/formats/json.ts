import type { Trace } from '../happening.ts';
import { TRACE_VERSION, type TraceAbout } from './about.ts';
import { rolesIn } from './roles.ts';

/** A trace as NDJSON, one object a line: what it is of, its steps, its end. The schema is docs/trace.schema.json. */
export function* jsonTrace(trace: Trace, about: TraceAbout): Generator<string> {
  const { scenario, variant, title, cell, token, sites } = about;
  const roles = rolesIn(trace);
  const cores = roles.map((role, core) => ({ core, role, buffered: trace.buffered[core] }));
  yield line('trace', { scenario, variant, title, cell, token: token ?? null, cores, sites });
  for (const step of trace.steps) yield line('step', { ...step });
  yield line('end', { steps: trace.steps.length, hash: trace.hash, happened: trace.end, violations: trace.violations });
}

/** One object. Addresses and words of memory are hexadecimal strings: 64 bits do not fit a JSON number. */
export function line(type: string, fields: Readonly<Record<string, unknown>>): string {
  const encode = (key: string, value: unknown): unknown =>
    typeof value === 'bigint'
      ? `0x${value.toString(16)}`
      : key === 'physical' && typeof value === 'number'
        ? `0x${value.toString(16)}`
        : value;
  return `${JSON.stringify({ v: TRACE_VERSION, type, ...fields }, encode)}\n`;
}
