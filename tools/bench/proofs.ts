import { readFileSync } from 'node:fs';
import { imageFromElf } from '../../src/image/image.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner } from '../../src/scenario/matrix.ts';
import { variantOf } from '../../src/scenario/scenario.ts';
import { cpuSeconds, median, type Row } from './measure.ts';

/** Race, variant, victims, and how many CPU seconds it may take. */
const CASES = [
  ['F1', 'no-final-sync', 1, 1],
  ['F1', 'no-final-sync', 2, 1],
  ['F1', 'final-sync', 2, 5],
  ['F1', 'final-sync', 3, 30],
  ['F2', 'unprotected', 1, 1],
  ['F2', 'unprotected', 2, 1],
  ['F2', 'final-sync', 2, 5],
  ['F2', 'final-sync', 3, 30],
] as const;

/**
 * First bug and whole proof of races (a) and (b) under intel-sdm and tso, in CPU seconds, learning what is shared included. Throws when a verdict is
 * not the recorded one.
 */
export function proofRows(rounds: number): Row[] {
  const image = imageFromElf(readFileSync(new URL('../../fixtures/lab/lab.elf', import.meta.url)));
  return CASES.map(([code, name, victims, limit]): Row => {
    const scenario = scenarioOf(code);
    const variant = variantOf(scenario, name);
    const seconds: number[] = [];
    let counts = { states: 0, transitions: 0 };
    for (let round = 0; round < (victims > 2 ? 1 : rounds); round++) {
      const run = cpuSeconds(() => new CellRunner(() => image).run(scenario, variant, { victims, fetch: 'intel-sdm', memory: 'tso' }));
      const { verdict, asRecorded } = run.value;
      if (!asRecorded) throw new Error(`${code} ${name} with ${victims} victims: ${verdict}`);
      ({ counts } = run.value);
      seconds.push(run.seconds);
    }
    return {
      group: 'proofs',
      name: `${code} ${name}, ${victims} victim${victims > 1 ? 's' : ''}`,
      values: { 'CPU seconds': median(seconds), states: counts.states, transitions: counts.transitions },
      goal: { value: 'CPU seconds', atMost: limit },
    };
  });
}
