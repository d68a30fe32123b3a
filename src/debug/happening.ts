import type { CheckId, Violation } from '../explore/violation.ts';
import type { Choice } from '../machine/choices.ts';
import type { CacheEvent } from '../machine/icache.ts';

/** How a visible access of data or text reached memory. Loads do not change it; `buffer` is a store that only its own core sees yet. */
export type AccessKind = 'load' | 'buffer' | 'locked load' | 'locked store' | 'store' | 'drain';

/** In the order of the engine's event ring (`EVENT_BASE`). */
export const ACCESS_KINDS: readonly AccessKind[] = ['load', 'buffer', 'locked load', 'locked store', 'store', 'drain'];

/** Which versions of a site's bytes a fetch returned. */
export type FetchAge =
  /** What memory held. */
  | { readonly kind: 'now' }
  /** What memory held once; `until` is the step that wrote over it. */
  | { readonly kind: 'old'; readonly until: number }
  /** No one version: runs of bytes, each from the version that step `since` wrote (-1: there from the start). */
  | { readonly kind: 'mixed'; readonly parts: readonly { readonly bytes: string; readonly since: number }[] };

/** A visible access to memory. */
export interface Access {
  readonly what: 'access';
  readonly access: AccessKind;
  readonly core: number;
  /** Physical address of the first byte, and how many. */
  readonly physical: number;
  readonly size: number;
  readonly value: bigint;
  /** The variable, or `site[1..4]`. */
  readonly name: string;
  /** The value in words: a symbol, a number, or bytes of text. */
  readonly text: string;
  /** Function that made the access. */
  readonly by: string;
  /** The bytes are text of a site. */
  readonly site: boolean;
}

/** An instruction of patched text was fetched. */
export interface Fetch {
  readonly what: 'fetch';
  readonly core: number;
  readonly physical: number;
  readonly name: string;
  readonly bytes: string;
  /** Bytes that the fetch depended on: those of the longest instruction that it could have returned. */
  readonly length: number;
  readonly stale: boolean;
  readonly age: FetchAge;
  /** The instruction in words, where it is one of the forms that sites hold. */
  readonly text: string;
  readonly race: boolean;
}

/** One thing that happened inside a step, names instead of addresses. */
export type Happening =
  | Access
  | Fetch
  | {
      readonly what: 'exception';
      readonly core: number;
      readonly vector: number;
      readonly name: string;
      readonly rip: string;
      readonly frame: bigint;
    }
  | {
      readonly what: 'interrupt';
      readonly core: number;
      readonly vector: number;
      readonly name: string;
      readonly rip: string;
      readonly frame: bigint;
    }
  | { readonly what: 'iret'; readonly core: number; readonly rip: string; readonly frame: bigint }
  | { readonly what: 'ipi'; readonly core: number; readonly vector: number; readonly name: string; readonly targets: readonly number[] }
  | { readonly what: 'serialize'; readonly core: number; readonly why: string }
  /** A line of a core's instruction cache: `0x1020040 (ftrace_call)`. */
  | { readonly what: 'icache'; readonly core: number; readonly event: CacheEvent; readonly line: string }
  | { readonly what: 'note'; readonly core: number; readonly id: string; readonly a: string; readonly b: string }
  | { readonly what: 'mark'; readonly core: number; readonly kind: 'begin' | 'phase' | 'sync' | 'end' | 'call'; readonly text: string }
  | { readonly what: 'die'; readonly core: number; readonly reason: string }
  | { readonly what: 'exit'; readonly core: number; readonly code: number }
  | { readonly what: 'shutdown'; readonly core: number; readonly why: string }
  | { readonly what: 'violation'; readonly core: number; readonly check: CheckId; readonly message: string }
  /** More accesses happened than the ring holds. */
  | { readonly what: 'lost'; readonly core: number };

/** One answer of a schedule and all that it made happen. */
export interface TraceStep {
  /** `@at`: the state before this step; the first step is 0. */
  readonly at: number;
  readonly core: number;
  readonly choice: Choice['kind'];
  /** Which answer was given (0 goes on), and how many there were to choose from. */
  readonly answer: number;
  readonly offered: number;
  /** Where the core was before the step. */
  readonly rip: bigint;
  readonly symbol: string;
  readonly happened: readonly Happening[];
}

/** A run as a list of steps. Equal answers from equal worlds give equal traces. */
export interface Trace {
  readonly cores: number;
  /** What each core runs, by the name of a function; empty for a patcher of the host and for cores that only idle. */
  readonly roles: readonly string[];
  /** Stores in each core's buffer before the first step: the cores have come to their first visible operations. */
  readonly buffered: readonly number[];
  readonly steps: readonly TraceStep[];
  /** What the end of the run violates, when nothing more can happen: it belongs to no step. */
  readonly end: readonly Happening[];
  /** What the last step or the end violates: empty for a run that is well as far as it goes. */
  readonly violations: readonly Violation[];
  /** 128-bit hash of the state behind the last step, 32 hexadecimal digits. */
  readonly hash: string;
}

export type Write = Access & { readonly access: 'drain' | 'store' | 'locked store' };
export type Read = Access & { readonly access: 'load' | 'locked load' };

/** Whether an access changes memory: a buffered store does so only when it drains. */
export const writes = (h: Happening): h is Write =>
  h.what === 'access' && (h.access === 'drain' || h.access === 'store' || h.access === 'locked store');

/** Whether it takes its value from memory (or the core's own buffer). */
export const reads = (h: Happening): h is Read => h.what === 'access' && (h.access === 'load' || h.access === 'locked load');
