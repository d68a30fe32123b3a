import { expect, test } from 'vitest';
import { Names } from '../../../src/debug/names.ts';
import { describeCore, describeOptions, foresee, sayChoice } from '../../../src/debug/stepper/describe.ts';
import { openToken } from '../../../src/debug/timeline/session.ts';
import { choose, options } from '../../../src/explore/path.ts';
import { CellRunner } from '../../../src/scenario/matrix.ts';
import { builtFixture } from '../../../tools/built-fixture.ts';

const TOKEN = 'tp1_AyDJUVKWAxwIAgEDAQEFAQICAQEEAADh1g';
const session = openToken(new CellRunner(builtFixture), TOKEN);
const { timeline } = session;
const { world } = timeline;
const words = (at: number) => {
  timeline.goto({ at, inside: 0 });
  return describeOptions(world, new Names(world), timeline.lastCore).map((o) => `CPU${o.core} ${o.text}`);
};

test('a fetch says which bytes, and that they are stale', () => {
  expect(words(20)).toContain('CPU1 fetches ftrace_call: cc (int3)');
  expect(words(26).find((w) => w.startsWith('CPU2 fetches'))).toMatch(/^CPU2 fetches ftrace_call: /);
  const stale = Array.from({ length: timeline.end.at }, (_, at) => words(at)).flat();
  expect(stale.filter((w) => w.endsWith(', STALE')).length).toBeGreaterThan(0);
});

test('a drain says the store, an interrupt its name and place', () => {
  expect(words(0)).toContain('CPU0 drains ftrace_update_ip = ftrace_call');
  expect(words(18).some((w) => w.startsWith('CPU1 takes SYNC before '))).toBe(true);
});

test('what a choice does and violates is foreseen, and nothing of it stays', () => {
  const at = timeline.end.at - 1;
  timeline.goto({ at, inside: 0 });
  const before = world.machine.hash();
  const found = describeOptions(world, new Names(world), timeline.lastCore);
  expect(world.machine.hash()).toBe(before);
  const taken = found[session.recorded.answers[at]!]!;
  expect(taken.core).toBe(1);
  expect(taken.violates.map((v) => v.check)).toEqual(['I1']);
  expect(taken.does[0]).toBe('load modifying_ftrace_code: 0');
});

test('what is foreseen is what happens, wherever and whoever moved last', () => {
  const names = new Names(world);
  for (let at = 0; at < timeline.end.at; at++) {
    timeline.goto({ at, inside: 0 });
    for (const [answer, choice] of options(world, timeline.lastCore).entries()) {
      const { violations, happened } = foresee(world, timeline.lastCore, answer);
      const mark = world.machine.mark();
      const real = choose(world, choice);
      world.machine.rollback(mark);
      if (real.length > 0) expect(violations.map((v) => v.message)).toEqual(real.map((v) => v.message));
      if (choice.kind === 'drain') expect(happened.some((h) => h.core === choice.core && h.what === 'access')).toBe(true);
      expect(sayChoice(world, names, choice)).not.toContain('undefined');
    }
  }
});

test('a core: where it is, what waits in it, what was sent to it', () => {
  timeline.goto({ at: 18, inside: 0 });
  const names = new Names(world);
  const [cpu0, cpu1] = world.machine.cores.map((core) => describeCore(world, names, core));
  expect(cpu0!.where).toBe('patcher_stub+0x2');
  expect(cpu1!.interrupts).toEqual([{ vector: 0xf8, name: 'SYNC', held: false }]);
  timeline.goto({ at: 3, inside: 0 });
  expect(describeCore(world, names, world.machine.cores[0]!).stores).toEqual(['ftrace_call[0] = cc']);
});
