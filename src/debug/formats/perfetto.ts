import type { Happening, Trace, TraceStep } from '../happening.ts';
import { sayHappening } from '../trace-text.ts';
import { headline, TRACE_VERSION, type TraceAbout } from './about.ts';
import { CodeSlices } from './code-slices.ts';
import { eventName, fieldsOf } from './fields.ts';
import { flowsOf } from './flows.ts';
import { beginPacket, counterPacket, endPacket, instantPacket, type Track, type TrackEvent, trackPacket } from './perfetto-packets.ts';
import { rolesIn } from './roles.ts';

/** Nanoseconds that a step takes: step N begins at N * 1000. */
const STEP_NANOSECONDS = 1000;

const RUN = 1;
/** Tracks of a core: its steps with what happened in them, the functions and handlers that it is in, and the depth of its store buffer. */
const tracksOf = (core: number): { readonly steps: number; readonly code: number; readonly buffer: number } => {
  const first = 16 * (core + 1);
  return { steps: first, code: first + 1, buffer: first + 2 };
};

/**
 * A trace as a Perfetto trace file (protobuf TrackEvents), packet by packet. Every core has a track of its steps; what happened in a step stands inside it
 * as instants, in order. Flows lead from an IPI to the handler that it starts, from a write to the first fetch of each core that saw it, and to the
 * fetches that missed it.
 */
export function* perfettoTrace(trace: Trace, about: TraceAbout): Generator<Uint8Array> {
  for (const [n, track] of tracks(trace, about).entries()) yield trackPacket(track, n === 0);
  yield instantPacket({
    track: RUN,
    time: 0,
    name: 'textpoke trace',
    category: 'about',
    fields: [
      ['v', TRACE_VERSION],
      ['scenario', about.scenario],
      ['variant', about.variant],
      ['machine', about.machine],
      ['token', about.token ?? ''],
      ['steps', trace.steps.length],
      ['hash', trace.hash],
    ],
  });
  const writer = new PerfettoWriter(trace);
  yield* writer.start();
  for (const step of trace.steps) yield* writer.step(step);
  yield* writer.end();
}

function tracks(trace: Trace, about: TraceAbout): Track[] {
  const cores = rolesIn(trace).flatMap((role, core): Track[] => {
    const { steps, code, buffer } = tracksOf(core);
    return [
      { uuid: steps, name: `CPU${core} (${role})`, parent: RUN, rank: core, counter: false },
      { uuid: code, name: `CPU${core} code`, parent: steps, rank: 0, counter: false },
      { uuid: buffer, name: `CPU${core} store buffer`, parent: steps, rank: 1, counter: true },
    ];
  });
  return [{ uuid: RUN, name: headline(about), parent: undefined, rank: 0, counter: false }, ...cores];
}

class PerfettoWriter {
  readonly #trace: Trace;
  readonly #code: CodeSlices;
  readonly #depth: number[];
  /** Numbers of the flows that leave a happening, and of those that come to it. */
  readonly #begins = new Map<Happening, number[]>();
  readonly #ends = new Map<Happening, number[]>();

  constructor(trace: Trace) {
    this.#trace = trace;
    this.#code = new CodeSlices(trace.cores);
    this.#depth = [...trace.buffered];
    for (const [n, { from, to }] of flowsOf(trace).entries()) {
      this.#begins.set(from, [...(this.#begins.get(from) ?? []), n + 1]);
      this.#ends.set(to, [...(this.#ends.get(to) ?? []), n + 1]);
    }
  }

  *start(): Generator<Uint8Array> {
    for (const [core, depth] of this.#depth.entries()) yield counterPacket({ track: tracksOf(core).buffer, time: 0 }, depth);
  }

  *step(step: TraceStep): Generator<Uint8Array> {
    const begin = step.at * STEP_NANOSECONDS;
    const track = tracksOf(step.core).steps;
    yield* this.#slices(begin, step.core, this.#code.step(step));
    const fields = [
      ['at', `@${step.at}`],
      ['rip', step.rip],
      ['answer', step.answer],
      ['offered', step.offered],
    ] as const;
    yield beginPacket({ track, time: begin, name: `${step.choice} ${step.symbol}`, category: 'step', fields });
    yield* this.#happened(begin, step.happened);
    yield endPacket({ track, time: begin + STEP_NANOSECONDS });
  }

  *end(): Generator<Uint8Array> {
    const time = this.#trace.steps.length * STEP_NANOSECONDS;
    yield* this.#happened(time, this.#trace.end);
    for (let core = 0; core < this.#trace.cores; core++) yield* this.#slices(time, core, this.#code.close(core));
  }

  *#happened(begin: number, happened: readonly Happening[]): Generator<Uint8Array> {
    for (const [n, h] of happened.entries()) {
      const time = begin + Math.min(n + 1, STEP_NANOSECONDS - 1);
      const { steps, buffer } = tracksOf(h.core);
      yield instantPacket({ ...this.#flows(h), track: steps, time, name: sayHappening(h), category: eventName(h), fields: fieldsOf(h) });
      yield* this.#slices(time, h.core, this.#code.next(h));
      if (h.what !== 'access' || (h.access !== 'buffer' && h.access !== 'drain')) continue;
      const depth = (this.#depth[h.core] ?? 0) + (h.access === 'buffer' ? 1 : -1);
      this.#depth[h.core] = depth;
      yield counterPacket({ track: buffer, time }, depth);
    }
  }

  #flows(h: Happening): Pick<TrackEvent, 'begins' | 'ends'> {
    return { begins: this.#begins.get(h) ?? [], ends: this.#ends.get(h) ?? [] };
  }

  *#slices(time: number, core: number, { ended, begun }: ReturnType<CodeSlices['close']>): Generator<Uint8Array> {
    const track = tracksOf(core).code;
    for (let n = 0; n < ended; n++) yield endPacket({ track, time });
    for (const { name, category } of begun) yield beginPacket({ track, time, name, category });
  }
}
