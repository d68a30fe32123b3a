import { EVENT_BASE, EVENT_BYTES, MAX_EVENTS } from '../../engine/layout.ts';
import type { LookObserver } from '../../engine/look-observer.ts';
import { TextpokeError } from '../../error.ts';
import { Vector } from '../../isa/core-state.ts';
import type { World } from '../world.ts';

/** Kind of the engine's event that puts a store into its core's buffer: it depends on nothing that others see. */
const BUFFERED = 1;

/** Where a look goes: the table decides what part of the state that is. */
export interface LookTarget {
  /** Physical memory, `bytes` from `address`. */
  memory(address: number, bytes: number): void;
  /** Checker state at an offset of linear memory. */
  meta(at: number): void;
  /** What a core alone knows. */
  core(core: number): void;
  text(core: number, change: boolean): void;
  /** What is pending for a core: interrupts that it may mask, or an NMI. */
  pending(core: number, nmi: boolean): void;
}

/** Hears everything that a transition looks at or may change outside its own core, in the order in which it does. */
export class LookLog implements LookObserver {
  readonly #world: World;
  readonly #target: LookTarget;
  #from = EVENT_BASE;
  #on = false;

  constructor(world: World, target: LookTarget) {
    this.#world = world;
    this.#target = target;
    world.machine.observers.push((event) => {
      if (!this.#on || event.kind !== 'ipi') return;
      this.#accesses();
      for (const core of event.targets) target.pending(core, event.vector === Vector.NMI);
    });
  }

  /** Begins to listen; the engine's events have just been cleared. */
  start(): void {
    this.#from = EVENT_BASE;
    this.#on = true;
    this.#world.machine.engine.looks = this;
  }

  stop(): void {
    this.#accesses();
    this.#on = false;
    this.#world.machine.engine.looks = undefined;
  }

  #accesses(): void {
    const { view, globals } = this.#world.machine.engine;
    const top = globals.eventTop.value;
    if (top >= EVENT_BASE + MAX_EVENTS * EVENT_BYTES) {
      throw new TextpokeError('E_INTERNAL', `a transition has more than ${MAX_EVENTS} visible accesses`, { where: 'exploration' });
    }
    for (; this.#from < top; this.#from += EVENT_BYTES) {
      if (view.getInt32(this.#from + 4, true) === BUFFERED) continue;
      this.#target.memory(view.getUint32(this.#from + 8, true), view.getUint32(this.#from + 12, true));
    }
  }

  linear(core: number, address: bigint, bytes: number): void {
    this.#accesses();
    const physical = this.#world.lab.physicalFor(core, BigInt.asUintN(64, address));
    if (physical !== undefined) this.#target.memory(physical, bytes);
  }

  physical(address: number, bytes: number): void {
    this.#accesses();
    this.#target.memory(address, bytes);
  }

  pending(core: number, nmi: boolean): void {
    this.#accesses();
    this.#target.pending(core, nmi);
  }

  core(core: number): void {
    this.#accesses();
    this.#target.core(core);
  }

  meta(at: number): void {
    this.#accesses();
    this.#target.meta(at);
  }

  text(core: number, change: boolean): void {
    this.#accesses();
    this.#target.text(core, change);
  }
}
