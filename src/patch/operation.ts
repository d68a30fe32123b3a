/**
 * What a patcher written in TypeScript asks of the core that it runs on: one operation of that core each. Addresses are linear.
 * A patcher is a generator of these; what an operation gives comes back from `yield`.
 */
export type Operation =
  /** A store of 1, 2, 4 or 8 bytes, into the core's store buffer. */
  | { readonly do: 'store'; readonly address: bigint; readonly bytes: number; readonly value: bigint; readonly what: string }
  /** A load; gives the value. */
  | { readonly do: 'load'; readonly address: bigint; readonly bytes: number; readonly what: string }
  /** An atomic addition (LOCK XADD); gives the old value. */
  | { readonly do: 'add'; readonly address: bigint; readonly bytes: number; readonly value: bigint; readonly what: string }
  /** A serializing instruction. */
  | { readonly do: 'serialize'; readonly what: string }
  /** MFENCE: waits until the store buffer is empty. */
  | { readonly do: 'fence' }
  | { readonly do: 'interrupts'; readonly on: boolean }
  /** An IPI to all other cores, or to one, through the x2APIC ICR. */
  | { readonly do: 'ipi'; readonly vector: number; readonly target?: number }
  /** Spins until the bytes at an address equal `value`. */
  | { readonly do: 'wait'; readonly address: bigint; readonly bytes: number; readonly value: bigint; readonly what: string }
  /** Spins until `until` says so of what the words hold. It must depend on nothing else. */
  | { readonly do: 'await'; readonly words: readonly Word[]; readonly until: (values: readonly bigint[]) => boolean; readonly what: string }
  /** LOCK CMPXCHG: stores `value` if the memory holds `expected`; gives what it held. */
  | {
      readonly do: 'compare-exchange';
      readonly address: bigint;
      readonly bytes: number;
      readonly expected: bigint;
      readonly value: bigint;
      readonly what: string;
    }
  /** The core calls a function of the image with up to six arguments and comes back; gives what it returned. */
  | { readonly do: 'call'; readonly address: bigint; readonly args?: readonly bigint[]; readonly what: string }
  /** Tells observers where the protocol is; no effect on the machine. */
  | { readonly do: 'mark'; readonly mark: Mark };

/** A place in memory that an operation looks at. */
export interface Word {
  readonly address: bigint;
  readonly bytes: number;
}

/** Steps of a protocol that checkers and traces want to know. */
export type Mark =
  /** A modification of a site begins: its published bytes are about to become `bytes`. */
  | { readonly kind: 'begin'; readonly site: bigint; readonly bytes: Uint8Array }
  /** The bytes of phase `phase` (1 INT3, 2 tail, 3 first byte) are in memory. */
  | { readonly kind: 'phase'; readonly site: bigint; readonly phase: 1 | 2 | 3 }
  | { readonly kind: 'sync'; readonly what: string }
  | { readonly kind: 'end'; readonly site: bigint }
  /** A function is about to be called: the machine tells it of every call, patchers need not. */
  | { readonly kind: 'call'; readonly what: string };

/** A patching algorithm: yields operations, receives what they give (0n where they give nothing). */
export type Patcher = Generator<Operation, void, bigint>;
