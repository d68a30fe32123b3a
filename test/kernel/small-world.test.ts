import { describe, expect, test } from 'vitest';
import { type Exploration, explore } from '../../src/explore/explore.ts';
import type { Operation } from '../../src/patch/operation.ts';
import { addTasks, kernelWorld } from '../../src/scenario/kernel-world.ts';
import type { Cell } from '../../src/scenario/scenario.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

const CELL: Cell = { victims: 1, fetch: 'coherent', memory: 'tso' };

interface Setup {
  /** What the victim's task calls. */
  readonly reader: string;
  /** What core 0 calls behind `publish_first`, with arguments: symbols or numbers. */
  readonly updater?: readonly [string, ...(string | number)[]];
  readonly second?: readonly string[];
  readonly preempt?: boolean;
  readonly switches?: Readonly<Record<string, number>>;
  readonly victims?: number;
  /** A core more, behind the victims, that runs call_rcu() callbacks. */
  readonly housekeeper?: boolean;
  readonly witness?: boolean;
}

function run(setup: Setup): Exploration {
  const cell = { ...CELL, victims: setup.victims ?? 1 };
  return explore(
    () => {
      const world = kernelWorld(builtFixture('small-world'), { ...cell, victims: cell.victims + (setup.housekeeper === true ? 1 : 0) });
      const { lab } = world;
      lab.configure(setup.switches ?? {});
      const call = (what: string, args: readonly (string | number)[] = []): Operation => ({
        do: 'call',
        address: lab.symbol(what),
        args: args.map((a) => (typeof a === 'string' ? lab.symbol(a) : BigInt(a))),
        what,
      });
      world.add({
        core: 0,
        entry: 'patcher_stub',
        *patcher() {
          yield call('publish_first');
          if (setup.updater !== undefined) yield call(setup.updater[0], setup.updater.slice(1));
        },
      });
      addTasks(world, cell, [setup.reader], setup);
      if (setup.witness !== false) world.wantedWitnesses = ['item read'];
      if (setup.housekeeper === true) world.add({ core: cell.victims + 1, entry: 'housekeeper_main' });
      return world;
    },
    { shrink: false },
  );
}

const OK = { verdict: 'ok', coverage: { kind: 'exhaustive' } };
const violates = (check: string) => ({ verdict: 'violation', counterexample: { violation: { check } } });

describe('an item is freed behind its readers', () => {
  test.each<[string, Setup, object]>([
    ['no wait', { reader: 'rcu_reader', updater: ['retire', 0] }, violates('I5')],
    ['synchronize_rcu', { reader: 'rcu_reader', updater: ['retire', 'synchronize_rcu'] }, OK],
    ['synchronize_rcu, two readers', { reader: 'rcu_reader', updater: ['retire', 'synchronize_rcu'], victims: 2 }, OK],
    ['synchronize_srcu', { reader: 'srcu_reader', updater: ['retire_srcu'] }, OK],
    [
      'synchronize_rcu does not wait for SRCU readers',
      { reader: 'srcu_reader', updater: ['retire', 'synchronize_rcu'], preempt: true, second: ['nothing'] },
      violates('I5'),
    ],
    [
      'two cores wait for a grace period each',
      { reader: 'synchronize_rcu', updater: ['retire', 'synchronize_rcu'], victims: 2, witness: false },
      OK,
    ],
    ['cond_synchronize_rcu', { reader: 'rcu_reader', updater: ['retire_cond', 0] }, OK],
    [
      'cond_synchronize_rcu with a grace period from before',
      { reader: 'rcu_reader', updater: ['retire_cond', 1], switches: { calls: 2 } },
      violates('I5'),
    ],
    ['call_rcu', { reader: 'rcu_reader', updater: ['retire_later'], switches: { callbacks: 1 }, housekeeper: true }, OK],
    [
      'call_rcu is all that frees it',
      {
        reader: 'srcu_reader',
        updater: ['retire_later'],
        switches: { callbacks: 1 },
        housekeeper: true,
        preempt: true,
        second: ['nothing'],
      },
      violates('I5'),
    ],
    [
      'synchronize_rcu, reader preempted outside its lock',
      { reader: 'tasks_reader', updater: ['retire', 'synchronize_rcu'], preempt: true, second: ['nothing'] },
      violates('I5'),
    ],
    [
      'schedule_on_each_cpu, the same reader',
      { reader: 'tasks_reader', updater: ['retire', 'schedule_on_each_cpu'], preempt: true, second: ['nothing'] },
      violates('I5'),
    ],
    [
      'synchronize_rcu_tasks, the same reader',
      { reader: 'tasks_reader', updater: ['retire', 'synchronize_rcu_tasks'], preempt: true, second: ['nothing'] },
      OK,
    ],
    [
      'synchronize_rcu_tasks, a reader that sleeps behind its read',
      { reader: 'sleeping_reader', updater: ['retire', 'synchronize_rcu_tasks'], preempt: true, second: ['nothing'] },
      OK,
    ],
    [
      'schedule_on_each_cpu, a reader with preemption off',
      { reader: 'rcu_reader', updater: ['retire', 'schedule_on_each_cpu'], preempt: true, second: ['nothing'] },
      OK,
    ],
  ])('%s', (_, setup, wanted) => {
    expect(run(setup)).toMatchObject(wanted);
  });
});

describe('what must not be done', () => {
  test.each<[string, Setup, object]>([
    ['synchronize_rcu with preemption off', { reader: 'rcu_reader', updater: ['retire_atomic'], witness: false }, violates('I10')],
    ['two owners of a mutex', { reader: 'with_mutex', updater: ['with_mutex'], victims: 2, witness: false }, OK],
    ['a write behind an object', { reader: 'nothing', updater: ['overrun'], witness: false }, violates('I5')],
    ['kfree of a freed object', { reader: 'nothing', updater: ['free_twice'], witness: false }, violates('I5')],
    [
      'kmalloc that fails',
      { reader: 'nothing', updater: ['retire', 0], switches: { fail_mode: 1, fail_nth: 1 }, witness: false },
      violates('assertion'),
    ],
    ['rcu_read_lock where RCU does not watch', { reader: 'rcu_idle_reader', witness: false }, violates('I10')],
  ])('%s', (_, setup, wanted) => {
    expect(run(setup)).toMatchObject(wanted);
  });
});
