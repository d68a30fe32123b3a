import type { World } from '../../explore/world.ts';
import type { Image } from '../../image/image.ts';
import type { Lab } from '../../kernel/lab.ts';
import {
  type BpfSite,
  type BpfText,
  bpfText,
  type LoadSwitches,
  loadProgram,
  type PokeDescriptor,
  type ProgArray,
  progArrayUpdate,
  type TailCallKernel,
  type TailCallSwitches,
} from '../../patch/bpf.ts';
import { pokeWriter } from '../../patch/site-writer.ts';
import type { Part } from '../../patch/text-poke.ts';
import { addTasks, kernelWorld } from '../kernel-world.ts';
import { locLayout, textWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';

interface TailCallPoke extends Variant {
  readonly switches: TailCallSwitches & LoadSwitches;
  /** The program is loaded meanwhile, by a second patching core. */
  readonly loading?: true;
}

const LOOKED_UP = 'bpf: Fix prog_array_map_poke_run map poke update';

/** Two sites, one after the other on the way of whoever runs the program. */
export const tailCallPoke = defineScenario<TailCallPoke>({
  name: 'bpf/tail-call-poke',
  alias: 'B31',
  title: 'a tail call is closed between its two sites',
  story:
    'A direct tail call has two sites: bypass jumps over it or lets through, target is a NOP or jumps to the program. In between the frame is unwound. CPU0 ' +
    'inserts a program into the map and removes it; CPU1 runs the caller. Who passed the bypass must find a target, so target is set before the bypass opens, ' +
    'and taken away a grace period after it closed. A program that is being loaded gets what the map holds at that moment, and every update behind it.',
  window: 'between the fetch of the bypass and the fetch of the target',
  image: 'bpf',
  scope: 'one-victim',
  variants: [
    { name: 'complete', title: 'target, bypass; bypass, synchronize_rcu(), target', expected: 'ok', switches: {} },
    {
      name: 'no-grace-period',
      title: 'the removal does not wait between its pokes',
      expected: 'violation',
      shows: { check: 'assertion' },
      mutant: 'BPF: no synchronize_rcu() between the two tail-call pokes',
      switches: { noGracePeriod: true },
    },
    {
      name: 'bypass-first',
      title: 'the insertion opens the bypass first',
      expected: 'violation',
      shows: { check: 'assertion' },
      mutant: 'BPF: swap order of the two tail-call pokes',
      switches: { bypassFirst: true },
    },
    {
      name: 'target-first',
      title: 'the removal takes the target away first',
      expected: 'violation',
      shows: { check: 'assertion' },
      mutant: 'BPF: swap order of the two tail-call pokes',
      switches: { targetFirst: true },
    },
    {
      name: 'loading.look-up',
      title: 'while the program is loaded; an update of text that is not known yet is skipped',
      expected: 'violation',
      shows: { check: 'I12' },
      switches: { lookUp: true },
      loading: true,
    },
    {
      name: 'loading.stable-first',
      title: 'while the program is loaded; its descriptor counts as stable too early',
      expected: 'violation',
      shows: { check: 'I12' },
      mutant: 'BPF: stable before the fixup',
      switches: { stableFirst: true },
      loading: true,
    },
    {
      name: 'loading.complete',
      title: 'while the program is loaded; stable last, and no look-up',
      expected: 'ok',
      history: LOOKED_UP,
      switches: {},
      loading: true,
    },
  ],
  build(image, variant, cell, engine) {
    const loading = variant.loading === true;
    // The second patching core is number 1, in front of the victims.
    const world = kernelWorld(image, loading ? { ...cell, victims: cell.victims + 1 } : cell, { engine });
    const { lab } = world;
    lab.configure({ int3_handler: lab.abi('INT3_BP_REFS') });
    const poke = descriptor(lab);
    addSites(world, image, poke);
    const text: BpfText = { world: textWorld(lab), write: pokeWriter(textWorld(lab), locLayout(lab)) };
    const kernel: TailCallKernel = { synchronizeRcu: lab.symbol('synchronize_rcu'), bug: lab.symbol('bpf_bug') };
    const array: ProgArray = {
      element: lab.symbol('prog_array_ptr'),
      stable: lab.symbol('tailcall_target_stable'),
      ksym: lab.symbol('bpf_ksym_added'),
    };
    function* updates(): Part {
      yield* progArrayUpdate(text, kernel, poke, array, lab.symbol('bpf_prog_b'), variant.switches);
      yield* progArrayUpdate(text, kernel, poke, array, 0n, variant.switches);
    }
    world.add({ core: 0, entry: 'patcher_stub', patcher: updates });
    if (loading) {
      world.add({ core: 1, entry: 'patcher_stub', patcher: () => loadProgram(text, kernel, poke, array, variant.switches) });
      world.wantedWitnesses = ['tail call', 'no tail call'];
      for (let core = 2; core <= cell.victims + 1; core++) world.add({ core, entry: 'victim_task_main', calls: ['bpf_prog_run_loaded'] });
      return world;
    }
    lab.poke(array.stable, 4, 1n);
    lab.poke(array.ksym, 4, 1n);
    world.wantedWitnesses = ['tail call', 'no tail call', '#BP handled and emulated'];
    addTasks(world, cell, ['bpf_prog_run']);
    return world;
  },
});

function descriptor(lab: Lab): PokeDescriptor {
  const site = (name: string): BpfSite => ({ address: lab.symbol(name), name, type: 'jump' });
  return { bypass: site('tailcall_bypass'), target: site('tailcall_target'), bypassAddress: lab.symbol('bypass_addr') };
}

/** Both end as they began; a #BP may be emulated as either form. */
function addSites(world: World, image: Image, poke: PokeDescriptor): void {
  const closed = bpfText(poke.bypass, poke.bypassAddress);
  const nop = bpfText(poke.target, 0n);
  const jump = bpfText(poke.target, image.symbol('bpf_prog_b').address);
  const { bypass, target } = poke;
  world.sites.push({ name: bypass.name, address: bypass.address, versions: [closed, nop], final: 0, emulated: [closed] });
  world.sites.push({ name: target.name, address: target.address, versions: [nop, jump], final: 0, emulated: [nop] });
}
