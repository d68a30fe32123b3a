import type { Image } from '../../image/image.ts';
import type { Core } from '../../machine/core.ts';
import type { Machine } from '../../machine/machine.ts';
import type { Position } from './position.ts';

/** What a run has just come by. */
export interface Crossing {
  readonly core: number;
  /**
   * `instruction`: the core has executed one, or an exception of it was delivered. `interrupt`: it has taken one. `drain`: a store of its buffer has reached
   * memory. `access`: the instruction in flight has done one of its accesses and goes on later. `cache`: something happened to a line of its cache.
   */
  readonly kind: 'instruction' | 'interrupt' | 'drain' | 'access' | 'cache';
  /** Vector of the exception that was delivered. */
  readonly exception?: number;
}

/** Why `play` came back: what was looked for, or the position asked for, or the end of the run. */
export type Played = 'found' | 'there' | 'end';

/**
 * One run of a machine, with every place of it within reach, both ways. Going anywhere changes nothing of the run: the same position is always the same
 * state. `ScheduleTimeline` is the run of a schedule in a world, `BareTimeline` that of an image alone.
 */
export interface Timeline {
  readonly machine: Machine;
  readonly image: Image;
  /** Where the machine is now. */
  readonly position: Position;
  /** The end of the run as far as it is known. */
  readonly end: Position;
  /** Goes there. `E_USAGE` where the run has no such position. */
  goto(position: Position): void;
  /**
   * Goes on, instruction by instruction, up to `to` (the end where it is undefined), and asks `look` at each crossing, with the machine there: true stops
   * it there. The position at a crossing is `position`.
   */
  play(to: Position | undefined, look?: (crossing: Crossing) => boolean): Played;
  /**
   * A position before this one from which playing to it is cheap: for looking backwards. `looked`: places that were looked at on the way back so far; who has come far goes in
   * longer strides. Undefined at the start.
   */
  before(position: Position, looked?: number): Position | undefined;
  /** Has the run go on with this core next, in another way than before if need be. False: it cannot move. Undefined where the order is not ours to choose. */
  prefer(core: number): boolean | undefined;
}

/** The core that a crossing is about. */
export const coreOf = (timeline: Timeline, crossing: Crossing): Core => timeline.machine.cores[crossing.core] as Core;
