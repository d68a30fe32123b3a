import { type Difference, differences } from './compare.ts';
import type { VectorTarget } from './target.ts';
import type { Vector } from './vectors.ts';

/** A vector that did not pass. */
export interface Failure {
  readonly vector: Vector;
  readonly differences: readonly Difference[];
}

/** How the vectors of one class went. */
export interface ClassResult {
  readonly total: number;
  readonly passed: number;
  readonly failures: readonly Failure[];
  /** Vectors whose instruction has no semantics, by its name. */
  readonly unimplemented: ReadonlyMap<string, number>;
}

/** Runs `vectors` on `target`. An error of the target's own is a failure of that vector, so that the rest still runs. */
export function runVectors(target: VectorTarget, vectors: readonly Vector[]): ClassResult {
  const failures: Failure[] = [];
  const unimplemented = new Map<string, number>();
  let passed = 0;
  for (const vector of vectors) {
    const result = runOne(target, vector);
    if (typeof result === 'string') unimplemented.set(result, (unimplemented.get(result) ?? 0) + 1);
    else if (result.length === 0) passed++;
    else failures.push({ vector, differences: result });
  }
  return { total: vectors.length, passed, failures, unimplemented };
}

function runOne(target: VectorTarget, vector: Vector): Difference[] | string {
  try {
    const outcome = target.run(vector);
    return outcome.kind === 'unimplemented' ? outcome.name : differences(vector, outcome);
  } catch (error) {
    return [{ what: 'target', expected: 'no error', got: error instanceof Error ? error.message : String(error) }];
  }
}
