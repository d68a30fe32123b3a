import { framesChecker, NESTED_WITNESS } from '../../explore/checkers/frames.ts';
import { Vector } from '../../isa/core-state.ts';
import { labWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';

interface Int3OnIst extends Variant {
  readonly stub: 'asm_exc_int3' | 'asm_exc_int3_ist' | 'asm_exc_int3_shift_ist';
  /** Where the second int3 comes from: what the #BP handler itself runs through, or an NMI that comes at any instruction. */
  readonly from: 'handler' | 'nmi';
}

const HISTORY = "x86/entry/64: Don't use IST entry for #BP stack";

/** An IST entry starts every #BP at the same address, also one that interrupts the handling of another. */
export const int3OnIst = defineScenario<Int3OnIst>({
  name: 'entry/int3-on-ist',
  alias: 'B11',
  title: 'a #BP on an IST stack overwrites a live frame',
  story:
    'A core takes the #BP of a probe on a stack from the IST. An int3 in what the handler calls, or in an NMI that comes meanwhile, starts at the same top ' +
    'and overwrites the live frame. Moving the IST entry while a handler runs leaves a window of a few instructions to NMIs. Without IST a #BP uses the stack ' +
    'that it interrupts.',
  window: 'from the delivery of the first #BP to its IRET',
  image: 'entry',
  scope: 'one-core',
  variants: [
    {
      name: 'ist.handler',
      title: 'on the IST; the handler runs through an int3',
      expected: 'violation',
      shows: { check: 'I6b' },
      stub: 'asm_exc_int3_ist',
      from: 'handler',
    },
    {
      name: 'ist.nmi',
      title: 'on the IST; an NMI runs through an int3',
      expected: 'violation',
      shows: { check: 'I6b' },
      stub: 'asm_exc_int3_ist',
      from: 'nmi',
    },
    {
      name: 'shift-ist.handler',
      title: 'the IST entry is moved while the handler runs, which runs through an int3',
      expected: 'ok',
      stub: 'asm_exc_int3_shift_ist',
      from: 'handler',
    },
    {
      name: 'shift-ist.nmi',
      title: 'the IST entry is moved while the handler runs; an NMI runs through an int3',
      expected: 'violation',
      shows: { check: 'I6b' },
      stub: 'asm_exc_int3_shift_ist',
      from: 'nmi',
    },
    {
      name: 'no-ist.handler',
      title: 'on the interrupted stack; the handler runs through an int3',
      expected: 'ok',
      history: HISTORY,
      stub: 'asm_exc_int3',
      from: 'handler',
    },
    {
      name: 'no-ist.nmi',
      title: 'on the interrupted stack; an NMI runs through an int3',
      expected: 'ok',
      history: HISTORY,
      stub: 'asm_exc_int3',
      from: 'nmi',
    },
  ],
  build(image, variant, cell, engine) {
    const world = labWorld(image, { ...cell, victims: 0 }, { engine });
    const { lab } = world;
    const ist = variant.stub === 'asm_exc_int3' ? 0 : lab.abi('DEBUG_IST');
    lab.setGate(Vector.BP, variant.stub, { type: 'interrupt', ist, dpl: 3 });
    lab.configure({ int3_fn: lab.symbol('probe_handler') });
    if (variant.from === 'handler') lab.configure({ probe_fn: lab.symbol('handler_probe_fn') });
    else lab.configure({ nmi_fn: lab.symbol('nmi_int3') });
    world.checkers.push(framesChecker());
    world.wantedWitnesses = [NESTED_WITNESS];
    world.add({
      core: 0,
      entry: 'victim_main',
      calls: ['checked_fn'],
      ...(variant.from === 'nmi' ? { pendingNmi: true, interruptAnywhere: true } : {}),
    });
    return world;
  },
});
