/** Work that takes turns with the client: each `next` a slice; what it returns is the packet that answers. */
export interface Job {
  readonly steps: Generator<undefined, string>;
  /** The answer when the client interrupts it. */
  readonly interrupted: () => string;
  /** The answer when it throws. */
  readonly failed: (error: unknown) => string;
}

/** What a packet is answered with: a packet ('' for one that is not understood), work that leads to one, or the last one of all. */
export type Answer = string | Job | { readonly last: string | undefined; readonly why: string };
