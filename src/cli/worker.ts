// The body of a thread that works for `--jobs`: each message is a task, and is answered with one message.
import { parentPort } from 'node:worker_threads';
import { workOn } from '../explore/parallel/share.ts';
import type { EngineName } from '../machine/machine.ts';
import { scenarioOf } from '../scenario/catalogue.ts';
import { CellRunner } from '../scenario/matrix.ts';
import { variantOf } from '../scenario/scenario.ts';
import { fixtures } from './fixtures.ts';
import type { Io } from './io.ts';
import { type Answer, type PlainRow, plainError, type Task } from './jobs.ts';
import { nodeIo } from './node-io.ts';
import { knownScenarios } from './scenarios.ts';
import { searchSettings } from './search-options.ts';

/** Keep what was learned about the variants of the rows before. */
const runners = new Map<EngineName | undefined, CellRunner>();

function runnerFor(engine: EngineName | undefined, io: Io): CellRunner {
  let runner = runners.get(engine);
  if (runner === undefined) {
    runner = new CellRunner(fixtures(io), engine);
    runners.set(engine, runner);
  }
  return runner;
}

async function perform(task: Task): Promise<unknown> {
  const { file, cell, engine, ...names } = task.target;
  const asked = task.kind === 'row' ? new Int32Array(task.asked) : undefined;
  const io = nodeIo(() => asked !== undefined && Atomics.load(asked, 0) !== 0);
  const { known } = await knownScenarios(file, [], io);
  const scenario = scenarioOf(names.scenario, known.all);
  const variant = variantOf(scenario, names.variant);
  const runner = runnerFor(engine, io);
  if (task.kind === 'share') return workOn(runner.maker(scenario, variant.name, cell), task.order, task.worker);
  const settings = searchSettings(task.flags, io, { show: () => {}, clear: () => {} }, '');
  const {
    scenario: _s,
    variant: _v,
    knowledge: _k,
    learned: _l,
    ...row
  } = runner.run(scenario, variant, cell, {
    ...settings,
    ...(task.shrink ? {} : { shrink: false }),
  });
  return row satisfies PlainRow;
}

const port = parentPort;
port?.on('message', async (task: Task) => {
  let answer: Answer;
  try {
    answer = { done: await perform(task) };
  } catch (error) {
    answer = { failed: plainError(error) };
  }
  port.postMessage(answer);
});
