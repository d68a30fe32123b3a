/** Who writes down how far a search has come, and where it goes on from. */
export interface Keeper {
  /** What is explored: a checkpoint of anything else is refused. */
  readonly name: string;
  /** A checkpoint to begin with. */
  readonly resume?: Uint8Array;
  /** Asked now and then: whether it is time for a checkpoint. */
  readonly isDue: () => boolean;
  /** Gets one; `stopped` says why the search stops there, undefined where it goes on. */
  readonly keep: (checkpoint: Uint8Array, stopped: string | undefined) => void;
}
