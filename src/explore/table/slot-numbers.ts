/** Slot of patched text, with the versions that a fetch may see. */
export const TEXT_SLOT = 0;

/**
 * Numbers of the parts of a state of so many cores, as slots of a `StateVector` and as places of a `Transition`: the text, how far each core's fetch may lag
 * behind it (places only), what each core alone knows, what is pending for it, whether an NMI is (places only), the end of a run (a place only), and
 * words of memory behind.
 */
export class SlotNumbers {
  readonly cores: number;
  /** A place without a content: a guest that gives up writes it and everybody reads it, for nothing happens behind that. */
  readonly deadPlace: number;
  /** The first slot of a word of memory. */
  readonly firstWord: number;

  constructor(cores: number) {
    this.cores = cores;
    this.deadPlace = 1 + 4 * cores;
    this.firstWord = 2 + 4 * cores;
  }

  floorPlace(core: number): number {
    return 1 + core;
  }

  localSlot(core: number): number {
    return 1 + this.cores + core;
  }

  pendingSlot(core: number): number {
    return 1 + 2 * this.cores + core;
  }

  /** Whether an NMI is pending: a place of its own, with what else is pending in one slot. */
  nmiPlace(core: number): number {
    return 1 + 3 * this.cores + core;
  }

  isPending(slot: number): boolean {
    return slot >= this.pendingSlot(0) && slot < this.nmiPlace(0);
  }
}
