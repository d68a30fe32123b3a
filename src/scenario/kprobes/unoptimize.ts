import { optimizeKprobe, registerOptprobe, unoptimizeKprobe } from '../../patch/kprobes.ts';
import { addTasks } from '../kernel-world.ts';
import { textWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { kprobeLayout, kprobeWorld, optimizedSite, type StepEra } from './kprobe-world.ts';

interface Unoptimize extends Variant {
  readonly flag: 'last' | 'first';
  readonly step: StepEra;
}

/** An optimised probe becomes an armed one again. */
export const unoptimize = defineScenario<Unoptimize>({
  name: 'kprobes/unoptimize',
  alias: 'B21',
  title: 'the flag is cleared before the bytes are back',
  story:
    'A jump to a detour covers 55, 48 89 e5 and most of 41 57. CPU0 makes it an armed probe again: INT3, SYNC, the original tail. A #BP meanwhile must go ' +
    'to the detour: with KPROBE_FLAG_OPTIMIZED cleared too early it steps a copy of the first instruction and goes on at the second, where the ' +
    "jump's displacement still lies.",
  window: 'between the INT3 over the jump and the last restored byte',
  image: 'kprobes',
  scope: 'one-victim',
  variants: [
    {
      name: 'flag-last',
      title: 'KPROBE_FLAG_OPTIMIZED is cleared when the tail is back',
      expected: 'ok',
      flag: 'last',
      step: 'tf',
      history: 'kprobes: Set unoptimized flag after unoptimizing code',
    },
    { name: 'flag-last-int3', title: 'the same with an INT3 behind the copy', expected: 'ok', flag: 'last', step: 'int3' },
    {
      name: 'flag-first',
      title: 'KPROBE_FLAG_OPTIMIZED is cleared first',
      expected: 'violation',
      shows: { check: 'I2' },
      flag: 'first',
      step: 'tf',
      mutant: 'kprobes: clear OPTIMIZED first',
    },
  ],
  build(image, variant, cell, engine) {
    const world = kprobeWorld(image, cell, { engine, step: variant.step });
    const text = textWorld(world.lab);
    const layout = kprobeLayout(world);
    const probe = optimizedSite(world, 1);
    world.add({
      core: 0,
      entry: 'patcher_stub',
      *patcher() {
        const kprobe = yield* registerOptprobe(text, probe);
        yield* optimizeKprobe(text, probe, kprobe, layout, { wait: 'none' });
        yield { do: 'call', address: text.symbol('end_boot'), what: 'end_boot' };
        yield* unoptimizeKprobe(text, probe, kprobe, layout, { flag: variant.flag });
      },
    });
    addTasks(world, cell, ['wait_for_boot', 'opt_probed_fn']);
    world.wantedWitnesses = ['the detour ran', 'a #BP was taken to the detour', 'a step was completed'];
    return world;
  },
});
