import type { ErrorCode } from '../../error.ts';
import type { Cell } from '../../scenario/scenario.ts';
import type { HandlerInterval } from './handler-stacks.ts';

/** What a step is mostly about, the least telling first: a step has the last of them that applies, so do many steps on one pixel. */
export const TAGS = [
  'local',
  'load',
  'buffer',
  'serialize',
  'iret',
  'publish',
  'fetch',
  'ipi',
  'interrupt',
  'exception',
  'text',
  'stale',
  'violation',
] as const;
export type Tag = (typeof TAGS)[number];

/** An IPI: sent in step `from` by a core, taken in step `to` by another; `to` is undefined where it never was. */
export interface Arrow {
  readonly name: string;
  readonly from: number;
  readonly sender: number;
  readonly target: number;
  readonly to: number | undefined;
}

/** What broke. */
export interface BrokenView {
  readonly check: string;
  readonly title: string;
  readonly message: string;
  readonly core: number;
  /** The step that broke it; the number of steps where only the end did. */
  readonly at: number;
}

/** A run as lanes show it. Columns have one element a step. */
export interface RunView {
  readonly token: string;
  readonly scenario: string;
  readonly alias: string | undefined;
  readonly title: string;
  readonly variant: string;
  readonly variantTitle: string;
  readonly cell: Cell;
  /** `3 cores (2 victims), fetch intel-sdm, memory tso`. */
  readonly cellWords: string;
  readonly cores: number;
  readonly roles: readonly string[];
  readonly count: number;
  readonly core: Uint8Array;
  /** Index in `TAGS`. */
  readonly tag: Uint8Array;
  /** How many choices were open, and which one was taken. */
  readonly offered: Uint16Array;
  readonly answer: Uint16Array;
  /** 1 where the step is a line of a changelog: the rest is how it came to that. */
  readonly told: Uint8Array;
  /** Indices in `texts`: where the core was, what happened. */
  readonly symbol: Uint32Array;
  readonly text: Uint32Array;
  readonly texts: readonly string[];
  /** What the end says. */
  readonly end: readonly string[];
  readonly broken: BrokenView | undefined;
  /** Something could still happen behind the last step. */
  readonly open: boolean;
  readonly arrows: readonly Arrow[];
  readonly handlers: readonly HandlerInterval[];
  /** 128 bits of the state behind the last step, 32 hexadecimal digits. */
  readonly hash: string;
}

export interface RegisterView {
  readonly name: string;
  readonly text: string;
  /** The step before this one changed it. */
  readonly changed: boolean;
}

export interface CodeLine {
  readonly address: string;
  readonly bytes: string;
  readonly text: string;
  /** Symbol that begins here. */
  readonly label: string | undefined;
  readonly current: boolean;
  /** Patched text. */
  readonly site: boolean;
}

export interface CoreView {
  readonly index: number;
  readonly role: string;
  /** `ftrace_int3_handler+0x12`. */
  readonly where: string;
  readonly source: { readonly file: string; readonly line: number } | undefined;
  /** `runs`, `waits for its store buffer`, `halted`. */
  readonly activity: string;
  /** Oldest first. */
  readonly buffer: readonly { readonly name: string; readonly text: string; readonly site: boolean }[];
  /** Interrupts that it was sent and has not taken. */
  readonly interrupts: readonly string[];
  /** Exceptions and interrupts that it is in, the innermost last. */
  readonly stack: readonly { readonly name: string; readonly from: string; readonly at: number }[];
}

export interface ByteView {
  readonly value: number;
  /** Other values that a fetch may still return, oldest first. */
  readonly stale: readonly number[];
  /** The step before this one changed it. */
  readonly changed: boolean;
}

export interface BytesRow {
  /** Undefined: memory. */
  readonly core: number | undefined;
  readonly bytes: readonly ByteView[];
  /** The instruction in words, where the bytes are one. */
  readonly text: string;
  /** Its own stores to these bytes wait in its buffer. */
  readonly buffered: boolean;
}

export interface SiteView {
  readonly name: string;
  readonly address: string;
  readonly rows: readonly BytesRow[];
}

export interface OptionView {
  readonly core: number;
  readonly kind: string;
  readonly text: string;
  readonly stale: boolean;
  /** What it does at once. */
  readonly does: readonly string[];
  /** What it breaks at once. */
  readonly breaks: string | undefined;
  /** Nothing can happen behind it. */
  readonly ends: boolean;
  /** The run goes on with it. */
  readonly taken: boolean;
}

/** Everything at one place of a run. */
export interface StateView {
  readonly at: number;
  readonly inside: number;
  /** Places inside the step that is next. */
  readonly length: number;
  readonly cores: readonly CoreView[];
  readonly sites: readonly SiteView[];
  readonly options: readonly OptionView[];
  /** What the step before this place did, and what the next one will do. */
  readonly before: readonly string[];
  readonly next: readonly string[];
  /** Of the core that is looked at. */
  readonly core: number;
  readonly registers: readonly RegisterView[];
  readonly code: readonly CodeLine[];
  /** Hash of the state; undefined inside a step. */
  readonly hash: string | undefined;
}

/** The end of a search. */
export interface FoundView {
  readonly verdict: string;
  /** One line: what was found. */
  readonly headline: string;
  readonly coverage: string;
  /** Of a run that breaks, or of one that does not where none breaks. */
  readonly token: string | undefined;
  readonly breaks: boolean;
  readonly recorded: string | undefined;
  readonly notes: readonly string[];
  readonly missing: readonly string[];
}

export interface WhyView {
  readonly diagram: string;
  readonly text: string;
}

/** What the page asks of a worker, and what it gets. */
export interface Calls {
  /** Opens the run of a token; the worker has one run at a time. */
  open: { readonly ask: { readonly token: string }; readonly answer: RunView };
  /** The same for a run that ends in nothing: opened with the circle that it leads into; undefined where it is only cut short. */
  livelock: { readonly ask: { readonly token: string }; readonly answer: RunView | undefined };
  /** The state at a place, with the code and registers of one core. */
  state: { readonly ask: { readonly at: number; readonly inside: number; readonly core: number }; readonly answer: StateView };
  /** The run with another choice at a step, continued without delays; opened. */
  take: { readonly ask: { readonly at: number; readonly choice: number }; readonly answer: RunView };
  /** Tries the orders of a variant. */
  find: { readonly ask: { readonly scenario: string; readonly variant: string; readonly cell: Cell }; readonly answer: FoundView };
  /** Tries the orders that go on from a step of a run. */
  findFrom: {
    readonly ask: { readonly token: string; readonly at: number; readonly choice: number | undefined };
    readonly answer: FoundView;
  };
  /** Who acts in a race and which bytes change, as `textpoke explain` tells it. */
  story: { readonly ask: { readonly scenario: string }; readonly answer: string };
  /** Why a run breaks. */
  why: { readonly ask: { readonly token: string }; readonly answer: WhyView };
}

export type CallName = keyof Calls;

export interface Request {
  readonly id: number;
  readonly name: CallName;
  readonly ask: unknown;
}

export interface Progress {
  readonly phase: string;
  readonly states: number;
  readonly transitions: number;
}

/** An error as it crosses over. */
export interface ErrorView {
  readonly code: ErrorCode | 'E_PAGE';
  readonly message: string;
  readonly where: string | undefined;
  readonly hint: string | undefined;
}

export type Reply =
  | { readonly id: number; readonly progress: Progress }
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly error: ErrorView };
