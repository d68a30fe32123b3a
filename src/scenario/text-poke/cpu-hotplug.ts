import { callTo } from '../../patch/instructions.ts';
import { locked } from '../../patch/mutex.ts';
import type { Part } from '../../patch/text-poke.ts';
import { type BatchSwitches, textPokeBatch } from '../../patch/text-poke-batch.ts';
import { labWorld, locLayout, textWorld } from '../lab-world.ts';
import { defineScenario, underPolicies, type Variant } from '../scenario.ts';

interface CpuHotplug extends Variant {
  /** What the other core does meanwhile: comes up, or goes down. */
  readonly core: 'up' | 'down';
  /** Switches of the guest: `cfg_` fields of the image. */
  readonly guest: Readonly<Record<string, string | number>>;
  readonly switches?: BatchSwitches;
}

/** In one cache line zen3 fetches as coherent does. */
const STALE_ONLY = underPolicies(['coherent', 'zen3'], 'ok', 'violation');

/** A SYNC reaches the cores that are online when it looks. */
export const cpuHotplug = defineScenario<CpuHotplug>({
  name: 'text-poke/cpu-hotplug',
  alias: 'B05',
  title: 'a core comes or goes between two SYNCs',
  story:
    'CPU0 reads cpu_online_mask for each SYNC and sends its IPI to those cores. A core that comes up behind that has to serialize by itself before it runs ' +
    'patched text, and behind the moment at which it is in the mask: else a SYNC can miss it, and what it has fetched before is what it runs. A core that has left the mask must run ' +
    'nothing more.',
  window: "between a core's change of the online mask and its last fetch of the site",
  image: 'patching',
  scope: 'two-victims',
  variants: [
    {
      name: 'up-serializes',
      title: 'a core that comes up serializes when it is online',
      expected: 'ok',
      core: 'up',
      guest: { up_serialize: 'UP_AFTER_ONLINE' },
    },
    {
      name: 'up-serializes-early',
      title: 'a core that comes up serializes before it is online',
      expected: STALE_ONLY,
      core: 'up',
      guest: { up_serialize: 'UP_BEFORE_ONLINE' },
    },
    {
      name: 'up-under-lock',
      title: 'the same, and cores come up under the lock that a batch holds',
      expected: 'ok',
      core: 'up',
      guest: { up_serialize: 'UP_BEFORE_ONLINE', hotplug_lock: 1 },
    },
    {
      name: 'up-never-serializes',
      title: 'a core that comes up does not serialize',
      expected: STALE_ONLY,
      core: 'up',
      guest: { up_serialize: 'UP_NEVER' },
    },
    {
      name: 'unless-alone',
      title: 'no SYNC while one core is online, as in the old ftrace: the other one serializes when it comes up',
      expected: 'ok',
      core: 'up',
      guest: { up_serialize: 'UP_AFTER_ONLINE' },
      switches: { unlessAlone: true },
    },
    { name: 'down', title: 'a core that goes down runs nothing more when it is offline', expected: 'ok', core: 'down', guest: {} },
    {
      name: 'down-runs-on',
      title: 'a core that has left the mask runs the site again',
      expected: 'violation',
      core: 'down',
      guest: { down_runs_on: 1 },
    },
  ],
  build(image, variant, cell, engine) {
    const world = labWorld(image, cell, { engine });
    const { lab } = world;
    const switches = Object.entries(variant.guest).map(([k, v]) => [k, typeof v === 'number' ? v : lab.abi(v)] as const);
    lab.configure({ int3_handler: lab.abi('INT3_BP_REFS'), ...Object.fromEntries(switches) });
    const site = lab.symbol('site_call_q0_insn');
    const old = lab.peek(site, 5);
    const change = { site, name: 'site_call_q0', old, bytes: callTo(site, lab.symbol('target_b')) };
    world.sites.push({ name: change.name, address: site, versions: [old, change.bytes], final: 1 });
    const onlineMask = lab.symbol('cpu_online_mask');
    lab.poke(onlineMask, 8, variant.core === 'up' ? 1n : (1n << BigInt(cell.victims + 1)) - 1n);
    const text = { ...textWorld(lab), onlineMask };
    const layout = locLayout(lab);
    const batch = (): Part => textPokeBatch(text, layout, [change], variant.switches ?? {});
    const underLock = variant.guest.hotplug_lock === 1;
    world.add({ core: 0, entry: 'patcher_stub', patcher: () => (underLock ? locked(text, 'cpu_hotplug_lock', batch()) : batch()) });
    for (let core = 1; core <= cell.victims; core++) world.add({ core, entry: `cpu_${variant.core}_main`, calls: [change.name] });
    return world;
  },
});
