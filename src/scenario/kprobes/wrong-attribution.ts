import { defineScenario, type Variant } from '../scenario.ts';
import { kprobeWorld, probeAndCall, probeSite } from './kprobe-world.ts';

interface WrongAttribution extends Variant {
  readonly ssDone: 'SS_DONE_ALWAYS' | 'SS_DONE_WITH_POST_HANDLER';
  readonly postHandler?: true;
}

/** The status of a step that is over, and the next int3 of somebody else. */
export const wrongAttribution = defineScenario<WrongAttribution>({
  name: 'kprobes/wrong-attribution',
  alias: 'K4',
  title: "another's int3 is taken for the end of a step",
  story:
    'A step ends with the INT3 behind the copy, which no probe owns: that status is KPROBE_HIT_SS tells it from all others. Where the probe has no ' +
    'post_handler the status stayed so when the step was over. The next int3 of another user is then taken for the end of a step, of a probe that is no ' +
    'more: its record is read through a null pointer.',
  window: 'from the end of a step to the next int3 of somebody else',
  image: 'kprobes',
  scope: 'one-core',
  variants: [
    {
      name: 'status-left',
      title: 'no post_handler: the status stays at KPROBE_HIT_SS',
      expected: 'violation',
      shows: { check: 'exception' },
      ssDone: 'SS_DONE_WITH_POST_HANDLER',
    },
    {
      name: 'post-handler',
      title: 'the same with a post_handler',
      expected: 'ok',
      ssDone: 'SS_DONE_WITH_POST_HANDLER',
      postHandler: true,
    },
    {
      name: 'status-updated',
      title: 'the status is KPROBE_HIT_SSDONE behind every step',
      expected: 'ok',
      ssDone: 'SS_DONE_ALWAYS',
      history: 'x86/kprobes: Update kcb status flag after singlestepping',
    },
  ],
  build(image, variant, cell, engine) {
    const world = kprobeWorld(image, cell, { engine, step: 'int3' });
    world.lab.configure({ kprobe_ss_done: world.lab.abi(variant.ssDone) });
    probeAndCall(world, [probeSite(world, 'probed_fn', { postHandler: variant.postHandler === true })], ['probed_fn', 'int3_selftest']);
    world.wantedWitnesses = ['a step was completed', 'an int3 of another user'];
    return world;
  },
});
