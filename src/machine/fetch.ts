import type { Engine } from '../engine/engine.ts';
import { CORE, SAME_ADDRESS, STORE_BUFFER, STORE_BUFFER_ENTRY_BYTES } from '../engine/layout.ts';
import { type Decoded, decode } from '../isa/decode.ts';
import { MODES } from '../isa/mode.ts';
import type { Core } from './core.ts';
import { ByteMemo, SituationMemo } from './fetch-memo.ts';
import type { InstructionCaches } from './icache.ts';
import type { AnyFetchPolicy } from './policy/policy.ts';
import type { TextVersions } from './text-versions.ts';

const MAX_LENGTH = 15;

/** A page that fetch needs and cannot have. */
export interface MissingPage {
  readonly fault: number;
  readonly errorCode: bigint;
  readonly cr2?: bigint | undefined;
}

type Translated = { readonly physical: number } | MissingPage | { readonly absent: true };

/** The up to 15 bytes at RIP that an instruction may take, by physical address. */
export interface FetchWindow {
  /** Physical address of the first byte. */
  readonly physical: number;
  /** Physical addresses of all bytes that are there. */
  readonly addresses: readonly number[];
  /** Why there are no more bytes, when a page is missing. */
  readonly missing: MissingPage | undefined;
  /** Some byte of the instruction is patched text. */
  readonly patched: boolean;
  /** Numbers of the quadwords of patched text among the addresses (`TextVersions.indexOf`). */
  readonly quadwords: readonly number[];
  /** What memory holds now. */
  current(): Uint8Array;
}

/** One answer that a fetch may give. */
export interface FetchChoice {
  readonly window: FetchWindow;
  /** The instruction's bytes; the first line's when `partial`. */
  readonly bytes: Uint8Array;
  /** Only the first cache line of the instruction: the second is fetched later. */
  readonly partial: boolean;
  /** Differs from what a fetch of memory as it is now gives. */
  readonly stale: boolean;
  /** Versions that this core's fetch may not fall behind afterwards: [quadword, version]. */
  readonly floors: readonly (readonly [number, number])[];
  /** The sanitizer's finding about this fetch, whatever was chosen. */
  readonly race: CodeRace | undefined;
}

/** A fetch that could have returned two different instructions, neither of them the INT3 of the other. */
export interface CodeRace {
  readonly physical: number;
  readonly candidates: readonly Uint8Array[];
  /** What the policy says of it. */
  readonly decides: boolean;
}

/** What bytes decode to in each mode, for all machines: it depends on nothing else. */
const DECODED = MODES.map(() => new ByteMemo<Decoded>());

/** A window that was made before; `firstPatched` is the index of its first byte of patched text, -1 when there is none. */
interface KnownWindow {
  readonly firstPatched: number;
  readonly nextPage: number;
  readonly patched: FetchWindow;
  readonly plain: FetchWindow;
}

interface Place {
  readonly physical: number;
  readonly length: number;
  /** Bytes up to the end of the page, and where the rest lies, -1 when there is no rest. */
  readonly inPage: number;
  readonly nextPage: number;
  readonly missing: MissingPage | undefined;
}

/** A window that lists its addresses only when somebody asks: most instructions have nothing to do with patched text. */
class Window implements FetchWindow {
  readonly physical: number;
  readonly missing: MissingPage | undefined;
  readonly patched: boolean;
  readonly #engine: Engine;
  readonly #text: TextVersions | undefined;
  readonly #place: Place;
  #addresses: readonly number[] | undefined;
  #quadwords: readonly number[] | undefined;

  constructor(engine: Engine, text: TextVersions | undefined, place: Place, patched: boolean) {
    this.physical = place.physical;
    this.missing = place.missing;
    this.patched = patched;
    this.#engine = engine;
    this.#text = text;
    this.#place = place;
  }

  get addresses(): readonly number[] {
    const { physical, length, inPage, nextPage } = this.#place;
    this.#addresses ??= Array.from({ length }, (_, i) => (i < inPage ? physical + i : nextPage + i - inPage));
    return this.#addresses;
  }

  get quadwords(): readonly number[] {
    this.#quadwords ??= [...new Set(this.addresses.map((pa) => this.#text?.indexOf(pa) ?? -1))].filter((q) => q >= 0);
    return this.#quadwords;
  }

  current(): Uint8Array {
    const { physical, length, inPage, nextPage } = this.#place;
    const { bytes, map } = this.#engine;
    const out = bytes.slice(map.ram + physical, map.ram + physical + length);
    for (let i = inPage; i < length; i++) out[i] = bytes[map.ram + nextPage + i - inPage] as number;
    return out;
  }
}

/** Windows after which their memory starts afresh: a guest that runs away through all of RAM has one at each of its bytes. */
const MOST_WINDOWS = 1 << 16;

/** Instruction fetch: which bytes, and under the policy which versions of them. */
export class FetchUnit {
  readonly #engine: Engine;
  readonly #text: TextVersions | undefined;
  readonly #policy: AnyFetchPolicy | undefined;
  readonly #caches: InstructionCaches | undefined;
  readonly #windows = new Map<number, KnownWindow>();
  readonly #situations = new SituationMemo<readonly FetchChoice[]>();
  /** Bytes of patched text: bit n of the mask is byte n of the quadword. */
  readonly #masks = new Map<number, number>();
  readonly #pages = new Set<number>();

  constructor(engine: Engine, text: TextVersions | undefined, policy: AnyFetchPolicy | undefined, caches?: InstructionCaches) {
    this.#engine = engine;
    this.#text = text;
    this.#policy = policy;
    this.#caches = caches;
  }

  /** Declares bytes as patched text. */
  declarePatched(physical: number, size: number): void {
    this.#windows.clear();
    this.#situations.clear();
    for (let pa = physical; pa < physical + size; pa++) {
      this.#text?.add(pa);
      this.#masks.set(pa & ~7, (this.#masks.get(pa & ~7) ?? 0) | (1 << (pa & 7)));
      this.#pages.add(pa >>> 12);
    }
  }

  isPatched(physical: number): boolean {
    return ((this.#masks.get(physical & ~7) ?? 0) & (1 << (physical & 7))) !== 0;
  }

  /** Decodes in the mode of this number, remembering by bytes: equal bytes are one form. */
  decode(bytes: Uint8Array, mode: number): Decoded {
    const known = DECODED[mode]!;
    let decoded = known.get(bytes);
    if (decoded === undefined) {
      decoded = decode(bytes, MODES[mode]!);
      known.set(bytes, decoded);
    }
    return decoded;
  }

  /** The window at a physical address, for code of a mode. `nextPage` translates the page behind it and is asked only when the instruction may reach it. */
  window(physical: number, mode: number, nextPage: () => Translated): FetchWindow {
    const inPage = Math.min(MAX_LENGTH, 4096 - (physical & 0xfff));
    const crosses =
      inPage < MAX_LENGTH && (this.#pages.has(physical >>> 12) || this.decode(this.#readAt(physical, inPage), mode).kind === 'truncated');
    const next = crosses ? nextPage() : undefined;
    const nextAt = next !== undefined && 'physical' in next ? next.physical : -1;
    const missing = next !== undefined && 'fault' in next ? next : undefined;
    let known = this.#windows.get(physical);
    if (known === undefined || known.nextPage !== nextAt || missing !== undefined) {
      known = this.#newWindow(physical, inPage, nextAt, missing);
      if (missing === undefined) {
        if (this.#windows.size >= MOST_WINDOWS) this.#windows.clear();
        this.#windows.set(physical, known);
      }
    }
    return this.#touchesPatched(known, mode) ? known.patched : known.plain;
  }

  #newWindow(physical: number, inPage: number, nextPage: number, missing: MissingPage | undefined): KnownWindow {
    const place: Place = { physical, length: nextPage < 0 ? inPage : MAX_LENGTH, inPage, nextPage, missing };
    const plain = new Window(this.#engine, this.#text, place, false);
    const near = this.#pages.has(physical >>> 12) || (nextPage >= 0 && this.#pages.has(nextPage >>> 12));
    return {
      firstPatched: near ? plain.addresses.findIndex((pa) => this.isPatched(pa)) : -1,
      nextPage,
      patched: near ? new Window(this.#engine, this.#text, place, true) : plain,
      plain,
    };
  }

  /** Whether the instruction at the start of a window can depend on patched bytes. */
  #touchesPatched(known: KnownWindow, mode: number): boolean {
    if (known.firstPatched <= 0) return known.firstPatched === 0;
    return this.decode(known.plain.current().subarray(0, known.firstPatched), mode).kind === 'truncated';
  }

  #readAt(physical: number, length: number): Uint8Array {
    const at = this.#engine.map.ram + physical;
    return this.#engine.bytes.subarray(at, at + length);
  }

  /** Own stores that must be in memory before this fetch can see them, and are certain to be seen. */
  mustDrainFirst(core: Core, window: FetchWindow): boolean {
    if (this.#policy?.ownStore !== 'now') return false;
    const count = core.raw(CORE.storeBufferCount);
    for (let n = 0; n < count; n++) {
      const at = core.base + CORE.storeBuffer + n * STORE_BUFFER_ENTRY_BYTES;
      const pa = this.#engine.view.getUint32(at + STORE_BUFFER.address, true);
      const same = (this.#engine.bytes[at + STORE_BUFFER.flags]! & SAME_ADDRESS) !== 0;
      if (this.#policy.stale && !same) continue;
      if (window.addresses.some((a) => (a & ~7) === (pa & ~7))) return true;
    }
    return false;
  }

  /** All answers that this fetch may give, what memory holds now first. Never empty. */
  choices(core: Core, window: FetchWindow): readonly FetchChoice[] {
    const { words } = this.#situations;
    const length = this.#situation(core, window, words);
    let known = this.#situations.get(window, length);
    if (known === undefined) {
      known = this.#choices(core, window);
      this.#situations.set(window, length, known);
    }
    return known;
  }

  /** Everything that the answers depend on, as words: the bytes, the part that was fetched before, the versions that this core may see. */
  #situation(core: Core, window: FetchWindow, out: Int32Array): number {
    const { bytes, words, map } = this.#engine;
    const { addresses } = window;
    let n = 0;
    for (let i = 0; i < addresses.length; i += 4) {
      let word = 0;
      for (let k = i; k < i + 4 && k < addresses.length; k++) word = (word << 8) | bytes[map.ram + addresses[k]!]!;
      out[n++] = word;
    }
    const held = core.raw(CORE.partialLength);
    out[n++] = held | (core.mode << 8);
    if (held > 0) for (let k = 0; k < 4; k++) out[n++] = words[((core.base + CORE.partialBytes) >> 2) + k]!;
    const text = this.#text;
    if (text !== undefined) for (const q of window.quadwords) n = text.describe(core, q, out, n);
    if (this.#caches !== undefined) for (const q of window.quadwords) n = this.#caches.describe(core, q, out, n);
    return n;
  }

  #choices(core: Core, window: FetchWindow): FetchChoice[] {
    const policy = this.#policy;
    const text = this.#text;
    const now = this.#trim(core, window.current());
    const plain = (bytes: Uint8Array, partial = false): FetchChoice[] => [
      { window, bytes, partial, stale: false, floors: [], race: undefined },
    ];
    if (policy === undefined || text === undefined || policy.atom === 'instruction') return plain(now);
    if (this.#caches !== undefined) return [this.#fromCache(core, window, now, this.#caches)];
    if (policy.atom === 'line') return this.#byLine(core, window, now, plain);
    if (!this.#canBeStale(core, text, window)) return plain(now);
    const found = policy.atom === 'quadword' ? this.#byQuadword(core, text, window) : this.#byByte(core, text, window);
    const nowKey = keyOf(now);
    if (!found.has(nowKey)) found.set(nowKey, this.#latest(text, window, now.length));
    const list = [...found].sort(([a], [b]) => (a === nowKey ? -1 : b === nowKey ? 1 : a < b ? -1 : 1));
    const race = this.#race(
      text,
      window,
      core,
      list.map(([key]) => bytesOf(key)),
    );
    return list.map(([key, floors]) => ({
      window,
      bytes: bytesOf(key),
      partial: false,
      stale: key !== nowKey,
      floors: policy.monotone ? floors : [],
      race,
    }));
  }

  /** Only the bytes that the instruction takes. */
  #trim(core: Core, bytes: Uint8Array): Uint8Array {
    const decoded = this.decode(bytes, core.mode);
    return 'length' in decoded ? bytes.subarray(0, decoded.length) : bytes;
  }

  /** What the core's cache holds, and memory where it holds nothing. */
  #fromCache(core: Core, window: FetchWindow, now: Uint8Array, caches: InstructionCaches): FetchChoice {
    const seen = window.current();
    caches.overlay(core, window.addresses, seen);
    const bytes = this.#trim(core, seen);
    const stale = keyOf(bytes) !== keyOf(now);
    // Had the invalidation arrived, it would be the other instruction.
    const candidates = stale ? [now, bytes].filter((c) => c[0] !== 0xcc) : [];
    const race = candidates.length < 2 ? undefined : { physical: window.physical, candidates, decides: this.#policy?.race === 'violation' };
    return { window, bytes, partial: false, stale, floors: [], race };
  }

  #byLine(core: Core, window: FetchWindow, now: Uint8Array, plain: (bytes: Uint8Array, partial?: boolean) => FetchChoice[]): FetchChoice[] {
    const inLine = Math.min(64 - (window.physical & 63), window.addresses.length);
    const held = core.raw(CORE.partialLength);
    if (held > 0) {
      const bytes = window.current();
      bytes.set(this.#engine.bytes.subarray(core.base + CORE.partialBytes, core.base + CORE.partialBytes + held));
      return plain(this.#trim(core, bytes));
    }
    const first = window.current().subarray(0, inLine);
    return this.decode(first, core.mode).kind === 'truncated' && inLine < window.addresses.length ? plain(first, true) : plain(now);
  }

  /** A stale version may be longer than the current one: looks at every quadword that the window touches. */
  #canBeStale(core: Core, text: TextVersions, window: FetchWindow): boolean {
    let last = -1;
    for (const pa of window.addresses) {
      const q = text.indexOf(pa);
      if (q < 0 || q === last) continue;
      last = q;
      if (text.floor(core, q) < text.count(q) - 1) return true;
    }
    return false;
  }

  #latest(text: TextVersions, window: FetchWindow, length: number): [number, number][] {
    const qs = new Set(window.addresses.slice(0, length).map((pa) => text.indexOf(pa)));
    return [...qs].filter((q) => q >= 0).map((q) => [q, text.count(q) - 1]);
  }

  /** Each byte from any version since the core serialized. */
  #byByte(core: Core, text: TextVersions, window: FetchWindow): Map<string, [number, number][]> {
    const found = new Map<string, [number, number][]>();
    const grow = (prefix: number[]): void => {
      if (prefix.length > 0) {
        const bytes = Uint8Array.from(prefix);
        if (this.decode(bytes, core.mode).kind !== 'truncated' || prefix.length === window.addresses.length) {
          found.set(keyOf(bytes), []);
          return;
        }
      }
      const pa = window.addresses[prefix.length] as number;
      for (const byte of this.#values(core, text, pa)) grow([...prefix, byte]);
    };
    grow([]);
    return found;
  }

  #values(core: Core, text: TextVersions, pa: number): Set<number> {
    const q = text.indexOf(pa);
    if (q < 0) return new Set([this.#engine.bytes[this.#engine.map.ram + pa] as number]);
    const out = new Set<number>();
    for (let v = text.floor(core, q); v < text.count(q); v++) out.add(Number((text.version(q, v) >> BigInt(8 * (pa & 7))) & 0xffn));
    return out;
  }

  /** Each aligned quadword from one version since the core serialized, or since the last version it fetched. */
  #byQuadword(core: Core, text: TextVersions, window: FetchWindow): Map<string, [number, number][]> {
    const found = new Map<string, [number, number][]>();
    const grow = (prefix: number[], chosen: [number, number][]): void => {
      if (prefix.length > 0) {
        const bytes = Uint8Array.from(prefix);
        if (this.decode(bytes, core.mode).kind !== 'truncated' || prefix.length === window.addresses.length) {
          const known = found.get(keyOf(bytes));
          // The same bytes from older versions leave more behaviours open.
          if (known === undefined || known.every(([q, v]) => (chosen.find(([p]) => p === q)?.[1] ?? v) <= v))
            found.set(keyOf(bytes), chosen);
          return;
        }
      }
      const pa = window.addresses[prefix.length] as number;
      const q = text.indexOf(pa);
      const had = chosen.find(([p]) => p === q);
      if (q < 0) grow([...prefix, this.#engine.bytes[this.#engine.map.ram + pa] as number], chosen);
      else if (had !== undefined) grow([...prefix, byteOf(text.version(q, had[1]), pa)], chosen);
      else
        for (let v = text.count(q) - 1; v >= text.floor(core, q); v--)
          grow([...prefix, byteOf(text.version(q, v), pa)], [...chosen, [q, v]]);
    };
    grow([], []);
    return found;
  }

  /** The code-race sanitizer: two different instructions, neither of them an INT3 in the first byte. */
  #race(text: TextVersions, window: FetchWindow, core: Core, candidates: readonly Uint8Array[]): CodeRace | undefined {
    const real = candidates.filter((c) => c[0] !== 0xcc);
    if (real.length < 2 || this.#policy === undefined) return undefined;
    const exempt = this.#policy.race === 'violation-unless-one-quadword-store' && this.#oneQuadwordStores(text, window, core, real);
    return { physical: window.physical, candidates, decides: this.#policy.race !== 'note' && !exempt };
  }

  /** AMD's asynchronous case: the candidates differ inside one aligned quadword, all of whose versions come from single stores inside it. */
  #oneQuadwordStores(text: TextVersions, window: FetchWindow, core: Core, candidates: readonly Uint8Array[]): boolean {
    const [first, ...others] = candidates as [Uint8Array, ...Uint8Array[]];
    if (others.some((c) => c.length !== first.length)) return false;
    const differing = new Set<number>();
    first.forEach((byte, i) => {
      if (others.some((c) => c[i] !== byte)) differing.add(text.indexOf(window.addresses[i] as number));
    });
    if (differing.size !== 1) return false;
    const q = [...differing][0] as number;
    for (let v = text.floor(core, q) + 1; v < text.count(q); v++) if (text.wide(q, v)) return false;
    return true;
  }

  /** Makes a choice happen. False: only the first line was fetched, the core is at the fetch of the second. */
  take(core: Core, choice: FetchChoice): boolean {
    for (const [q, v] of choice.floors) this.#text?.raiseFloor(core, q, v);
    if (this.#caches !== undefined) for (const line of this.#caches.missing(core, taken(choice))) this.#caches.fill(core, line, 'filled');
    if (choice.partial) {
      this.hold(core, choice.bytes);
      return false;
    }
    this.release(core);
    return true;
  }

  /**
   * Remembers the bytes of an instruction that stopped before one of its own visible accesses: the access comes later, what was fetched stays.
   */
  hold(core: Core, bytes: Uint8Array): void {
    core.prepare();
    this.#engine.bytes.set(bytes, core.base + CORE.partialBytes);
    core.setRaw(CORE.partialLength, bytes.length);
  }

  /** The whole instruction that `hold` remembers; undefined when there is none, or only the first line of one. */
  held(core: Core): Uint8Array | undefined {
    const length = core.raw(CORE.partialLength);
    if (length === 0) return undefined;
    const bytes = this.#engine.bytes.slice(core.base + CORE.partialBytes, core.base + CORE.partialBytes + length);
    return this.decode(bytes, core.mode).kind === 'truncated' ? undefined : bytes;
  }

  /** Forgets what is held. */
  release(core: Core): void {
    if (core.raw(CORE.partialLength) > 0) for (let at = 0; at < 24; at += 8) core.setRawLong(CORE.partialLength + at, 0n);
  }

  /**
   * Whether the instruction that ran at `before` was certainly a taken branch: control is not within reach of falling through. A jump to somewhere
   * near behind it is not recognised, which leaves more stale fetches than the manual does.
   */
  branched(core: Core, before: bigint): boolean {
    const distance = core.rip - before;
    return distance <= 0n || distance > BigInt(MAX_LENGTH);
  }
}

/** Addresses of the bytes that a fetch takes. */
export const taken = (choice: FetchChoice): readonly number[] => choice.window.addresses.slice(0, choice.bytes.length);

const byteOf = (quadword: bigint, pa: number): number => Number((quadword >> BigInt(8 * (pa & 7))) & 0xffn);
const keyOf = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
const bytesOf = (key: string): Uint8Array => Uint8Array.from(key, (c) => c.charCodeAt(0));
