import { scenarioOf } from '../../../src/scenario/catalogue.ts';
import { CellRunner } from '../../../src/scenario/matrix.ts';
import { type MemoryModel, variantOf } from '../../../src/scenario/scenario.ts';
import { builtFixture } from '../../built-fixture.ts';
import { cpuSeconds, type Row, say } from '../measure.ts';
import { CPU_LIMIT, cpuBudget, megabytes, type Options } from './options.ts';
import type { Spin, SpinRun } from './spin.ts';

/** The races of the window, and the parameters of the model that are the same program. */
const RACES = [
  { code: 'F1', sites: 1, calls: 2, bug: 'no-final-sync', proof: 'final-sync' },
  { code: 'F2', sites: 2, calls: 1, bug: 'unprotected', proof: 'final-sync' },
] as const;

const MOST_VICTIMS = { quick: 2, normal: 4, full: 6 } as const;
/** CPU seconds that were promised: to the first bug with one or two victims, to the proof with so many. */
const FIRST_BUG = 1;
const PROOF: Readonly<Record<number, number>> = { 4: 60, 6: 600 };
const GROWTH = 5;

interface Measured {
  readonly victims: number;
  readonly seconds: number;
  readonly states: number;
  readonly spin: SpinRun | undefined;
  readonly stopped: string | undefined;
}

/**
 * Races (a) and (b) with 1 to 6 victims: machine code under both memory models, and under `sc` SPIN on the hand-written model beside it. To the
 * first violation without the last SYNC, to the end with it. Throws when a search that ended says something else.
 */
export function windowRows({ size }: Options, spin: Spin | undefined): Row[] {
  const rows: Row[] = [];
  const growth: Row[] = [];
  for (const race of RACES) {
    for (const what of ['bug', 'proof'] as const) {
      for (const memory of ['sc', 'tso'] as const) {
        const measured: Measured[] = [];
        for (let victims = 1; victims <= MOST_VICTIMS[size]; victims++) {
          const name = `${race.code} ${race[what]}, ${victims} victim${victims > 1 ? 's' : ''}, ${memory}`;
          say(name);
          // What did not finish does not finish with one more.
          const spinToo = memory === 'sc' && measured.every((m) => m.spin?.stopped === undefined) ? spin : undefined;
          const of = { victims, sites: race.sites, calls: race.calls, finalSync: what === 'proof' };
          const theirs = spinToo?.run(of, CPU_LIMIT[size]);
          if (theirs !== undefined && theirs.stopped === undefined && theirs.found !== (what === 'bug'))
            throw new Error(`${name}: spin ${theirs.found ? 'finds an error' : 'finds none'}`);
          const ours = measure(race.code, race[what], victims, memory, Math.max(CPU_LIMIT[size], PROOF[victims] ?? 0));
          measured.push({ victims, seconds: ours.seconds, states: ours.states, spin: theirs, stopped: ours.stopped });
          rows.push(rowOf(name, what, memory, victims, ours, theirs));
          if (ours.stopped !== undefined) break;
        }
        if (what === 'proof') growth.push(...growthRow(`${race.code} ${race.proof}, ${memory}`, measured));
      }
    }
  }
  return [...rows, ...growth];
}

interface Run {
  readonly seconds: number;
  readonly states: number;
  readonly megabytes: number;
  readonly stopped: string | undefined;
}

function measure(code: string, name: string, victims: number, memory: MemoryModel, limit: number): Run {
  const scenario = scenarioOf(code);
  const variant = variantOf(scenario, name);
  const { seconds, value } = cpuSeconds(() =>
    new CellRunner(builtFixture).run(
      scenario,
      variant,
      { victims, fetch: 'intel-sdm', memory },
      {
        shrink: false,
        budget: { stop: cpuBudget(limit) },
      },
    ),
  );
  if (value.stopped === undefined && !value.asRecorded) throw new Error(`${code} ${name} with ${victims} victims: ${value.verdict}`);
  const { states } = value.counts;
  return { seconds, states, megabytes: megabytes(), stopped: value.stopped };
}

function rowOf(name: string, what: 'bug' | 'proof', memory: MemoryModel, victims: number, ours: Run, theirs: SpinRun | undefined): Row {
  const values: Record<string, number> = {
    'CPU s': ours.seconds,
    states: ours.states,
    'states/s': ours.states / ours.seconds,
    'process MB': ours.megabytes,
  };
  if (theirs !== undefined) {
    values['spin CPU s'] = theirs.seconds;
    values['spin build s'] = theirs.buildSeconds;
  }
  if (theirs !== undefined && theirs.stopped === undefined) {
    values['spin states'] = theirs.states;
    values['spin states/s'] = theirs.seconds > 0 ? theirs.states / theirs.seconds : 0;
    values['spin MB'] = theirs.megabytes;
    values['spin CPU : ours'] = theirs.seconds / ours.seconds;
  }
  const limit = what === 'bug' ? (victims < 3 ? FIRST_BUG : undefined) : PROOF[victims];
  return {
    group: 'window',
    name,
    values,
    ...(limit === undefined || memory === 'sc' ? {} : { goal: { value: 'CPU s', atMost: limit } }),
    ...(theirs?.stopped === undefined ? {} : { note: theirs.stopped }),
    ...(ours.stopped === undefined ? {} : { stopped: ours.stopped }),
  };
}

/** How much the last victim that finished costs: as often as many states, as often as much time. */
function growthRow(name: string, measured: readonly Measured[]): Row[] {
  const done = measured.filter((m) => m.stopped === undefined);
  const [before, last] = [done.at(-2), done.at(-1)];
  if (before === undefined || last === undefined) return [];
  const values: Record<string, number> = {
    'from victims': before.victims,
    'to victims': last.victims,
    'times states': last.states / before.states,
    'times CPU s': last.seconds / before.seconds,
  };
  const spins = measured.filter((m) => m.spin !== undefined && m.spin.stopped === undefined);
  const [spinBefore, spinLast] = [spins.at(-2), spins.at(-1)];
  if (spinBefore?.spin !== undefined && spinLast?.spin !== undefined) {
    values['spin to victims'] = spinLast.victims;
    values['spin times states'] = spinLast.spin.states / spinBefore.spin.states;
  }
  return [{ group: 'growth', name, values, goal: { value: 'times CPU s', atMost: GROWTH } }];
}
