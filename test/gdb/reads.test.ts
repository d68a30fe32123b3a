import { expect, test } from 'vitest';
import { openCell } from '../../src/debug/timeline/session.ts';
import { hexOfText } from '../../src/gdb/packet.ts';
import { registerFile } from '../../src/gdb/registers.ts';
import { scheduleTarget } from '../../src/gdb/targets.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner, smokeCell } from '../../src/scenario/matrix.ts';
import { variantOf } from '../../src/scenario/scenario.ts';
import { builtFixture } from '../../tools/built-fixture.ts';
import { Driven } from './driven.ts';

const READS = [
  ...['?', 'g', 'qC', 'qfThreadInfo', 'qXfer:threads:read::0,fff', 'qXfer:memory-map:read::0,fff', 'qXfer:features:read:target.xml:0,3fff'],
  ...registerFile(64).registers.map((_, n) => `p${n.toString(16)}`),
  ...['0', 'ffffffff81002c80', 'ffffffff81012600', 'ffffc90000002f00', 'ffff888000000000', '8000000000000000'].map((a) => `m${a},100`),
  ...[
    'pos',
    'icache ftrace_call',
    'fetched ftrace_call',
    'who-wrote ftrace_call 5',
    'who-wrote sync_pending',
    'choices',
    'token',
    'help',
    'until 3',
    'until off',
  ].map((line) => `qRcmd,${hexOfText(line)}`),
  ...['Z0,ffffffff81002c8e,1', 'Z2,ffffffff81012600,4', 'z2,ffffffff81012600,4', 'z0,ffffffff81002c8e,1'],
];

test.each([0, 4, 14, 21, 28])('attaching at @%i and reading all there is changes neither the state nor the schedule', (at) => {
  const scenario = scenarioOf('F1');
  const { session, token } = openCell(new CellRunner(builtFixture), scenario, variantOf(scenario, 'no-final-sync'), smokeCell(scenario));
  const { timeline } = session;
  timeline.goto({ at: Math.min(at, timeline.end.at), inside: 0 });
  const { position } = timeline;
  const hash = timeline.machine.hash();
  const client = new Driven(scheduleTarget(session, undefined));
  for (const thread of ['p1.1', 'p1.2'])
    for (const body of [`Hg${thread}`, ...READS]) expect(client.ask(body), body).not.toMatch(/^E22|^$/);
  client.close();
  expect(timeline.machine.hash()).toBe(hash);
  expect(timeline.position).toEqual(position);
  expect(session.token()).toBe(token);
  timeline.world.release();
});
