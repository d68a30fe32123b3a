import { expect, test } from 'vitest';
import { openCell } from '../../src/debug/timeline/session.ts';
import { scheduleTarget } from '../../src/gdb/targets.ts';
import { CATALOGUE } from '../../src/scenario/catalogue.ts';
import { CellRunner, smokeCell } from '../../src/scenario/matrix.ts';
import { builtFixture } from '../../tools/built-fixture.ts';
import { Driven } from './driven.ts';

const runner = new CellRunner(builtFixture);

/** Sends a packet and waits for what answers it, through the turns of a run. */
function stop(client: Driven, body: string): string {
  let answer = client.ask(body);
  for (let n = 0; n < 500 && !/^[TE]/.test(answer ?? ''); n++) {
    client.give(new Uint8Array());
    answer = client.packets.at(-1);
  }
  return answer ?? '';
}

/** Stops in one direction, up to where the run ends there. */
function count(client: Driven, body: string): number {
  for (let n = 0; ; n++) {
    const answer = stop(client, body);
    if (answer.startsWith('T05replaylog')) return n;
    expect(answer).toMatch(/^T05(hwbreak|watch):/);
  }
}

// All families are among them.
test.each(CATALOGUE.filter((_, n) => n % 5 === 0).map((s) => [s.name, s] as const))(
  '%s: to the end and back, with as many stops both ways, and it is the same run',
  (_, scenario) => {
    const { session } = openCell(runner, scenario, scenario.variants[0]!, smokeCell(scenario), { maxSteps: 20_000 });
    const { timeline } = session;
    const token = session.token();
    const client = new Driven(scheduleTarget(session, undefined));
    client.ask('QStartNoAckMode');
    const start = timeline.machine.hash();
    expect(count(client, 'vCont;c:p1.-1')).toBe(0);
    const end = timeline.machine.hash();
    for (const [kind, size] of [
      [1, 1],
      [2, 5],
    ] as const) {
      const sites = timeline.world.sites.map((site) => `${kind},${site.address.toString(16)},${size}`);
      for (const site of sites) expect(client.ask(`Z${site}`)).toBe('OK');
      const back = count(client, 'bc');
      expect(timeline.machine.hash()).toBe(start);
      expect(count(client, 'vCont;c:p1.-1')).toBe(back);
      expect(timeline.machine.hash()).toBe(end);
      for (const site of sites) client.ask(`z${site}`);
    }
    for (let n = 0; n < 10; n++) expect(stop(client, 'bs')).toMatch(/^T05/);
    for (let n = 0; n < 10; n++) expect(stop(client, 'vCont;s:p1.1;c:p1.-1')).toMatch(/^T05/);
    expect(count(client, 'bc')).toBe(0);
    expect(timeline.machine.hash()).toBe(start);
    expect(session.token()).toBe(token);
    expect(client.log).toEqual([]);
    client.close();
    timeline.world.release();
  },
);
