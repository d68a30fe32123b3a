/** Which property was violated. The codes are those of the catalogue of invariants. */
export type CheckId =
  /** Every #BP from kernel mode is claimed by one handler, or found gone by the policy's re-check. */
  | 'I1'
  /** What executes at a site is one of its published versions, from its first byte. */
  | 'I2'
  /** A callback gets the data, the ops or the arguments that it was registered with. */
  | 'I3'
  /** After an update, a disable or an unregister has returned, nobody enters the old target through that key. */
  | 'I4'
  /** A task never mixes the versions of a livepatch. */
  | "I4'"
  /** Nobody fetches, loads, calls or returns into memory that was freed. */
  | 'I5'
  /** Exception nesting stays within its limit; no #DF, no shutdown. */
  | 'I6'
  /** No store into a live exception frame except through its owner. */
  | 'I6b'
  /** The handler used the record of the fault address and emulated one of that site's new instructions. */
  | 'I7'
  /** An indirect call that is checked reaches a function of its type (kCFI, FineIBT). */
  | 'I9'
  /** Reader locks are taken where RCU watches, and nobody sleeps in atomic context. */
  | 'I10'
  /** After emulation the core is as if it had executed the new instruction. */
  | 'I11'
  /** Bytes around a site never change; at the end a site holds what was intended. */
  | 'I12'
  /** Everything that waits gets what it waits for under a fair schedule. */
  | 'I13'
  /** The code-race sanitizer: different instructions could have been fetched without a serializing event in between. */
  | 'code-race'
  /** An exception that nobody expected. */
  | 'exception'
  /** The guest's own assertion failed. */
  | 'assertion'
  /** Nothing is broken: a run has come to what was asked for. */
  | 'reach';

/**
 * Which way a check was broken. An int3 goes unclaimed because nothing is in progress any more, or because what is in progress is another site's
 * modification; there is no progress because nobody can move, or because everybody moves in a circle.
 */
export type ViolationCause = 'nothing-in-progress' | 'another-modification' | 'deadlock' | 'livelock';

/** A violation that somebody asks for. */
export interface WantedViolation {
  readonly check: CheckId;
  readonly cause?: ViolationCause;
}

export const isWanted = (violation: Violation, wanted: WantedViolation | undefined): boolean =>
  wanted === undefined || (violation.check === wanted.check && (wanted.cause === undefined || violation.cause === wanted.cause));

export interface Violation {
  readonly check: CheckId;
  /** Which of the ways to break the check it was, where that can be told apart. */
  readonly cause?: ViolationCause;
  /** One sentence in kernel words. */
  readonly message: string;
  readonly core: number;
  readonly rip: bigint;
}

export const CHECK_TITLES: Readonly<Record<CheckId, string>> = {
  I1: 'unclaimed #BP',
  I2: 'torn or foreign instruction executed',
  I3: 'function and data do not belong together',
  I4: 'the old target is entered after the update',
  "I4'": 'versions of a livepatch mixed',
  I5: 'freed memory used',
  I6: 'exception nesting',
  I6b: 'live exception frame overwritten',
  I7: 'wrong record emulated',
  I9: 'control-flow integrity',
  I10: 'context',
  I11: 'emulation differs from execution',
  I12: 'text is not what was intended',
  I13: 'no progress',
  'code-race': 'unsynchronized cross-modification',
  exception: 'unexpected exception',
  assertion: 'guest assertion',
  reach: 'reached',
};
