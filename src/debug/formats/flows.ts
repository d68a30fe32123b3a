import { type Access, type Fetch, type Happening, type Trace, writes } from '../happening.ts';

/** How one thing that happened led to a later one. */
export interface Flow {
  /**
   * `ipi`: sent, then taken. `seen`: a write, then the first fetch of each core that returned it. `missed`: a write, then a fetch that returned what was there
   * before it.
   */
  readonly kind: 'ipi' | 'seen' | 'missed';
  readonly from: Happening;
  readonly to: Happening;
}

/** All flows of a trace, in the order of their ends. */
export function flowsOf(trace: Trace): Flow[] {
  const flows: Flow[] = [];
  const ipis = new SentIpis();
  const text = new TextWrites(trace);
  for (const step of trace.steps)
    for (const h of step.happened) {
      flows.push(...ipis.next(h));
      if (h.what === 'fetch') flows.push(...text.flowsTo(h));
      else if (writes(h)) text.add(h, step.at);
    }
  return flows;
}

/** IPIs that nobody has taken yet. One that comes while its vector is pending is taken together with it, as the APIC has it. */
class SentIpis {
  readonly #pending = new Map<string, Happening[]>();

  next(h: Happening): Flow[] {
    if (h.what === 'ipi') {
      for (const target of h.targets) {
        const key = `${target} ${h.vector}`;
        this.#pending.set(key, [...(this.#pending.get(key) ?? []), h]);
      }
      return [];
    }
    if (h.what !== 'interrupt') return [];
    const key = `${h.core} ${h.vector}`;
    const sent = this.#pending.get(key) ?? [];
    this.#pending.delete(key);
    return sent.map((from) => ({ kind: 'ipi', from, to: h }));
  }
}

interface TextWrite {
  readonly write: Access;
  readonly at: number;
  /** Its place among all writes of text. */
  readonly order: number;
}

/** Writes to bytes that somebody fetches, by byte. */
class TextWrites {
  readonly #byByte = new Map<number, TextWrite[]>();
  readonly #seen = new Set<string>();
  #count = 0;

  constructor(trace: Trace) {
    for (const step of trace.steps)
      for (const h of step.happened)
        if (h.what === 'fetch')
          for (let n = 0; n < fetched(h); n++) if (!this.#byByte.has(h.physical + n)) this.#byByte.set(h.physical + n, []);
  }

  add(write: Access, at: number): void {
    const bytes = Array.from({ length: write.size }, (_, n) => this.#byByte.get(write.physical + n) ?? []);
    const order = this.#count++;
    for (const list of bytes) list.push({ write, at, order });
  }

  flowsTo(h: Fetch): Flow[] {
    const seen = this.#newestSeen(h);
    const key = `${h.core} ${seen?.order}`;
    const isFirst = seen !== undefined && !this.#seen.has(key);
    if (isFirst) this.#seen.add(key);
    const missed = this.#missed(h);
    return [
      ...(isFirst ? [{ kind: 'seen', from: seen.write, to: h } as const] : []),
      ...(missed === undefined ? [] : [{ kind: 'missed', from: missed.write, to: h } as const]),
    ];
  }

  /** The newest write whose bytes the fetch returned. */
  #newestSeen(h: Fetch): TextWrite | undefined {
    const last = (byte: number, sooner: (w: TextWrite) => boolean): TextWrite | undefined => this.#of(h, byte).findLast((w) => sooner(w));
    const found = partsOf(h).map(({ byte, since }) => {
      if (h.age.kind === 'now') return last(byte, () => true);
      const { age } = h;
      if (age.kind === 'old') return last(byte, (w) => w.at < age.until);
      return since < 0 ? undefined : last(byte, (w) => w.at <= since);
    });
    return found.reduce((newest, w) => (w !== undefined && (newest === undefined || w.order > newest.order) ? w : newest), undefined);
  }

  /** The oldest write that the fetch did not return though memory held it. */
  #missed(h: Fetch): TextWrite | undefined {
    const { age } = h;
    if (age.kind === 'now') return undefined;
    const found = partsOf(h).map(({ byte, since }) =>
      this.#of(h, byte).find((w) => (age.kind === 'old' ? w.at >= age.until : w.at > since)),
    );
    return found.reduce((oldest, w) => (w !== undefined && (oldest === undefined || w.order < oldest.order) ? w : oldest), undefined);
  }

  #of(h: Fetch, byte: number): TextWrite[] {
    return this.#byByte.get(h.physical + byte) ?? [];
  }
}

/** Bytes that were fetched. */
const fetched = (h: Fetch): number => h.bytes.split(' ').length;

/** Each byte of a fetch, and for one that is mixed the step that wrote it. */
function partsOf(h: Fetch): { readonly byte: number; readonly since: number }[] {
  const steps = h.age.kind === 'mixed' ? h.age.parts.flatMap((p) => p.bytes.split(' ').map(() => p.since)) : [];
  return Array.from({ length: fetched(h) }, (_, byte) => ({ byte, since: steps[byte] ?? -1 }));
}
