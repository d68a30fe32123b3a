/**
 * Hears of what is looked at besides the accesses of cores, which are events of the engine (`EVENT_BASE`): with both, everything that a transition's
 * outcome depends on is known.
 */
export interface LookObserver {
  /** Memory as a core sees it, at a linear address, without an access: a patcher's wait. */
  linear(core: number, address: bigint, bytes: number): void;
  /** Physical memory: page walks, checkers. Read or written. */
  physical(address: number, bytes: number): void;
  /** What a core alone knows: its registers. */
  core(core: number): void;
  /** The quadword of checker state at an offset of linear memory. Read or written. */
  meta(at: number): void;
  /** What is pending for a core: interrupts that it may mask, or an NMI. */
  pending(core: number, nmi: boolean): void;
  /** The versions of patched text (`core` -1), or how far a core's fetch may lag behind them. */
  text(core: number, change: boolean): void;
}
