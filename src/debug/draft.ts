/** What a line of the diagram is about: decides what may be folded into one line, and what goes first when there are too many. */
export type DraftKind =
  /** A store to text, or to a variable that cores share. */
  | 'text'
  | 'publish'
  | 'buffered'
  | 'read'
  /** A fetch of a site that runs through, and one that traps. */
  | 'fetch'
  | 'trap'
  /** The #BP is claimed, or found gone. */
  | 'claimed'
  /** The patcher sends a SYNC, a core answers it, the patcher has all answers. */
  | 'send'
  | 'answer'
  | 'synced'
  /** A patcher of the host calls a function of the image. */
  | 'call'
  | 'other'
  | 'violation';

/** A line of the diagram before layout. */
export interface Draft {
  /** Step, or undefined behind the last one. */
  readonly at: number | undefined;
  readonly core: number;
  readonly kind: DraftKind;
  text: string;
}
