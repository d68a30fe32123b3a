import { registerKprobe, type UnregisterSwitches, unregisterKprobe } from '../../patch/kprobes.ts';
import { addTasks } from '../kernel-world.ts';
import { textWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { kprobeWorld, probeSite } from './kprobe-world.ts';

interface GhostProbe extends Variant {
  readonly switches: UnregisterSwitches;
  /** An int3 without a probe that is gone from memory is taken for none. */
  readonly recheck?: true;
  /** Another probe in the same bucket of the table stays. */
  readonly neighbour?: true;
}

/** The way out of a probe, and a #BP that began before it. */
export const ghostProbe = defineScenario<GhostProbe>({
  name: 'kprobes/ghost-probe',
  alias: 'K5',
  title: 'a late #BP finds no probe',
  story:
    'CPU0 unregisters the probe on probed_fn(): restores the byte, takes the probe out of the table, waits for a grace period and frees it. CPU1 fetched ' +
    'the cc before that and looks the address up when the probe is gone: nobody claims the #BP. A SYNC behind the restored byte waits for every ' +
    'handler, since they run with interrupts off; the grace period is for those who walk over the probe to another one.',
  window: 'from the fetch of the INT3 to the look-up of the probe',
  image: 'kprobes',
  scope: 'one-victim',
  variants: [
    {
      name: 'complete',
      title: 'restore, SYNC, unhash, grace period, free',
      expected: 'ok',
      switches: {},
      history: 'x86/kprobes: Fix ordering while text-patching',
    },
    {
      name: 'no-sync',
      title: 'no SYNC behind the restored byte',
      expected: 'violation',
      shows: { check: 'I1' },
      switches: { sync: false },
    },
    {
      name: 'unhash-first',
      title: 'out of the table before the byte is restored',
      expected: 'violation',
      shows: { check: 'I1' },
      switches: { order: 'unhash-first' },
      mutant: 'kprobes: unhash before restore+SYNC',
    },
    {
      name: 'recheck',
      title: 'no SYNC, but a #BP without a probe looks whether the int3 is gone',
      expected: 'ok',
      switches: { sync: false },
      recheck: true,
    },
    {
      name: 'unhash-first-recheck',
      title: 'out of the table first, and the handler looks whether the int3 is gone',
      expected: 'violation',
      shows: { check: 'I1' },
      switches: { order: 'unhash-first' },
      recheck: true,
    },
    { name: 'neighbour', title: 'another probe of the same bucket is hit meanwhile', expected: 'ok', switches: {}, neighbour: true },
    {
      name: 'neighbour-no-grace-period',
      title: 'the same, freed without a grace period',
      expected: 'violation',
      shows: { check: 'I5' },
      switches: { gracePeriod: false },
      neighbour: true,
    },
  ],
  build(image, variant, cell, engine) {
    const world = kprobeWorld(image, cell, { engine });
    const { lab } = world;
    lab.configure({ kprobe_recheck: variant.recheck === true ? 1 : 0 });
    const text = textWorld(lab);
    const probe = probeSite(world, 'probed_fn', { stays: false });
    const neighbour = variant.neighbour === true ? probeSite(world, 'irq_probed_fn') : undefined;
    world.add({
      core: 0,
      entry: 'patcher_stub',
      *patcher() {
        // The last one in is the first of its bucket: whoever looks for the neighbour comes by.
        if (neighbour !== undefined) yield* registerKprobe(text, neighbour);
        const kprobe = yield* registerKprobe(text, probe);
        yield { do: 'call', address: text.symbol('end_boot'), what: 'end_boot' };
        yield* unregisterKprobe(text, probe, kprobe, variant.switches);
      },
    });
    addTasks(world, cell, ['wait_for_boot', variant.neighbour === true ? 'irq_probed_fn' : 'probed_fn']);
    world.wantedWitnesses = ['a handler ran', 'a step was completed', ...(variant.neighbour === true ? [] : ['old bytes executed'])];
    return world;
  },
});
