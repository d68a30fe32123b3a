// Goldens hold addresses of the lab image: TEXTPOKE_ACCEPT=1 npx vitest run test/debug writes them anew; read the diff before committing it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { TRACE_FORMATS, type TraceFormat } from '../../../src/debug/formats/about.ts';
import { writeTrace } from '../../../src/debug/formats/write-trace.ts';
import type { Trace } from '../../../src/debug/happening.ts';
import { formatTrace } from '../../../src/debug/trace-text.ts';
import { root } from '../../../tools/bootstrap.mjs';
import { expectGolden } from '../golden.ts';
import { faults } from './json-schema.ts';
import { ABOUT, anyRun, raceTrace, repeated } from './runs.ts';

const textOf = (format: TraceFormat, trace: Trace, options = {}): string => [...writeTrace(format, trace, ABOUT, options)].join('');
const schema = JSON.parse(readFileSync(join(root, 'docs/trace.schema.json'), 'utf8'));
const RUNS = ['F1', 'kprobes/reenter-bug', 'tracepoint/after-unregister', 'text-poke/three-phase', 'livepatch/irq-enter-in-window'];

test.each(['json', 'mermaid', 'ftrace'] as const)('race (a) as %s', (format) => {
  const text = textOf(format, raceTrace());
  expectGolden(`race-a-tso.${format}`, text);
  expect(textOf(format, raceTrace())).toBe(text);
});

describe('text and changelog', () => {
  test('text is the trace and its diagram', () => {
    const trace = raceTrace();
    const text = textOf('text', trace);
    expect(text).toContain(formatTrace(trace));
    expect(text.endsWith(textOf('changelog', trace))).toBe(true);
  });

  test.each([40, 60, 120])('text of %i columns', (width) => {
    const lines = [...writeTrace('text', raceTrace(), ABOUT, { width })].join('').split('\nstate ')[0]?.split('\n').slice(3) ?? [];
    expect(Math.max(...lines.map((l) => l.length))).toBeLessThanOrEqual(Math.max(width, 55));
    expect(lines.filter((l) => l.startsWith('@'))).toHaveLength(raceTrace().steps.length);
  });

  test('a changelog is plain, of at most 75 columns, whatever is asked for; verbose leaves nothing out', () => {
    const trace = anyRun('tracepoint/after-unregister', 200);
    for (const options of [{}, { width: 200 }, { width: 66 }, { verbose: true }]) {
      const lines = textOf('changelog', trace, options).split('\n');
      expect(lines.filter((l) => l.length > (options.width === 66 ? 66 : 75) || /[^ -~]/.test(l) || l !== l.trimEnd())).toEqual([]);
    }
    expect(textOf('changelog', trace)).toContain('earlier lines not shown');
    expect(textOf('changelog', trace, { verbose: true })).not.toContain('not shown)\n   ');
  });

  test('verbose text has addresses', () => {
    const text = textOf('text', raceTrace(), { verbose: true });
    expect(text.match(/^ {8}rip 0x[0-9a-f]{16}$/gm)).toHaveLength(raceTrace().steps.length);
    expect(text).toMatch(/at physical 0x[0-9a-f]+$/m);
  });
});

describe.each(RUNS)('%s', (scenario) => {
  const trace = anyRun(scenario, 200);
  const happened = [...trace.steps.flatMap((s) => [...s.happened]), ...trace.end];

  test('json: each line is what the schema says', () => {
    const lines = textOf('json', trace)
      .trimEnd()
      .split('\n')
      .map((l) => JSON.parse(l));
    expect(lines.flatMap((l) => faults(schema, l))).toEqual([]);
    expect(lines.map((l) => l.type)).toEqual(['trace', ...trace.steps.map(() => 'step'), 'end']);
    expect(lines.slice(1, -1).flatMap((l) => l.happened)).toHaveLength(trace.steps.flatMap((s) => s.happened).length);
  });

  test('ftrace: every line is one of the kernel, read by its columns', () => {
    // What perf script and trace-cmd report print: task-pid [cpu] flags time: event: details.
    const line =
      /^\s*(?<task>\S+)-(?<pid>\d+)\s+\[(?<cpu>\d{3})\] (?<flags>[a-zA-Z.0-9]{5})\s+(?<time>\d+\.\d{6}): (?<event>\w+):(?<text>.*)$/;
    const field = /(\w+)=("(?:[^"\\]|\\.)*"|\S+)/g;
    const all = textOf('ftrace', trace).trimEnd().split('\n');
    const [head, ...rest] = all.filter((l) => l.startsWith('# entries'));
    expect(rest).toEqual([]);
    const lines = all.filter((l) => !l.startsWith('#')).map((l) => line.exec(l)?.groups ?? { bad: l });
    expect(lines.filter((l) => 'bad' in l)).toEqual([]);
    expect(head).toContain(` ${lines.length}/${lines.length} `);
    expect(lines.length).toBe(trace.steps.length + happened.length);
    const steps = lines.filter((l) => l.event === 'step');
    expect(steps.map((l) => [Math.round(Number(l.time) * 1e6), Number(l.cpu)])).toEqual(trace.steps.map((s) => [s.at, s.core]));
    for (const l of lines) expect((l.text ?? '').replaceAll(field, '').trim()).toBe('');
    const inIrq = lines.filter((l) => l.flags?.[2] !== '.');
    expect(inIrq.length > 0).toBe(happened.some((h) => h.what === 'interrupt'));
  });

  test('mermaid: a participant a core, an arrow for each target of an IPI, nothing that its grammar would take for something else', () => {
    const lines = textOf('mermaid', trace).trimEnd().split('\n');
    expect(lines.filter((l) => l.startsWith('  participant '))).toHaveLength(trace.cores);
    const targets = happened.flatMap((h) => (h.what === 'ipi' ? [...h.targets] : []));
    expect(lines.filter((l) => l.includes('->>')).map((l) => Number(/->>CPU(\d+)/.exec(l)?.[1]))).toEqual(targets);
    const statement =
      /^(%% .*|sequenceDiagram| {2}(participant CPU\d+ as|Note over CPU\d+:|CPU\d+->>CPU\d+:) (?:[^#;<>"&]|#(35|59|lt|gt|amp|quot);|<br\/>)+)$/;
    expect(lines.filter((l) => !statement.test(l))).toEqual([]);
    const drains = happened.filter((h) => h.what === 'access' && h.access === 'drain');
    expect(textOf('mermaid', trace).match(/drains /g) ?? []).toHaveLength(drains.length);
    expect(textOf('mermaid', trace, { verbose: true }).length).toBeGreaterThanOrEqual(textOf('mermaid', trace).length);
  });
});

test.each(TRACE_FORMATS.filter((f) => f !== 'text' && f !== 'changelog'))('%s: a long trace comes in small pieces', (format) => {
  const steps = 5000;
  const trace = repeated(raceTrace(), steps);
  let pieces = 0;
  let longest = 0;
  for (const piece of writeTrace(format, trace, ABOUT)) {
    pieces++;
    longest = Math.max(longest, piece.length);
  }
  expect(pieces).toBeGreaterThan(0.75 * steps);
  expect(longest).toBeLessThan(5000);
});
