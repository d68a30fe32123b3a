import type { World, WorldAccess, WorldEvent } from './world.ts';

/**
 * Watches runs and reports what must not happen. State that influences findings lives in `world.meta`. What a checker looks at is part of what a
 * transition depends on: the core of the event, memory through `Lab` and `Machine.readPhysical`, and `world.meta`, whose looks are heard. It does not look
 * at registers of other cores.
 */
export interface Checker {
  readonly name: string;
  onEvent?(event: WorldEvent, world: World): void;
  /** A visible access of a core to memory: shared words, and all of what was given to `World.watch`. In the order of events. */
  onAccess?(access: WorldAccess, world: World): void;
  /** The run is between two transitions: at the start, and behind each one that violates nothing. */
  onState?(world: World): void;
  /** The base state is in place. */
  begin?(world: World): void;
  /** The run has ended with every actor done. */
  atEnd?(world: World): void;
}
