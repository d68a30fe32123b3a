import type { World, WorldAccess, WorldEvent } from './world.ts';

/** Watches runs and reports what must not happen. State that influences findings lives in `world.meta`. */
export interface Checker {
  readonly name: string;
  onEvent?(event: WorldEvent, world: World): void;
  /** A visible access of a core to memory: shared words, and all of what was given to `World.watch`. In the order of events. */
  onAccess?(access: WorldAccess, world: World): void;
  /** The base state is in place. */
  begin?(world: World): void;
  /** The run has ended with every actor done. */
  atEnd?(world: World): void;
}
