import { lifetimeChecker } from '../explore/checkers/lifetime.ts';
import type { World } from '../explore/world.ts';
import type { Image } from '../image/image.ts';
import type { Lab } from '../kernel/lab.ts';
import type { EngineName } from '../machine/machine.ts';
import { labWorld } from './lab-world.ts';
import type { Cell } from './scenario.ts';

/**
 * A world with the small kernel on it (fixtures/kernel): cores idle where RCU does not watch, the reschedule interrupt works, and whoever uses freed
 * memory is found. One core that patches or registers, number 0, and `cell.victims` behind it. It has no patched sites of its own, so no witnesses.
 */
export function kernelWorld(image: Image, cell: Cell, options: { readonly engine?: EngineName | undefined } = {}): World {
  const world = labWorld(image, cell, options);
  const { lab } = world;
  lab.configure({ idle_fn: lab.symbol('rcu_idle') });
  for (const vector of [lab.abi('RESCHEDULE_VECTOR'), preemptionVector(lab)])
    lab.setGate(vector, 'asm_sysvec_reschedule', { type: 'interrupt' });
  world.checkers.push(lifetimeChecker());
  world.wantedWitnesses = [];
  return world;
}

/**
 * A preemption that is pending from the start has the lowest priority there is here: of two pending interrupts the higher vector is taken first, so that at
 * RESCHEDULE_VECTOR no preemption could come behind the first SYNC.
 */
export const preemptionVector = (lab: Lab): number => Math.min(lab.abi('LAB_IRQ_VECTOR'), lab.abi('SYNC_CORE_VECTOR')) - 1;

/**
 * Gives every victim the same calls, as a task that can be preempted; `second` is what its core's other task calls. Preempted
 * `anywhere` it is at each instruction, also between two that nobody else sees: where what counts is how far it is with its own per-CPU words.
 */
export function addTasks(
  world: World,
  cell: Cell,
  calls: readonly string[],
  more: { readonly second?: readonly string[]; readonly preempt?: boolean | 'anywhere' } = {},
): void {
  for (let core = 1; core <= cell.victims; core++) {
    world.add({
      core,
      entry: 'victim_task_main',
      calls,
      ...(more.second === undefined ? {} : { second: { entry: 'task_main', calls: more.second } }),
      ...(more.preempt === true || more.preempt === 'anywhere' ? { pendingInterrupt: preemptionVector(world.lab) } : {}),
      ...(more.preempt === 'anywhere' ? { interruptAnywhere: true } : {}),
    });
  }
}
