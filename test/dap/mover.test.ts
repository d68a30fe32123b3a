import { expect, test } from 'vitest';
import { Client } from '../../src/dap/client.ts';
import { Debuggee } from '../../src/dap/debuggee.ts';
import { Fields } from '../../src/dap/fields.ts';
import { Mover } from '../../src/dap/mover.ts';
import { openRun } from '../../src/dap/run.ts';
import { readTarget, readWishes } from '../../src/dap/target.ts';
import { TextpokeError } from '../../src/error.ts';
import { host } from './client.ts';

test('a run that cannot go on is an exception with what is wrong', async () => {
  const fields = new Fields({ program: 'fixtures/run/hello.elf' }, 'launch');
  const run = await openRun(host, readTarget(fields));
  const debuggee = new Debuggee(run, new Client(new Fields({}, 'initialize')), host, readWishes(fields), () => {});
  const events: { readonly event: string; readonly body: object | undefined }[] = [];
  let done = (): void => {};
  const stopped = new Promise<void>((resolve) => {
    done = resolve;
  });
  const mover = new Mover(debuggee, (event, body) => {
    events.push({ event, body });
    if (event === 'stopped') done();
  });
  // As a guest does with an instruction that is not there.
  mover.go(
    (function* () {
      yield undefined;
      throw new TextpokeError('E_INSN', 'the machine does not have this instruction', { where: 'main' });
    })(),
    true,
    0,
  );
  expect(mover.isGoing).toBe(true);
  await stopped;
  expect(mover.isGoing).toBe(false);
  expect(events.map((e) => e.event)).toEqual(['output', 'stopped']);
  expect(events[1]!.body).toMatchObject({ reason: 'exception', threadId: 1, text: 'the machine does not have this instruction' });
  expect(mover.exception).toMatchObject({ id: 'error' });
  run.release();
});
