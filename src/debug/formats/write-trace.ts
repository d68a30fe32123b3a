import { raceDiagram } from '../diagram.ts';
import type { Trace } from '../happening.ts';
import { traceText } from '../trace-text.ts';
import { wrap } from '../wrap.ts';
import type { TraceAbout, TraceFormat } from './about.ts';
import { ftraceText } from './ftrace.ts';
import { jsonTrace } from './json.ts';
import { mermaidDiagram } from './mermaid.ts';
import { perfettoTrace } from './perfetto.ts';

export interface TraceOptions {
  /** Columns of text and changelog; a changelog has at most 75. */
  readonly width?: number;
  /** text: with addresses; changelog: no line left out; mermaid: everything that happened. The others tell all in any case. */
  readonly verbose?: boolean;
}

const CHANGELOG_COLUMNS = 75;

/** A trace in one of its forms, in pieces: a long one is never held as a whole. Bytes for perfetto, text for the rest. The same trace gives the same bytes. */
export function* writeTrace(
  format: TraceFormat,
  trace: Trace,
  about: TraceAbout,
  options: TraceOptions = {},
): Generator<string | Uint8Array> {
  switch (format) {
    case 'text':
      yield `${wrap(`${about.scenario} ${about.variant}: ${about.title}`, 79).join('\n')}\n${about.machine}\n\n`;
      yield* traceText(trace, options);
      yield `\n${raceDiagram(trace)}`;
      return;
    case 'changelog': {
      const width = Math.min(options.width ?? CHANGELOG_COLUMNS, CHANGELOG_COLUMNS);
      yield raceDiagram(trace, { width, ...(options.verbose === true ? { lines: Number.POSITIVE_INFINITY } : {}) });
      return;
    }
    case 'json':
      yield* jsonTrace(trace, about);
      return;
    case 'mermaid':
      yield* mermaidDiagram(trace, about, options.verbose);
      return;
    case 'perfetto':
      yield* perfettoTrace(trace, about);
      return;
    case 'ftrace':
      yield* ftraceText(trace, about);
  }
}
