import type { CellRunner, RunOptions } from '../../../src/scenario/matrix.ts';
import { type Cell, type Scenario, variantOf } from '../../../src/scenario/scenario.ts';

/** How many schedules a sampled search draws until it finds something; undefined when it finds nothing. */
export function schedulesToBug(
  runner: CellRunner,
  scenario: Scenario,
  variant: string,
  cell: Cell,
  options: RunOptions,
): number | undefined {
  return runner.run(scenario, variantOf(scenario, variant), cell, { ...options, search: 'pct', shrink: false }).sample?.first;
}
