import type { World } from '../../explore/world.ts';
import { addTasks } from '../kernel-world.ts';
import type { Cell } from '../scenario.ts';

/** Where somebody runs whom a wait has to see: in a task that can be preempted, or in the idle loop, where RCU does not watch. */
export type Reader = 'task' | 'idle';

/** Gives each victim core such a reader, who calls `traced`. */
export function addReaders(world: World, cell: Cell, traced: string, reader: Reader): void {
  if (reader === 'task') addTasks(world, cell, [traced], { second: ['other_task_fn'], preempt: true });
  else for (let core = 1; core <= cell.victims; core++) world.add({ core, entry: 'idle_reader_main', calls: [traced] });
}
