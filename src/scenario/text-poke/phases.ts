import type { World } from '../../explore/world.ts';
import type { Image } from '../../image/image.ts';
import type { Lab } from '../../kernel/lab.ts';
import type { EngineName } from '../../machine/machine.ts';
import { callTo, nop5 } from '../../patch/instructions.ts';
import { type BatchSwitches, textPokeBatch } from '../../patch/text-poke-batch.ts';
import { addVictims, labWorld, locLayout, textWorld } from '../lab-world.ts';
import type { SizedCell, Variant } from '../scenario.ts';
import { extent, type Sizes } from '../sizes.ts';

/** What a site held and will hold. */
export type Change = 'call-to-call' | 'nop-to-call' | 'call-to-nop';

/** A step of the protocol that is left out, moved or done wrong. */
export interface Mutant {
  readonly name: string;
  readonly title: string;
  readonly switches: BatchSwitches;
  /** What the handler gets wrong: a value of `cfg_emulate_wrong`. */
  readonly emulate?: 'EMULATE_OLD' | 'EMULATE_CALL_AS_JMP' | 'EMULATE_RIP_OFF_BY_ONE';
}

export const COMPLETE: Mutant = { name: 'complete', title: 'nothing left out', switches: {} };

/** One line each: the protocol with one thing wrong. */
export const MUTANTS: readonly Mutant[] = [
  { name: 'no-sync1', title: 'no SYNC after the INT3', switches: { sync1: false } },
  { name: 'no-sync2', title: 'no SYNC after the tail', switches: { sync2: false } },
  { name: 'no-final-sync', title: 'no SYNC after the first byte', switches: { finalSync: false } },
  { name: 'tail-first', title: 'the tail is written before the INT3', switches: { order: 'tail-first' } },
  { name: 'head-before-tail', title: 'the first byte is written before the tail', switches: { order: 'head-before-tail' } },
  { name: 'p3-before-sync2', title: 'the first byte is written before the second SYNC', switches: { order: 'p3-before-sync2' } },
  { name: 'descriptor-after-int3', title: 'the references are handed out after the INT3', switches: { publishLate: true } },
  { name: 'drain-before-head', title: 'the references are taken back before the first byte is written', switches: { drainEarly: true } },
  { name: 'emulate-old', title: 'the handler emulates the old instruction', switches: {}, emulate: 'EMULATE_OLD' },
];

/** Ways to get the emulation wrong that have nothing to do with where the site lies. */
export const EMULATION_MUTANTS: readonly Mutant[] = [
  { name: 'emulate-call-as-jmp', title: 'the handler pushes no return address', switches: {}, emulate: 'EMULATE_CALL_AS_JMP' },
  {
    name: 'emulate-rip-off-by-one',
    title: 'the handler takes the address of the int3 for the one behind it',
    switches: {},
    emulate: 'EMULATE_RIP_OFF_BY_ONE',
  },
];

export interface PhaseVariant extends Variant {
  readonly wrong: Mutant;
  readonly change: Change;
  /** Place of the site, as the image names it: `q0`, `q5`, `l61`, `p4093`. */
  readonly place: string;
}

/** What a variant says of its wrong step, if it has one. */
export const wrongStep = (wrong: Mutant): Pick<PhaseVariant, 'wrong' | 'mutant'> =>
  wrong === COMPLETE ? { wrong } : { wrong, mutant: `text poke: ${wrong.title}` };

/** The sizes of `phaseWorld`. */
export const PHASE_SIZES: Sizes = { calls: extent(1, 1, 3) };

/** The world of a three-phase poke of one site. */
export function phaseWorld(image: Image, variant: PhaseVariant, cell: SizedCell, engine: EngineName | undefined): World {
  const world = labWorld(image, cell, { engine });
  const { lab } = world;
  lab.configure({
    int3_handler: lab.abi('INT3_BP_REFS'),
    calls: cell.calls,
    emulate_wrong: lab.abi(variant.wrong.emulate ?? 'EMULATE_RIGHT'),
  });
  const wrapper = `site_${variant.change === 'nop-to-call' ? 'nop' : 'call'}_${variant.place}`;
  const site = lab.symbol(`${wrapper}_insn`);
  const old = lab.peek(site, 5);
  const bytes = variant.change === 'call-to-nop' ? nop5() : callTo(site, farTarget(lab, site));
  world.sites.push({ name: wrapper, address: site, versions: [old, bytes], final: 1 });
  const text = textWorld(lab);
  const layout = locLayout(lab);
  world.add({
    core: 0,
    entry: 'patcher_stub',
    patcher: () => textPokeBatch(text, layout, [{ site, name: wrapper, bytes, old }], variant.wrong.switches),
  });
  addVictims(world, cell, [wrapper]);
  return world;
}

/** The target whose displacement has another sign than target_a's: every byte of the tail changes, so that no mixture passes for one of the two. */
function farTarget(lab: Lab, site: bigint): bigint {
  return lab.symbol(lab.symbol('target_a') > site ? 'target_b' : 'target_d');
}
