import { Vector } from '../../isa/core-state.ts';
import type { Core } from '../../machine/core.ts';
import type { Checker } from '../checker.ts';
import type { World } from '../world.ts';

/** The five words that a delivery pushes and an IRET takes. */
const FRAME_BYTES = 40n;
/** Words of one level on one core: vector, frame, interrupted RIP, interrupted RSP. */
const LEVEL_WORDS = 8;
const LEVELS = 6;
const FIELD = { vector: 0, frame: 2, rip: 4, rsp: 6 } as const;

/** An entry stub that copies the frame of the outermost delivery of its vector and gives up the processor's. */
export interface MovedFrame {
  /** How far below the processor's frame the copy lies that must survive, in bytes. */
  readonly copy: number;
  /** How far below it the one lies that its IRET takes. */
  readonly taken: number;
  /** Where that IRET may go instead of where the outermost came from. */
  readonly again: bigint;
}

export interface FramesOptions {
  readonly moves?: ReadonlyMap<number, MovedFrame>;
}

/** What a run must have seen where nesting is the subject. */
export const NESTED_WITNESS = 'an exception inside a handler of its own kind';

/**
 * I6 and I6b: follows every exception and interrupt from its delivery to the IRET that leaves it. A delivery never writes over a frame that is
 * still to be returned through, nesting has a limit, and at the end every handler has returned.
 */
export function framesChecker(options: FramesOptions = {}): Checker {
  let cores: number[] = [];
  const depthOf = (world: World, core: number): number => world.meta.get(cores[core] as number, LEVELS * LEVEL_WORDS);
  const setDepth = (world: World, core: number, depth: number): void => world.meta.set(cores[core] as number, LEVELS * LEVEL_WORDS, depth);

  return {
    name: 'frames',
    begin(world) {
      cores = world.meta.perCore(LEVELS * LEVEL_WORDS + 1);
    },
    onEvent(event, world) {
      // What comes behind a violation is its consequence, and may come for ever.
      if (world.violations.length > 0) return;
      const core = world.machine.cores[event.core] as Core;
      if (event.kind === 'exception' || event.kind === 'interrupt') delivered(world, core, event.vector, event.frame);
      else if (event.kind === 'iret') returned(world, core, event.frame);
    },
    atEnd(world) {
      for (const core of world.machine.cores) {
        const depth = depthOf(world, core.index);
        if (depth === 0) continue;
        const vector = world.meta.get(cores[core.index] as number, (depth - 1) * LEVEL_WORDS + FIELD.vector);
        world.report({
          check: 'I6',
          message: `a handler of ${nameOf(vector)} on CPU${core.index} never returned`,
          core: core.index,
          rip: core.rip,
        });
      }
    },
  };

  function delivered(world: World, core: Core, vector: number, frame: bigint): void {
    const at = cores[core.index] as number;
    const depth = depthOf(world, core.index);
    let outermost = true;
    for (let n = 0; n < depth; n++) {
      const word = n * LEVEL_WORDS;
      const live = world.meta.getLong(at, word + FIELD.frame);
      const inside = world.meta.get(at, word + FIELD.vector);
      if (inside === vector) outermost = false;
      if (frame >= live + FRAME_BYTES || live >= frame + FRAME_BYTES) continue;
      const { image } = world.lab;
      world.report({
        check: 'I6b',
        message: `${nameOf(vector)} on CPU${core.index} is delivered onto the frame of the ${nameOf(inside)} that interrupted ${image.describe(world.meta.getLong(at, word + FIELD.rip))} and is still being handled`,
        core: core.index,
        rip: core.rip,
      });
      return;
    }
    if (depth === LEVELS) {
      world.report({ check: 'I6', message: `exceptions nested ${LEVELS + 1} deep on CPU${core.index}`, core: core.index, rip: core.rip });
      return;
    }
    if (!outermost) world.witnessed.add(NESTED_WITNESS);
    const word = depth * LEVEL_WORDS;
    const moves = outermost ? BigInt(options.moves?.get(vector)?.copy ?? 0) : 0n;
    world.meta.set(at, word + FIELD.vector, vector);
    world.meta.setLong(at, word + FIELD.frame, frame - moves);
    world.meta.setLong(at, word + FIELD.rip, world.lab.readLong(core.index, frame));
    world.meta.setLong(at, word + FIELD.rsp, world.lab.readLong(core.index, frame + 24n));
    setDepth(world, core.index, depth + 1);
  }

  /** The frame that a stub has made for its IRET leads back to where the outermost delivery came from, or to the stub's beginning. */
  function checkTaken(world: World, core: Core, frame: bigint, depth: number): void {
    for (let n = 0; n < depth; n++) {
      const at = cores[core.index] as number;
      const word = n * LEVEL_WORDS;
      const vector = world.meta.get(at, word + FIELD.vector);
      const moved = options.moves?.get(vector);
      if (moved === undefined) continue;
      const rip = world.meta.getLong(at, word + FIELD.rip);
      const taken = world.meta.getLong(at, word + FIELD.frame) + BigInt(moved.copy - moved.taken);
      if (frame !== taken || core.rip === rip || core.rip === moved.again) return;
      const { image } = world.lab;
      world.report({
        check: 'I6b',
        message: `${nameOf(vector)} on CPU${core.index} returns to ${image.describe(core.rip)}, not to ${image.describe(rip)}: its frame was overwritten`,
        core: core.index,
        rip: core.rip,
      });
      return;
    }
  }

  /** An IRET ends the innermost handler when it takes that frame, or a copy of it; any other one (sync_core) ends nothing. */
  function returned(world: World, core: Core, frame: bigint): void {
    const depth = depthOf(world, core.index);
    if (depth === 0) return;
    checkTaken(world, core, frame, depth);
    const at = cores[core.index] as number;
    const word = (depth - 1) * LEVEL_WORDS;
    const own = world.meta.getLong(at, word + FIELD.frame) === frame;
    const resumes = world.meta.getLong(at, word + FIELD.rip) === core.rip && world.meta.getLong(at, word + FIELD.rsp) === core.gpr(4);
    if (!own && !resumes) return;
    for (let n = 0; n < LEVEL_WORDS; n++) world.meta.set(at, word + n, 0);
    setDepth(world, core.index, depth - 1);
  }
}

const NAMES = new Map<number, string>(Object.entries(Vector).map(([name, number]) => [number, name === 'NMI' ? 'NMI' : `#${name}`]));
const nameOf = (vector: number): string => NAMES.get(vector) ?? `interrupt 0x${vector.toString(16)}`;
