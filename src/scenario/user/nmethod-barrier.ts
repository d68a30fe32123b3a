import type { Site } from '../../explore/site.ts';
import { kernelWorld } from '../kernel-world.ts';
import { defineScenario, underPolicies, type Variant } from '../scenario.ts';

interface NmethodBarrier extends Variant {
  /** When the slow path serializes; undefined: the mutator stands at a safepoint instead. */
  readonly fence: 'FENCE_NEVER' | 'FENCE_IF_ARMED' | 'FENCE_ALWAYS' | undefined;
  /** The thread never takes the comparison for disarmed: the fast path is out of the picture. */
  readonly alwaysSlow?: true;
}

/** Nothing is stale. */
const COHERENT_ONLY = underPolicies(['coherent', 'zen3'], 'ok', 'violation');
/** The comparison itself changes under whoever fetches it, which amd-apm allows: one store inside one quadword. */
const WITHOUT_RACES = underPolicies(['intel-sdm', 'strict'], 'violation', 'ok');

const FOUND_DISARMED = 'the slow path finds the method disarmed';
const FOUND_ARMED = 'the slow path finds the method armed';

/** An instruction that is compared as code and read as data. */
export const nmethodBarrier = defineScenario<NmethodBarrier>({
  name: 'user/nmethod-barrier',
  alias: 'B41',
  title: 'a barrier is disarmed as data; stale code runs',
  story:
    'A compiled method begins with a comparison whose immediate the collector patches. CPU0 patches an oop in the code, then the immediate: disarmed. CPU1 ' +
    'fetched the armed comparison, goes the slow path, loads the immediate as data, finds it disarmed and enters. Nothing orders a load before a later fetch ' +
    'but a serializing instruction: it may run the code with the old oop.',
  window: 'between the load of the guard as data and the fetch of the method',
  image: 'user',
  scope: 'one-victim',
  variants: [
    {
      name: 'no-fence',
      title: 'the slow path serializes nothing',
      expected: COHERENT_ONLY,
      fence: 'FENCE_NEVER',
    },
    {
      name: 'fence-if-armed',
      title: 'the slow path executes CPUID where it had to wait',
      expected: COHERENT_ONLY,
      history: '8310239: Add missing cross modifying fence in nmethod entry barriers',
      fence: 'FENCE_IF_ARMED',
    },
    {
      name: 'fence',
      title: 'the slow path always executes CPUID',
      expected: COHERENT_ONLY,
      catalogue: {
        expected: WITHOUT_RACES,
        reason:
          'the fast path leans on stores to two quadwords becoming visible to fetch in program order; amd-apm keeps an order inside one quadword only',
      },
      history: '8334890: Missing unconditional cross modifying fence in nmethod entry barriers',
      fence: 'FENCE_ALWAYS',
    },
    {
      name: 'slow.no-fence',
      title: 'every entry takes the slow path, which serializes nothing',
      expected: COHERENT_ONLY,
      fence: 'FENCE_NEVER',
      alwaysSlow: true,
    },
    {
      name: 'slow.fence-if-armed',
      title: 'every entry takes the slow path, which executes CPUID where it had to wait',
      expected: COHERENT_ONLY,
      fence: 'FENCE_IF_ARMED',
      alwaysSlow: true,
    },
    {
      name: 'slow.fence',
      title: 'every entry takes the slow path, which always executes CPUID',
      expected: WITHOUT_RACES,
      fence: 'FENCE_ALWAYS',
      alwaysSlow: true,
    },
    { name: 'safepoint', title: 'the mutator stands while code is patched, then executes CPUID', expected: 'ok', fence: undefined },
  ],
  build(image, variant, cell, engine) {
    const world = kernelWorld(image, cell, { engine });
    const { lab } = world;
    const site = (name: string, bytes: number, immediate: number, value: number): Site => {
      const address = lab.symbol(name);
      const old = lab.peek(address, bytes);
      const fresh = Uint8Array.from(old);
      fresh[immediate] = value;
      return { name, address, versions: [old, fresh], final: 1 };
    };
    world.sites.push(site('nmethod_guard', 8, 4, lab.abi('NMETHOD_DISARMED')), site('nmethod_oop', 5, 1, lab.abi('OOP_TO')));
    if (variant.fence === undefined) {
      world.wantedWitnesses = ['new bytes executed'];
      world.add({ core: 0, entry: 'parking_collector_main' });
      for (let core = 1; core <= cell.victims; core++) world.add({ core, entry: 'parked_mutator_main' });
      return world;
    }
    lab.poke(lab.symbol('nmethod_fence'), 4, BigInt(lab.abi(variant.fence)));
    if (variant.alwaysSlow === true) lab.poke(lab.symbol('nmethod_thread'), 4, 0n);
    world.wantedWitnesses = ['old bytes executed', 'new bytes executed', FOUND_DISARMED, FOUND_ARMED];
    world.add({ core: 0, entry: 'collector_main' });
    for (let core = 1; core <= cell.victims; core++) world.add({ core, entry: 'mutator_main' });
    return world;
  },
});
