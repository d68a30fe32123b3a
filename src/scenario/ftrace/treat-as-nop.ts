import { replaceFtraceCode } from '../../patch/ftrace.ts';
import { addVictims, textWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { addSite, ftraceWorld, GENERIC, listOps, pokeSite, updateOf } from './fentry.ts';

interface TreatAsNop extends Variant {
  /** `cfg_ftrace_emulate`. */
  readonly emulate: 'FTRACE_CALL' | 'FTRACE_SKIP';
  /** The tracer starts: the livepatch's own trampoline gives way to the generic one; or it ends, the other way round. */
  readonly tracer: 'starts' | 'ends';
}

/** The bug that the thread "x86: Allow breakpoints to emulate call functions" was about. */
export const treatAsNop = defineScenario<TreatAsNop>({
  name: 'ftrace/treat-as-nop',
  alias: 'F3',
  title: 'an old body runs while its call changes',
  story:
    'klp_first and klp_second are live-patched: the trampoline that each calls first lets it go on in its new version. CPU0 starts the function tracer, so ' +
    'klp_first must call another trampoline. Until v5.2 the #BP handler stepped over the call meanwhile, which runs the old body; the same task then calls ' +
    'the new klp_second. Emulating a call of the generic trampoline is right whatever the bytes say: it asks every client, the livepatch too.',
  window: 'while the fentry site of a patched function holds INT3',
  image: 'ftrace',
  scope: 'two-victims',
  variants: [
    {
      name: 'skip',
      title: 'the handler steps over the call, as before v5.2',
      expected: 'violation',
      shows: { check: "I4'" },
      emulate: 'FTRACE_SKIP',
      tracer: 'starts',
    },
    {
      name: 'emulate-call',
      title: 'the handler emulates a call of the generic trampoline',
      expected: 'ok',
      emulate: 'FTRACE_CALL',
      tracer: 'starts',
      history: 'ftrace/x86_64: Emulate call function while updating in breakpoint handler',
    },
    {
      name: 'skip-end',
      title: 'the tracer ends: the handler steps over the call',
      expected: 'violation',
      shows: { check: "I4'" },
      emulate: 'FTRACE_SKIP',
      tracer: 'ends',
    },
    {
      name: 'emulate-other-call',
      title: 'the tracer ends: what is emulated is not what is being written',
      expected: 'ok',
      emulate: 'FTRACE_CALL',
      tracer: 'ends',
    },
  ],
  build(image, variant, cell, engine) {
    const world = ftraceWorld(image, cell, engine);
    const { lab } = world;
    lab.configure({ ftrace_emulate: lab.abi(variant.emulate), calls: 1 });
    listOps(world, 'klp_ops', 'tracer_ops_a');
    if (variant.tracer === 'ends') pokeSite(world, updateOf(world, 'klp_first', GENERIC));
    const update = updateOf(world, 'klp_first', variant.tracer === 'starts' ? GENERIC : 'klp_trampoline');
    addSite(world, [update]);
    world.wantedWitnesses = ['old bytes executed', 'new bytes executed', 'the new versions ran', '#BP handled and emulated'];
    // That stepping over a call is not what the call does, I11 says before the task comes to its second function.
    if (variant.emulate === 'FTRACE_SKIP')
      world.checkers.splice(
        world.checkers.findIndex((c) => c.name === 'emulation'),
        1,
      );
    const text = textWorld(lab);
    world.add({ core: 0, entry: 'patcher_stub', patcher: () => replaceFtraceCode(text, [update], {}) });
    addVictims(world, cell, ['klp_task_fn']);
    return world;
  },
});
