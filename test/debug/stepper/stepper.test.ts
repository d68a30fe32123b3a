import { afterAll, describe, expect, test } from 'vitest';
import type { Trace } from '../../../src/debug/happening.ts';
import type { Stepper } from '../../../src/debug/stepper/stepper.ts';
import { viewOf } from '../../../src/debug/stepper/view.ts';
import { positionText } from '../../../src/debug/timeline/position.ts';
import { openToken } from '../../../src/debug/timeline/session.ts';
import { CATALOGUE } from '../../../src/scenario/catalogue.ts';
import { broken, LENGTH, ran, runner, stepperOf, TOKEN, unsearched } from './f1.ts';

const steppers: Stepper[] = [];
afterAll(() => {
  for (const s of steppers) s.release();
});

function opened(): Stepper {
  const stepper = broken();
  steppers.push(stepper);
  return stepper;
}

const at = (s: Stepper): string => positionText(s.timeline.position);

/** A trace without names: what pointers tell later about objects is known behind them only, where a run is followed. */
const unnamed = ({ steps }: Trace): unknown =>
  steps.map((step) => ({ ...step, happened: step.happened.map((h) => ({ ...h, ...('text' in h ? { name: '', text: '' } : {}) })) }));

describe('going', () => {
  test('forward and back come by the same states, and past neither end', () => {
    const s = opened();
    const hashes = [s.timeline.machine.hash()];
    while (s.forward() === '') hashes.push(s.timeline.machine.hash());
    hashes.push(s.timeline.machine.hash());
    expect(hashes).toHaveLength(LENGTH + 1);
    expect(s.forward()).toMatch(/^VIOLATION I1 /);
    for (let n = LENGTH - 1; n >= 0; n--) {
      expect(s.back()).toBe('');
      expect(s.timeline.machine.hash()).toBe(hashes[n]);
    }
    expect(s.back()).toBe('the run begins here');
    expect(s.back(5)).toBe('the run begins here');
    s.forward(7);
    expect(at(s)).toBe('@7');
  });

  test('switches are where another core goes on, the same both ways', () => {
    const s = opened();
    const { steps } = s.session.recorded.trace;
    const wanted = steps.flatMap((step, n) => (n > 0 && steps[n - 1]!.core !== step.core ? [n] : []));
    const seen: number[] = [];
    for (s.toSwitch('forward'); s.timeline.position.at < LENGTH; s.toSwitch('forward')) seen.push(s.timeline.position.at);
    expect(seen).toEqual(wanted);
    const back: number[] = [];
    for (s.toSwitch('back'); s.timeline.position.at > 0; s.toSwitch('back')) back.unshift(s.timeline.position.at);
    expect(back).toEqual(wanted);
  });

  test('instruction by instruction, forward and back through the same places', () => {
    const s = opened();
    s.gotoText('@17');
    const places: string[] = [];
    while (s.timeline.position.at < 19) {
      places.push(at(s));
      s.instruction('forward');
    }
    expect(places).toContain('@18+2');
    expect(places.length).toBeGreaterThan(40);
    const back: string[] = [];
    while (s.timeline.position.at >= 17) {
      s.instruction('back');
      back.unshift(at(s));
      if (back[0] === '@17') break;
    }
    expect(back).toEqual(places);
  });

  test('an unknown place is an error that says how far the run goes', () => {
    const s = opened();
    expect(() => s.gotoText('@99')).toThrow('the run has no @99');
    expect(() => s.gotoText('there')).toThrow('no position');
    s.gotoText('end');
    expect(at(s)).toBe(`@${LENGTH}`);
  });
});

describe('other runs', () => {
  test('what was taken by hand is a run with a token of its own; the recorded one can be had back', () => {
    const s = opened();
    s.gotoText('@20');
    const said = s.take(2);
    expect(said).toContain('from @20 on the run is another one; recorded is choice 1:');
    expect(said).toContain('CPU1 fetches ftrace_call: cc (int3)');
    expect(s.leftAt).toBe(20);
    expect(ran(s.run('forward'))).toBe('the run has ended: nothing more can happen');
    const token = s.token();
    expect(token).not.toBe(TOKEN);
    const again = openToken(runner, token);
    again.timeline.goto(again.timeline.end);
    expect(again.timeline.machine.hash()).toBe(s.timeline.machine.hash());
    expect(s.chronicle.trace.steps).toEqual(again.recorded.trace.steps);
    again.timeline.world.release();
    expect(s.restore()).toBe('the recorded run, at @20');
    expect(s.token()).toBe(TOKEN);
    expect(s.restore()).toBe('this is the recorded run');
  });

  test('taking what the run takes is a step', () => {
    const s = opened();
    s.gotoText('@20');
    expect(s.take(1)).toBe('');
    expect(at(s)).toBe('@21');
    expect(s.leftAt).toBeUndefined();
  });

  test('choices that are not open, and places without choices, are told', () => {
    const s = opened();
    expect(s.take(9)).toBe('there are 3 choices here');
    s.gotoText('@18+2');
    expect(s.take(1)).toContain('between steps');
    s.gotoText('end');
    expect(s.take(1)).toMatch(/^VIOLATION I1/);
  });

  test('a choice that violates something is told before and behind it', () => {
    const s = opened();
    s.gotoText('@20');
    s.take(2);
    s.gotoText('@20');
    s.take(1);
    expect(s.leftAt).toBe(21);
    // The other run goes the recorded way by hand, by what the choices say.
    const recorded = s.session.recorded.answers;
    for (let n = 21; n < LENGTH - 1; n++) s.take(recorded[n]! + 1);
    const wrong = viewOf(s, '').choices.findIndex((c) => c.violates.length > 0);
    expect(s.take(wrong + 1)).toMatch(/^VIOLATION I1 /);
    expect(s.token()).toBe(TOKEN);
    expect(s.leftAt).toBeUndefined();
  });

  test('whatever is taken, the run can go on, its token opens it, and its chronicle is that of the token', () => {
    for (const [n, scenario] of CATALOGUE.entries()) {
      if (n % 9 !== 0) continue;
      const s = stepperOf(scenario.name, scenario.variants[0]!.name);
      let random = n + 1;
      const chance = (below: number): number => {
        random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
        return Math.floor((random / 2 ** 32) * below);
      };
      for (let k = 0; k < 25; k++) {
        s.goto({ at: chance(s.timeline.end.at + 1), inside: 0 });
        const open = s.timeline.options.length;
        if (open > 0) s.take(chance(open) + 1);
        if (k % 5 === 0) s.forward(3);
      }
      s.gotoText('end');
      const again = openToken(runner, s.token());
      expect(unnamed(again.recorded.trace), scenario.name).toEqual(unnamed(s.chronicle.trace));
      expect(again.recorded.trace.hash).toBe(s.timeline.machine.hash());
      again.timeline.world.release();
      s.release();
    }
  });
});

test('memory that turns out to be shared leaves every place what it was, and no token that does not replay', () => {
  let [refused, taken] = [0, 0];
  for (const [name, variant] of [
    ['ftrace/direct-calls', 'remove.refs'],
    ['livepatch/idle-handler-enable', 'lw1'],
    ['tracepoint/after-unregister', 't0-one-of-two'],
  ] as const) {
    const s = unsearched(name, variant);
    let random = 5;
    const chance = (below: number): number => {
      random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
      return Math.floor((random / 2 ** 32) * below);
    };
    for (let k = 0; k < 200; k++) {
      s.gotoText('end');
      const open = s.timeline.options.length;
      if (open === 0) {
        s.goto({ at: chance(s.timeline.end.at + 1), inside: 0 });
        s.take(chance(s.timeline.options.length) + 1);
        continue;
      }
      if (k % 10 === 0) viewOf(s, '');
      expect(s.session.isVoid).toBe(false);
      const said = s.take(chance(3) === 0 ? chance(open) + 1 : 1);
      if (said.includes('did not know of')) refused++;
      else taken++;
      expect(s.session.isVoid).toBe(false);
    }
    const hashes = Array.from({ length: s.timeline.end.at + 1 }, (_, at) => {
      s.goto({ at, inside: 0 });
      return s.timeline.machine.hash();
    });
    for (let n = 0; n < 40; n++) {
      const at = chance(hashes.length);
      s.goto({ at, inside: 0 });
      expect(s.timeline.machine.hash(), `${name} @${at}`).toBe(hashes[at]);
    }
    const again = openToken(runner, s.token());
    expect(again.recorded.trace.hash, name).toBe(hashes.at(-1));
    again.timeline.world.release();
    s.release();
  }
  expect(taken).toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(0);
});

describe('running', () => {
  test('to a breakpoint and on to the end, and back again', () => {
    const s = opened();
    expect(s.breakpoint('ftrace_int3_handler')).toBe('set: breakpoint ftrace_int3_handler');
    expect(ran(s.run('forward'))).toBe('breakpoint ftrace_int3_handler, CPU1');
    const place = at(s);
    expect(s.core(1).rip).toBe(s.timeline.image.symbol('ftrace_int3_handler').address);
    expect(ran(s.run('forward'))).toMatch(/^VIOLATION I1/);
    expect(ran(s.run('back'))).toBe('breakpoint ftrace_int3_handler, CPU1');
    expect(at(s)).toBe(place);
    expect(ran(s.run('back'))).toBe('the run begins here');
    expect(at(s)).toBe('@0');
    expect(s.breakpoint('ftrace_int3_handler')).toBe('no more breakpoint ftrace_int3_handler');
    expect(s.breakpoint('')).toBe('no breakpoints');
  });

  test('to a change of memory, and to an exception', () => {
    const s = opened();
    expect(s.watch('ftrace_call')).toBe('set: watch ftrace_call, 5 bytes');
    expect(s.breakpoint('#BP')).toBe('set: breakpoint on #BP');
    expect(s.breakpoint('')).toBe('breakpoint on #BP\nwatch ftrace_call, 5 bytes');
    expect(ran(s.run('forward'))).toBe('CPU0 changed ftrace_call, 5 bytes');
    expect(s.watch('ftrace_call')).toBe('no more watch ftrace_call, 5 bytes');
    expect(ran(s.run('forward'))).toBe('CPU1 took #BP');
    expect(at(s)).toBe('@20+1');
  });

  test('a run that holds goes on by itself behind what it was left at', () => {
    const s = stepperOf('F1', 'final-sync');
    s.gotoText('@4');
    const other = viewOf(s, '').choices.findIndex((c) => !c.run);
    s.take(other + 1);
    expect(ran(s.run('forward'))).toBe('the run has ended: nothing more can happen');
    expect(s.timeline.world.finished).toBe(true);
    s.release();
  });
});

describe('asking', () => {
  test('who wrote: from memory, from a store buffer, nobody', () => {
    const s = opened();
    expect(s.whoWrote('ftrace_call')).toBe('nobody wrote ftrace_call, 5 bytes up to here');
    s.gotoText('@3');
    expect(s.whoWrote('')).toBe('ftrace_call[0] = cc: CPU0, patcher_stub, waits in its store buffer since @2');
    s.gotoText('@20');
    expect(s.whoWrote('ftrace_call[1..4]')).toBe('ftrace_call+1 = ad e9 ff ff: CPU0, patcher_stub, stored @12, in memory since @13');
    expect(() => s.whoWrote('ftrace_cal')).toThrow("there is no 'ftrace_cal'");
  });

  test('search goes to the step that does it, again and backwards', () => {
    const s = opened();
    expect(s.search('ipi')).toMatch(/^next, @7 CPU0: IPI SYNC/);
    expect(at(s)).toBe('@7');
    expect(s.search('')).toMatch(/^next, @17 /);
    expect(s.search('', 'back')).toMatch(/^next, @7 /);
    expect(s.search('modifying_ftrace_code = 0')).toMatch(/^next, @26 CPU0/);
    expect(s.search('nothing like it')).toBe("no later step with 'nothing like it'");
    expect(at(s)).toBe('@26');
  });

  test('handlers are known inside a step, and left with their IRET', () => {
    const s = opened();
    const handlers = (place: string): readonly string[] => {
      s.gotoText(place);
      return viewOf(s, '').cores[1]!.handlers;
    };
    expect(handlers('@18')).toEqual([]);
    expect(handlers('@18+1')).toEqual(['SYNC from ftrace_call @18']);
    expect(handlers('@20')).toEqual([]);
    expect(handlers('@21')).toEqual(['#BP from ftrace_call+1 @20']);
    expect(handlers('end')).toEqual(['#BP from ftrace_call+1 @20']);
  });

  test('IPIs on their way say who sent them and when', () => {
    const s = opened();
    s.gotoText('@20');
    expect(viewOf(s, '').cores[2]!.sent).toEqual(['SYNC from CPU0 @17']);
  });

  test('the focus is the core that moves unless one was chosen', () => {
    const s = opened();
    s.gotoText('@20');
    expect(s.focus).toBe(1);
    s.look(2);
    expect(viewOf(s, '').focus).toBe(2);
    s.look(undefined);
    expect(s.focus).toBe(1);
    expect(() => s.look(3)).toThrow('there is no CPU3');
  });
});
