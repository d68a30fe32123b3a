import type { Checker } from '../../explore/checker.ts';
import { framesChecker, NESTED_WITNESS } from '../../explore/checkers/frames.ts';
import { Vector } from '../../isa/core-state.ts';
import { labWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';

interface NmiIret extends Variant {
  /** What the NMI handler calls. */
  readonly handler: 'nmi_plain' | 'nmi_int3' | 'nmi_sync_core';
  /** The instruction of sync_core(). */
  readonly sync?: 'SYNC_SERIALIZE';
  /** How many NMIs come. Default: three, so that one meets a repetition. */
  readonly nmis?: 2;
  /** The entry stub with the word, the copies and the repetition; and what of it is left out. */
  readonly nesting?: 'NESTING_RIGHT' | 'NESTING_DROPS' | 'NESTING_BLIND_TO_RSP' | 'NESTING_BLIND_TO_RIP';
}

const HISTORY = 'x86: Add workaround to NMI iret woes';

const SENT_MEANWHILE = 'an NMI is sent while one is handled';

/** Finds nothing: an NMI that is kept waiting is what a handler without IRET is about. */
const meanwhile: Checker = {
  name: 'meanwhile',
  onEvent(event, world) {
    if (event.kind !== 'ipi') return;
    if (event.targets.some((n) => world.machine.cores[n]?.small('nmiBlocked') === 1)) world.witnessed.add(SENT_MEANWHILE);
  },
};

/** An IRET inside the NMI handler lets the next NMI in, at the top of the same stack. */
export const nmiIret = defineScenario<NmiIret>({
  name: 'entry/nmi-iret',
  alias: 'B12',
  title: 'an IRET in the NMI handler lets another NMI in',
  story:
    'CPU0 sends NMIs to CPU1. NMIs are blocked until the next IRET, and an int3 or sync_core() inside the handler executes one. The next one then ' +
    'starts at the top of the same IST stack and destroys the frame through which the first must return. Linux lets the nested one destroy only a frame that ' +
    'was copied, and makes the first NMI begin again.',
  window: "from the IRET inside the NMI handler to the handler's own",
  image: 'entry',
  scope: 'one-victim',
  variants: [
    { name: 'no-iret', title: 'nothing in the handler executes an IRET', expected: 'ok', handler: 'nmi_plain' },
    { name: 'int3', title: 'the handler runs through an int3', expected: 'violation', shows: { check: 'I6b' }, handler: 'nmi_int3' },
    {
      name: 'sync-core',
      title: 'the handler calls sync_core(), an IRET to itself',
      expected: 'violation',
      shows: { check: 'I6b' },
      handler: 'nmi_sync_core',
    },
    {
      name: 'sync-core-serialize',
      title: 'the handler calls sync_core(), which is SERIALIZE',
      expected: 'ok',
      handler: 'nmi_sync_core',
      sync: 'SYNC_SERIALIZE',
    },
    {
      name: 'repeat.int3',
      title: 'copies of the frame, a nested NMI asks for a repetition; int3',
      expected: 'ok',
      history: HISTORY,
      handler: 'nmi_int3',
      nesting: 'NESTING_RIGHT',
      nmis: 2,
    },
    {
      name: 'repeat.sync-core',
      title: 'copies of the frame, a nested NMI asks for a repetition; sync_core()',
      expected: 'ok',
      history: HISTORY,
      handler: 'nmi_sync_core',
      nesting: 'NESTING_RIGHT',
    },
    {
      name: 'repeat.drops',
      title: 'a nested NMI returns and asks for nothing: it is lost',
      expected: 'violation',
      shows: { check: 'I13' },
      mutant: 'nested NMI: no repetition',
      handler: 'nmi_sync_core',
      nesting: 'NESTING_DROPS',
    },
    {
      name: 'repeat.blind-to-rsp',
      title: 'only the word tells a nested NMI, which the handler clears before it returns',
      expected: 'violation',
      shows: { check: 'I6b' },
      mutant: 'nested NMI: no look at the interrupted stack',
      handler: 'nmi_sync_core',
      nesting: 'NESTING_BLIND_TO_RSP',
    },
    {
      name: 'repeat.blind-to-rip',
      title: 'a nested NMI asks for a repetition while one is beginning',
      expected: 'violation',
      mutant: 'nested NMI: no look at the interrupted code',
      handler: 'nmi_sync_core',
      nesting: 'NESTING_BLIND_TO_RIP',
    },
  ],
  build(image, variant, cell, engine) {
    const world = labWorld(image, cell, { engine });
    const { lab } = world;
    const moved = { copy: lab.abi('NMI_COPY_AT'), taken: lab.abi('NMI_TAKEN_AT'), again: lab.symbol('repeat_nmi') };
    world.checkers.push(framesChecker(variant.nesting === undefined ? {} : { moves: new Map([[Vector.NMI, moved]]) }));
    world.checkers.push(meanwhile);
    world.wantedWitnesses = [SENT_MEANWHILE, ...(variant.nesting === undefined ? [] : [NESTED_WITNESS])];
    lab.configure({ nmi_fn: lab.symbol(variant.handler), int3_fn: lab.symbol('probe_handler') });
    if (variant.nmis !== undefined) lab.configure({ nmis: variant.nmis });
    if (variant.sync !== undefined) lab.configure({ sync_core_how: lab.abi(variant.sync) });
    if (variant.nesting !== undefined) {
      lab.setGate(Vector.NMI, 'asm_exc_nmi_linux', { type: 'interrupt', ist: 1 });
      lab.configure({ nmi_nesting: lab.abi(variant.nesting) });
    }
    world.add({ core: 0, entry: 'nmi_sender_main' });
    for (let core = 1; core <= cell.victims; core++)
      world.add({ core, entry: 'victim_main', calls: ['plain_fn'], interruptAnywhere: true });
    return world;
  },
});
