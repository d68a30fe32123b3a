import type { Team } from '../../../src/explore/parallel/explore-parallel.ts';
import { Worker } from '../../../src/explore/parallel/share.ts';
import { SharedVisited } from '../../../src/explore/parallel/shared-visited.ts';
import { Halt, SharedWork } from '../../../src/explore/parallel/shared-work.ts';
import { Random } from '../../../src/explore/random.ts';
import type { World } from '../../../src/explore/world.ts';

/** Workers that take turns in one thread, in an order that the seed decides: threads without their chance. */
export function teamInOneThread(
  make: () => World,
  size: number,
  seed: number,
  visited = (b: SharedArrayBuffer) => new SharedVisited(b),
): Team {
  return {
    size,
    async work(order, stop) {
      const random = new Random(seed);
      const workers = Array.from({ length: size }, (_, n) => new Worker(make, order, n, visited(order.visited)));
      const work = new SharedWork(order.work, size);
      const going = new Set(workers);
      while (going.size > 0) {
        const worker = [...going][random.below(going.size)]!;
        if (worker.advance(1 + random.below(40)) === 'over') going.delete(worker);
        if (stop() !== undefined) work.stop(Halt.asked);
      }
      return workers.map((w) => w.finish());
    },
  };
}
