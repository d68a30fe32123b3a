import { explore } from '../../../src/explore/explore.ts';
import type { World } from '../../../src/explore/world.ts';
import { updateFtraceFunc } from '../../../src/patch/ftrace.ts';
import { callTo } from '../../../src/patch/instructions.ts';
import { addVictims, labWorld, textWorld } from '../../../src/scenario/lab-world.ts';
import type { Cell } from '../../../src/scenario/scenario.ts';
import { builtFixture } from '../../built-fixture.ts';
import { cpuSeconds, type Row, say } from '../measure.ts';
import { CPU_LIMIT, cpuBudget, megabytes, type Options } from './options.ts';
import type { Spin } from './spin.ts';

const WRAPPERS = ['site_call_q0', 'site_call_q4', 'site_call_q5', 'site_call_q6'] as const;
const MOST_SITES = { quick: 2, normal: 4, full: 4 } as const;

/** One victim that calls so many sites, one after the other, each of which the patcher changes in turn with the last SYNC. */
function sitesWorld(sites: number, cell: Cell): World {
  const world = labWorld(builtFixture('lab'), cell);
  const { lab } = world;
  lab.configure({ calls: 1, int3_handler: lab.abi('INT3_FTRACE') });
  const wrappers = WRAPPERS.slice(0, sites);
  const target = lab.symbol('target_b');
  const updates = wrappers.map((name) => {
    const site = lab.symbol(`${name}_insn`);
    return { site, name, target, old: lab.peek(site, 5), bytes: callTo(site, target) };
  });
  for (const u of updates) world.sites.push({ name: u.name, address: u.site, versions: [u.old, u.bytes], final: 1 });
  const text = textWorld(lab);
  world.add({
    core: 0,
    entry: 'patcher_stub',
    *patcher() {
      for (const [round, u] of updates.entries()) yield* updateFtraceFunc(text, u, u.old[0] as number, { finalSync: true }, round);
    },
  });
  addVictims(world, cell, wrappers);
  return world;
}

/** What one more site costs: one victim, proofs, machine code beside the model. Throws when one of them finds a violation. */
export function siteRows({ size }: Options, spin: Spin | undefined): Row[] {
  const rows: Row[] = [];
  let before: { states: number; spinStates: number } | undefined;
  for (let sites = 1; sites <= MOST_SITES[size]; sites++) {
    const name = `${sites} site${sites > 1 ? 's' : ''}, 1 victim, sc`;
    say(name);
    const theirs = spin?.run({ victims: 1, sites, calls: 1, finalSync: true }, CPU_LIMIT[size]);
    const { seconds, value } = cpuSeconds(() =>
      explore(() => sitesWorld(sites, { victims: 1, fetch: 'intel-sdm', memory: 'sc' }), {
        shrink: false,
        budget: { stop: cpuBudget(CPU_LIMIT[size]) },
      }),
    );
    if (value.stopped === undefined && value.verdict !== 'ok') throw new Error(`${name}: ${value.verdict}`);
    if (theirs?.found === true) throw new Error(`${name}: spin finds an error`);
    const { states } = value.counts;
    const values: Record<string, number> = { 'CPU s': seconds, states, 'process MB': megabytes() };
    if (before !== undefined) values['times states'] = states / before.states;
    if (theirs !== undefined) {
      values['spin CPU s'] = theirs.seconds;
      values['spin states'] = theirs.states;
      values['spin MB'] = theirs.megabytes;
      if (before !== undefined) values['spin times states'] = theirs.states / before.spinStates;
    }
    before = { states, spinStates: theirs?.states ?? 0 };
    rows.push({ group: 'sites', name, values, ...(value.stopped === undefined ? {} : { stopped: value.stopped }) });
  }
  return rows;
}
