import type { CacheGeometry, TeachingPolicy } from './policy.ts';

/** Lines that a cache may have. */
const MAX_LINES = 16;

/**
 * One concrete instruction cache for each core, to look at how fetch becomes stale: a line keeps what memory held when it was filled, a store by
 * another core sends an invalidation, and until that arrives a hit returns the old bytes. A serializing event waits for all that were sent; what
 * a core stored itself, by the linear address that it executes, arrives with its next taken branch. Such a cache does less than the manual
 * allows: a protocol that is right here may still be wrong. Throws `RangeError` where an instruction over two lines could never be fetched.
 */
export function icachePolicy(cache: CacheGeometry): TeachingPolicy {
  const { sets, ways, prefetch } = cache;
  if (![sets, ways].every((n) => Number.isInteger(n) && n > 0) || !Number.isInteger(prefetch) || prefetch < 0)
    throw new RangeError('an instruction cache has whole numbers of sets and ways');
  if (sets * ways < 2 || sets * ways > MAX_LINES) throw new RangeError(`an instruction cache has 2 to ${MAX_LINES} lines`);
  return {
    name: 'icache',
    stale: true,
    atom: 'line',
    monotone: true,
    ownStore: 'taken-branch',
    mfenceSerializes: false,
    race: 'violation',
    cache,
    source: 'Intel SDM Vol. 3, "Self-Modifying Code" and "Handling Self- and Cross-Modifying Code"; the cache is ours',
  };
}

/** Two sets of two ways; the line at RIP and the one behind it may be filled ahead. */
export const icache: TeachingPolicy = icachePolicy({ sets: 2, ways: 2, prefetch: 1 });
