import { Vector } from '../../isa/core-state.ts';
import { KERNEL_CS, KERNEL_DS } from '../../kernel/layout.ts';
import type { Core } from '../../machine/core.ts';
import type { Checker } from '../checker.ts';
import { conditionHolds, type Effect, effectOf, type Site } from '../site.ts';
import type { World } from '../world.ts';

/** Words of one level of #BP on one core: site + 1, frame, interrupted RSP, RFLAGS, hash of the registers, ghost. */
const LEVEL_WORDS = 12;
const LEVELS = 4;
const FIELD = { site: 0, frame: 2, rsp: 4, flags: 6, registers: 8, ghost: 10 } as const;

/** Says only that the next instruction hits no breakpoint of its own; an INT3 that runs again behind a fault is entered with it set (SDM Vol. 3, "Resume Flag"). */
const RF = 1n << 16n;

/** The entry stub with the gap copies the frame this far down. */
export const FRAME_GAP = 48n;

/**
 * I6b, I7 and I11: follows every #BP at a registered site from its delivery to the IRET that leaves it, and compares the core with what
 * executing one of the site's new instructions would have left. Also the nesting limit of I6.
 */
export function emulationChecker(): Checker {
  let levels: number[] = [];
  const depthOf = (world: World, core: number): number => world.meta.get(levels[core] as number, LEVELS * LEVEL_WORDS);
  const level = (core: number, depth: number): { at: number; word: number } => ({ at: levels[core] as number, word: depth * LEVEL_WORDS });

  return {
    name: 'emulation',
    begin(world) {
      levels = world.meta.perCore(LEVELS * LEVEL_WORDS + 1);
    },
    onEvent(event, world) {
      const core = world.machine.cores[event.core] as Core;
      const depth = depthOf(world, event.core);
      switch (event.kind) {
        case 'exception': {
          if (event.vector !== Vector.BP) return;
          const index = world.sites.findIndex((s) => s.address === event.rip - 1n || s.address === event.rip);
          if (index < 0) return;
          if (depth === LEVELS) {
            world.report({ check: 'I6', message: `#BP nested ${LEVELS + 1} deep on CPU${event.core}`, core: event.core, rip: event.rip });
            return;
          }
          const { at, word } = level(event.core, depth);
          const frame = event.frame;
          world.meta.set(at, word + FIELD.site, index + 1);
          world.meta.setLong(at, word + FIELD.frame, frame);
          world.meta.setLong(at, word + FIELD.rsp, world.lab.readLong(event.core, frame + 24n));
          world.meta.setLong(at, word + FIELD.flags, world.lab.readLong(event.core, frame + 16n));
          world.meta.setLong(at, word + FIELD.registers, registersHash(core));
          world.meta.set(at, LEVELS * LEVEL_WORDS, depth + 1);
          return;
        }
        case 'note':
          onNote(event.id, event.a, event.b, world, core, depth);
          return;
        case 'iret':
          if (depth > 0) onIret(event.frame, world, core, depth);
      }
    },
  };

  function onNote(id: number, a: bigint, b: bigint, world: World, core: Core, depth: number): void {
    const { lab } = world;
    if (id === lab.abi('NOTE_RECORD') && a !== b) {
      world.report({
        check: 'I7',
        message: `the handler on CPU${core.index} used the record of ${lab.image.describe(b)} for the #BP at ${lab.image.describe(a)}`,
        core: core.index,
        rip: a,
      });
    }
    if (id === lab.abi('NOTE_TARGET')) {
      const site = world.sites.find((s) => s.address === a);
      if (
        site !== undefined &&
        !newEffects(site).some((e) => 'target' in e && e.target === b) &&
        !newEffects(site).some((e) => e.kind === 'return')
      ) {
        world.report({
          check: 'I7',
          message: `the handler on CPU${core.index} emulates a transfer to ${lab.image.describe(b)} at ${site.name}, whose new instruction says otherwise`,
          core: core.index,
          rip: a,
        });
      }
    }
    if (depth === 0) return;
    const { at, word } = level(core.index, depth - 1);
    if (id === lab.abi('NOTE_GHOST')) world.meta.set(at, word + FIELD.ghost, 1);
    if (id === lab.abi('NOTE_INT3')) world.meta.set(at, word + FIELD.ghost, 0);
    if (id === lab.abi('NOTE_CLAIMED')) checkFrame(world, core, at, word);
  }

  /** I6b: the frame that IRET is about to consume still has the selectors that the delivery pushed. */
  function checkFrame(world: World, core: Core, at: number, word: number): void {
    const frame = world.meta.getLong(at, word + FIELD.frame);
    // The copy below the gap, where there is one, is the live frame; without a gap the pushed frame is.
    const copy =
      world.lab.readLong(core.index, frame - FRAME_GAP + 8n) === BigInt(KERNEL_CS) &&
      world.lab.readLong(core.index, frame - FRAME_GAP + 32n) === BigInt(KERNEL_DS);
    const live = copy ? frame - FRAME_GAP : frame;
    const cs = world.lab.readLong(core.index, live + 8n);
    const ss = world.lab.readLong(core.index, live + 32n);
    if (cs === BigInt(KERNEL_CS) && ss === BigInt(KERNEL_DS)) return;
    world.report({
      check: 'I6b',
      message: `the emulated call on CPU${core.index} wrote its return address over the saved ${cs === BigInt(KERNEL_CS) ? 'SS' : 'CS'} of the live #BP frame`,
      core: core.index,
      rip: core.rip,
    });
  }

  function onIret(frame: bigint, world: World, core: Core, depth: number): void {
    const { at, word } = level(core.index, depth - 1);
    const pushed = world.meta.getLong(at, word + FIELD.frame);
    if (frame !== pushed && frame !== pushed - FRAME_GAP) return;
    const site = world.sites[world.meta.get(at, word + FIELD.site) - 1] as Site;
    const ghost = world.meta.get(at, word + FIELD.ghost) !== 0;
    const before = {
      rsp: world.meta.getLong(at, word + FIELD.rsp),
      flags: world.meta.getLong(at, word + FIELD.flags),
      registers: world.meta.getLong(at, word + FIELD.registers),
    };
    for (let n = 0; n < LEVEL_WORDS; n++) world.meta.set(at, word + n, 0);
    world.meta.set(at, LEVELS * LEVEL_WORDS, depth - 1);
    if (ghost && core.rip === site.address && core.gpr(4) === before.rsp) return;
    world.witnessed.add('#BP handled and emulated');
    const fits = newEffects(site).some((e) => matches(world, core, site, e, before));
    const intact = registersHash(core) === before.registers && ((BigInt(core.rflags) ^ before.flags) & ~RF) === 0n;
    if (fits && intact) return;
    world.report({
      check: 'I11',
      message: `after the #BP at ${site.name} CPU${core.index} continues at ${world.lab.image.describe(core.rip)}${fits ? ' with other registers' : ''}, not as the new instruction would`,
      core: core.index,
      rip: core.rip,
    });
  }
}

/** What the site's later versions do, and what stands for them: emulation may be any of these. */
function newEffects(site: Site): Effect[] {
  return [...site.versions.slice(1), ...(site.emulated ?? [])].map((v) => effectOf(site, v));
}

/** The core as it was interrupted. */
interface Before {
  readonly rsp: bigint;
  readonly flags: bigint;
}

function matches(world: World, core: Core, site: Site, effect: Effect, { rsp, flags }: Before): boolean {
  const next = site.address + BigInt(site.versions[0]!.length);
  switch (effect.kind) {
    case 'next':
      return core.rip === next && core.gpr(4) === rsp;
    case 'jump':
      return core.rip === effect.target && core.gpr(4) === rsp;
    case 'call':
      return core.rip === effect.target && core.gpr(4) === rsp - 8n && world.lab.readLong(core.index, rsp - 8n) === next;
    case 'return':
      return core.gpr(4) === rsp + 8n && core.rip === world.lab.readLong(core.index, rsp);
    case 'branch':
      return core.rip === (conditionHolds(effect.condition, flags) ? effect.target : next) && core.gpr(4) === rsp;
    case 'zero':
      return core.rip === next && core.gpr(4) === rsp && core.gpr(0) === 0n;
    case 'trap':
      return false;
  }
}

/** All general registers but RSP, mixed. */
function registersHash(core: Core): bigint {
  let hash = 0xcbf29ce484222325n;
  for (let n = 0; n < 16; n++) if (n !== 4) hash = BigInt.asUintN(64, (hash ^ core.gpr(n)) * 0x100000001b3n + 0x9e37n);
  return hash;
}
