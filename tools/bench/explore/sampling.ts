import type { Row } from '../measure.ts';
import { samplerRows } from '../sampling.ts';
import type { Options } from './options.ts';

const SEEDS = { quick: 20, normal: 200, full: 200 } as const;
/** Schedules within which PCT of depth 2 finds race (a) for 95 of 100 seeds. */
const P95 = 250;

/** Schedules to race (a) by each sampler, with 1 to 3 victims. */
export function samplingRows({ size }: Options): Row[] {
  return [1, 2, 3]
    .flatMap((victims) => samplerRows(SEEDS[size], 'F1', 'no-final-sync', { victims, fetch: 'intel-sdm', memory: 'tso' }))
    .map((row) => (row.name.includes(', pct d=2,') ? { ...row, goal: { value: 'p95', atMost: P95 } } : row));
}
