import { defineScenario, type Variant } from '../scenario.ts';
import { kprobeWorld, probeAndCall, probeSite, type StepEra } from './kprobe-world.ts';

interface ReenterBug extends Variant {
  readonly step: StepEra;
  readonly bust?: true;
  readonly deep?: true;
  readonly blacklist?: true;
}

/** Probes on the way of the step itself and on the way of the oops that follows. */
export const reenterBug = defineScenario<ReenterBug>({
  name: 'kprobes/reenter-bug',
  alias: 'K2',
  title: 'recursion ends in a BUG, and the BUG recurses',
  story:
    'probed_fn() is stepped with the trap flag; the #DB behind it calls debug_read_clear_dr6(), which is probed as well: one level can be kept aside. ' +
    'Stepping that copy takes a #DB again, and the same probe: the status is KPROBE_REENTER and nothing is left but BUG(). The oops path calls ' +
    'oops_begin(), probed too: a #BP with KPROBE_REENTER, a BUG, an oops, without end. Disarming every probe at the beginning of an oops lets it be ' +
    'printed; it cannot bring the interrupted code back.',
  window: 'between the step of a probe and the end of its #DB',
  image: 'kprobes',
  scope: 'one-core',
  variants: [
    { name: 'no-bust', title: 'an oops leaves the probes armed', expected: 'violation', shows: { check: 'I6' }, step: 'tf' },
    {
      name: 'no-bust-to-the-guard-page',
      title: 'the same until the stack ends',
      expected: 'violation',
      shows: { check: 'I6' },
      step: 'tf',
      deep: true,
    },
    {
      name: 'bust',
      title: 'an oops disarms every probe first: it is told, and the core is lost',
      expected: 'violation',
      shows: { check: 'assertion' },
      step: 'tf',
      bust: true,
    },
    {
      name: 'int3-step',
      title: 'an INT3 behind the copy ends the step: no #DB, and nothing on its way',
      expected: 'ok',
      step: 'int3',
      history: 'x86/kprobes: Use int3 instead of debug trap for single-step',
    },
    { name: 'noinstr', title: 'the #DB path is noinstr and registration refuses it', expected: 'ok', step: 'tf', blacklist: true },
  ],
  build(image, variant, cell, engine) {
    const world = kprobeWorld(image, cell, { engine, step: variant.step, deep: variant.deep === true });
    world.lab.configure({ bust_kprobes: variant.bust === true ? 1 : 0, kprobe_blacklist: variant.blacklist === true ? 1 : 0 });
    const probes = [
      probeSite(world, 'probed_fn'),
      probeSite(world, 'debug_read_clear_dr6', { stays: variant.blacklist !== true }),
      probeSite(world, 'oops_begin'),
    ];
    probeAndCall(world, probes, ['probed_fn']);
    world.wantedWitnesses = ['a handler ran', 'a step was completed', ...(variant.blacklist === true ? ['a probe was refused'] : [])];
    return world;
  },
});
