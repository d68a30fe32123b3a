import { INT3 } from '../../patch/instructions.ts';
import { labWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { updateOf } from './fentry.ts';

interface PerCpuScratch extends Variant {
  /** `cfg_emulate_sets`. */
  readonly sets: 'SETS_ONE' | 'SETS_PER_LEVEL';
  readonly nested: 'nmi' | 'interrupt';
  readonly lateSti?: true;
}

/** The alternative to a stack gap that was rejected. */
export const perCpuScratch = defineScenario<PerCpuScratch>({
  name: 'ftrace/per-cpu-scratch',
  alias: 'F5',
  title: 'an NMI takes a #BP while a call is emulated',
  story:
    'The #BP handler cannot push below the interrupted stack pointer, so it leaves return address and target in per-CPU words and returns to a helper that pushes the ' +
    'one and jumps to the other. An NMI in between runs into another int3 and uses the same words: the helper goes to the target of the wrong site. ' +
    'Interrupts are kept out by the shadow of STI; NMIs are not. Each context needs words of its own.',
  window: "from the handler's stores into the scratch words to the helper's last read of them",
  image: 'ftrace',
  scope: 'one-core',
  variants: [
    {
      name: 'one-set',
      title: 'one set of words for a core, an NMI comes',
      expected: 'violation',
      shows: { check: 'I7' },
      sets: 'SETS_ONE',
      nested: 'nmi',
    },
    { name: 'set-per-level', title: 'a set for each context, an NMI comes', expected: 'ok', sets: 'SETS_PER_LEVEL', nested: 'nmi' },
    {
      name: 'sti-shadow',
      title: 'one set, an interrupt comes: STI lets it in behind the jump',
      expected: 'ok',
      sets: 'SETS_ONE',
      nested: 'interrupt',
    },
    {
      name: 'late-sti',
      title: 'one set, an interrupt comes: STI in front of the push',
      expected: 'violation',
      shows: { check: 'I7' },
      sets: 'SETS_ONE',
      nested: 'interrupt',
      lateSti: true,
    },
  ],
  build(image, variant, cell, engine) {
    const world = labWorld(image, cell, { engine });
    const { lab } = world;
    lab.configure({
      int3_fn: lab.symbol('ftrace_scratch_int3_handler'),
      emulate_sets: lab.abi(variant.sets),
      emulate_late_sti: variant.lateSti === true ? 1 : 0,
      nmi_fn: lab.symbol('scratch_nmi_fn'),
      irq_fn: lab.symbol('scratch_irq_fn'),
    });
    const updates = [updateOf(world, 'site_call_q0', 'target_b'), updateOf(world, 'site_call_q5', 'target_c')];
    lab.setJobs(updates.map((u) => ({ ...u, old: lab.peek(u.site, 5) })));
    // As between the first and the second SYNC of a change of both sites, for as long as it takes.
    for (const { site } of updates) lab.poke(site, 1, BigInt(INT3));
    lab.poke(lab.symbol('modifying_ftrace_code'), 4, 1n);
    world.wantedWitnesses = ['a call was emulated in a handler', 'a new target was reached'];
    world.add({
      core: 0,
      entry: 'victim_main',
      calls: ['scratch_task_fn'],
      interruptAnywhere: true,
      ...(variant.nested === 'nmi' ? { pendingNmi: true } : { pendingInterrupt: lab.abi('LAB_IRQ_VECTOR') }),
    });
    return world;
  },
});
