import type { Draft, DraftKind } from './draft.ts';
import type { Access, Fetch, Happening, Trace } from './happening.ts';
import { reads, writes } from './happening.ts';

/** How RIP behind an int3 is written where it is no site. */
const BEHIND_INT3 = '+0x1';

/** The word by which a SYNC counts its answers: part of the SYNC's own lines. */
export const SYNC_WORD = 'sync_pending';

export const overlaps = (a: { physical: number; size: number }, b: { physical: number; size: number }): boolean =>
  a.physical < b.physical + b.size && b.physical < a.physical + a.size;

const bytesOf = (h: Access): number[] => Array.from({ length: h.size }, (_, n) => h.physical + n);

/** The lines of a race in the words of kernel changelogs, one for each thing that may matter: nothing is folded or dropped yet. */
export function draftLines(trace: Trace): Draft[] {
  return new Drafting(trace).run();
}

/** Byte sequences with `or` between them, and how many more there are. */
const SEQUENCES = /(?:[0-9a-f]{2} )+(?:or (?:\d+ more |(?:[0-9a-f]{2} )+))+/;

/** Of a list of byte sequences, "A or B or C or 2 more at ...", the first two and how many more. */
function brief(message: string): string {
  return message.replace(SEQUENCES, (list) => {
    const all = list.trimEnd().split(' or ');
    const more = Number(/^(\d+) more$/.exec(all.at(-1) ?? '')?.[1] ?? 0);
    const rest = more === 0 ? all.length - 2 : all.length - 3 + more;
    return rest <= 0 ? list : `${all.slice(0, 2).join(' or ')} or ${rest} more `;
  });
}

class Drafting {
  readonly #trace: Trace;
  readonly #drafts: Draft[] = [];
  /** Everything that happened in a step, in order, and where in that an access stands. */
  readonly #all: readonly Happening[];
  readonly #places: ReadonlyMap<Happening, number>;
  /** The cores that write a byte, a bit each. */
  readonly #writers = new Map<number, number>();
  /** Waiting for an answer to a SYNC is not a story of its own unless it never ends. */
  readonly #showSync: boolean;
  #at: number | undefined;

  constructor(trace: Trace) {
    this.#trace = trace;
    this.#all = trace.steps.flatMap((s) => [...s.happened]);
    this.#places = new Map(this.#all.map((h, n) => [h, n]));
    for (const h of this.#all)
      if (writes(h)) for (const byte of bytesOf(h)) this.#writers.set(byte, (this.#writers.get(byte) ?? 0) | (1 << h.core));
    const last = [...(trace.steps.at(-1)?.happened ?? []), ...trace.end];
    this.#showSync = last.some((h) => h.what === 'violation' && h.check === 'I13');
  }

  run(): Draft[] {
    for (const step of this.#trace.steps) {
      this.#at = step.at;
      step.happened.forEach((h, i) => this.#draft(h, step.happened.slice(i + 1)));
    }
    this.#at = undefined;
    for (const h of this.#trace.end) this.#draft(h, []);
    return this.#drafts;
  }

  #add(core: number, kind: DraftKind, text: string): void {
    // Where several checks break in one step, the first says what happened and the others what it led to.
    if (kind === 'violation' && this.#drafts.some((d) => d.kind === 'violation')) return;
    this.#drafts.push({ at: this.#at, core, kind, text: text.replaceAll('text_poke_array.vec', 'vec') });
  }

  #draft(h: Happening, rest: readonly Happening[]): void {
    switch (h.what) {
      case 'access':
        this.#access(h, rest);
        break;
      case 'fetch':
        this.#fetch(h, rest);
        break;
      case 'exception':
        if (h.name !== '#BP') this.#add(h.core, 'other', `${h.name} at ${h.rip}`);
        // That of a site is told with its fetch; an int3 in text that nobody patches has none.
        else if (h.rip.endsWith(BEHIND_INT3)) this.#add(h.core, 'trap', `int3 at ${h.rip.slice(0, -BEHIND_INT3.length)} -> #BP`);
        break;
      case 'interrupt':
        this.#add(h.core, h.name === 'SYNC' ? 'answer' : 'other', h.name === 'SYNC' ? 'SYNC IPI' : `${h.name} at ${h.rip}`);
        break;
      case 'ipi':
        this.#add(h.core, h.name === 'SYNC' ? 'send' : 'other', `${h.name}: IPI -> ${h.targets.map((t) => `CPU${t}`).join(', ')}`);
        break;
      case 'mark':
        if (h.kind === 'sync') this.#add(h.core, 'synced', h.text);
        else if (h.kind === 'call') this.#add(h.core, 'call', `calls ${h.text}`);
        break;
      case 'icache':
        // What a store sends and a fetch fills is told with them.
        if (h.event !== 'invalidation sent' && h.event !== 'filled') this.#add(h.core, 'other', `icache: line ${h.line} ${h.event}`);
        break;
      case 'note':
        this.#note(h);
        break;
      case 'shutdown':
        this.#add(h.core, 'other', `shuts down: ${h.why}`);
        break;
      case 'violation':
        this.#add(h.core, 'violation', brief(h.message.replace(new RegExp(`^CPU${h.core}:? `), '')));
    }
  }

  #access(h: Access, rest: readonly Happening[]): void {
    if (h.name === SYNC_WORD && !this.#showSync) {
      const last = this.#drafts.at(-1);
      if (h.access !== 'locked store') return;
      if (last?.core === h.core && last.kind === 'answer') last.text += ', ack';
      else this.#add(h.core, 'answer', 'acks the SYNC');
      return;
    }
    if (writes(h)) this.#add(h.core, h.site ? 'text' : 'publish', `${h.name} = ${h.text}`);
    else if (h.access === 'buffer') this.#buffered(h);
    else if (reads(h)) this.#read(h, rest);
  }

  /** A store that waits in its buffer is a line of its own only where somebody reads the old value meanwhile. */
  #buffered(h: Access): void {
    if (h.site || !this.#readMeanwhile(h)) return;
    this.#add(h.core, 'buffered', `${h.name} = ${h.text} (in its store buffer)`);
  }

  #readMeanwhile(h: Access): boolean {
    for (let n = (this.#places.get(h) ?? 0) + 1; n < this.#all.length; n++) {
      const other = this.#all[n] as Happening;
      if (other.what !== 'access') continue;
      if (other.core === h.core && other.access === 'drain' && other.physical === h.physical && other.value === h.value) return false;
      if (other.core !== h.core && reads(other) && overlaps(other, h)) return true;
    }
    return false;
  }

  /** A read matters where some other core writes what is read; the read of a locked change is told with its write. */
  #read(h: Access, rest: readonly Happening[]): void {
    if (!this.#decides(h, rest) && !bytesOf(h).some((byte) => ((this.#writers.get(byte) ?? 0) & ~(1 << h.core)) !== 0)) return;
    if (h.access === 'locked load' && rest.some((r) => r.what === 'access' && r.access === 'locked store' && r.physical === h.physical))
      return;
    const text = `reads ${h.name}: ${h.text}`;
    const mine = this.#drafts.findLast((d) => d.core === h.core);
    if (mine?.text !== text) this.#add(h.core, 'read', text);
  }

  /** The read is the last one before its core breaks the invariant. */
  #decides(h: Access, rest: readonly Happening[]): boolean {
    return rest.some((r) => r.what === 'violation' && r.core === h.core) && !rest.some((r) => reads(r));
  }

  #fetch(h: Fetch, rest: readonly Happening[]): void {
    const trap = rest.find((r) => r.what === 'exception' && r.core === h.core);
    const torn = rest.some((r) => r.what === 'violation' && r.check === 'I2');
    const what = torn || h.text === '' || h.text === 'int3' || h.age.kind === 'mixed' ? h.bytes : h.text;
    const age = h.age.kind === 'mixed' ? ' (mixed)' : h.stale ? ' (stale)' : '';
    const bp = trap?.what === 'exception' && trap.name === '#BP' && trap.rip === `${h.name}+1`;
    this.#add(h.core, bp ? 'trap' : 'fetch', `fetch ${h.name}: ${what}${age}${bp ? ' -> #BP' : ''}`);
  }

  #note(h: Extract<Happening, { what: 'note' }>): void {
    if (h.id === 'CLAIMED') this.#add(h.core, 'claimed', `emulates, goes on at ${h.b}`);
    else if (h.id === 'GHOST') this.#add(h.core, 'claimed', `the int3 is gone, runs ${h.a} again`);
    else if (h.id === 'SYNC') this.#add(h.core, 'synced', 'SYNC');
    else if (h.id === 'SAY') this.#add(h.core, 'other', h.a);
    else if (h.id === 'FREE') this.#add(h.core, 'other', `frees ${h.a}`);
    else if (h.id === 'TRANSLATION') this.#add(h.core, 'other', `runs a translation of ${h.a}`);
  }
}
