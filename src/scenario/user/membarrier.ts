import type { Site } from '../../explore/site.ts';
import { kernelWorld } from '../kernel-world.ts';
import { defineScenario, underPolicies, type Variant } from '../scenario.ts';

interface Membarrier extends Variant {
  /** The IPI handler calls sync_core(). */
  readonly sync: boolean;
  /** The thread that the IPI interrupts loses the core to one that waits in a system call. */
  readonly resched: boolean;
}

const THROUGH_SYSRET = 'a thread leaves the kernel through SYSRET';

/** An IPI does not serialize; what it returns through does, or does not. */
export const membarrier = defineScenario<Membarrier>({
  name: 'user/membarrier',
  alias: 'B39',
  title: 'membarrier() leans on IRET; the core SYSRETs',
  story:
    'A JIT thread on CPU0 writes code and calls membarrier(), which sends an IPI to CPU1 and waits for the answer. CPU1 runs two threads of the same process. ' +
    'The IRET at the end of the IPI serializes; but when the interrupted thread loses the core to one that sleeps in a system call, that one leaves the ' +
    'kernel through SYSRET, which does not, and runs the old code. sync_core() in the handler closes this.',
  window: 'from the return of membarrier() to the next serializing instruction of the core',
  image: 'user',
  scope: 'one-victim',
  variants: [
    {
      name: 'sync-core',
      title: 'the IPI handler calls sync_core(), the other thread goes on through SYSRET',
      expected: 'ok',
      history: 'membarrier: Explicitly sync remote cores when SYNC_CORE is requested',
      sync: true,
      resched: true,
    },
    {
      name: 'no-sync',
      title: 'the IPI handler serializes nothing, the other thread goes on through SYSRET',
      expected: underPolicies(['coherent', 'zen3'], 'ok', 'violation'),
      sync: false,
      resched: true,
    },
    { name: 'no-sync.iret', title: 'the IPI handler serializes nothing, its IRET does', expected: 'ok', sync: false, resched: false },
  ],
  build(image, variant, cell, engine) {
    const world = kernelWorld(image, cell, { engine });
    const { lab } = world;
    lab.setGate(lab.abi('MEMBARRIER_VECTOR'), 'asm_sysvec_membarrier', { type: 'interrupt' });
    const address = lab.symbol('jit_fn');
    const old = lab.peek(address, 5);
    const bytes = Uint8Array.from(old);
    bytes[1] = lab.abi('ID_NEW_CODE');
    const site: Site = { name: 'jit_fn', address, versions: [old, bytes], final: 1 };
    world.sites.push(site);
    world.wantedWitnesses = ['new bytes executed', ...(variant.resched ? [THROUGH_SYSRET] : [])];
    lab.configure({
      membarrier_sync: variant.sync ? 1 : 0,
      membarrier_resched: variant.resched ? 1 : 0,
      user_second: lab.symbol('running_thread'),
    });
    world.add({ core: 0, entry: 'jit_main' });
    const second = variant.resched ? { second: { entry: 'start_user_thread' } } : {};
    const entry = variant.resched ? 'sleeping_main' : 'running_main';
    // The handler goes by the mode and the task that it interrupts, which change between two instructions that nobody else sees.
    for (let core = 1; core <= cell.victims; core++) world.add({ core, entry, ...second, interruptAnywhere: true });
    return world;
  },
});
