import { describe, expect, test } from 'vitest';
import { BareTimeline } from '../../../src/debug/timeline/bare-timeline.ts';
import { Debugger, type Stopped, type Watch } from '../../../src/debug/timeline/debugger.ts';
import { positionText } from '../../../src/debug/timeline/position.ts';
import { ScheduleTimeline } from '../../../src/debug/timeline/schedule-timeline.ts';
import { openCell } from '../../../src/debug/timeline/session.ts';
import { CATALOGUE } from '../../../src/scenario/catalogue.ts';
import { CellRunner, smokeCell } from '../../../src/scenario/matrix.ts';
import { variantOf } from '../../../src/scenario/scenario.ts';
import { builtFixture } from '../../../tools/built-fixture.ts';
import { BASE, bareOf } from '../../kernel/bare.ts';

const LOOP = `
  mov $5, %ecx
1: mov counter(%rip), %rax
  add $3, %rax
  mov %rax, counter(%rip)
  nop
  dec %ecx
  jnz 1b
  mov $0xf4, %edx
  out %eax, %dx
.balign 8
counter: .quad 0
`;

const loop = (): Debugger => new Debugger(new BareTimeline(bareOf(LOOP, { journal: true })));
const COUNTER = ((): bigint => {
  const { image } = loop().timeline;
  return image.symbol('counter').address;
})();
/** Where the loop begins: behind a MOV of five bytes. */
const AGAIN = BASE + 5n;

/** All stops in one direction, as text. */
function stops(debug: Debugger, direction: 'forward' | 'back'): string[] {
  const out: string[] = [];
  for (;;) {
    const stopped = debug.resume({ direction, goal: { kind: 'continue' } }) as Stopped;
    if (stopped.why === 'end' || stopped.why === 'begin') return out;
    out.push(`${stopped.why} ${positionText(debug.timeline.position)} ${debug.timeline.machine.cores[0]!.rip.toString(16)}`);
  }
}

describe('a debugger', () => {
  test('breakpoints stop at the same places both ways, and guest memory holds none', () => {
    const debug = loop();
    const before = debug.timeline.machine.hash();
    debug.breakpoints.add(AGAIN);
    expect(debug.timeline.machine.hash()).toBe(before);
    const forward = stops(debug, 'forward');
    expect(forward).toHaveLength(5);
    expect(stops(debug, 'back')).toEqual([...forward].reverse());
    expect(debug.timeline.machine.hash()).toBe(before);
  });

  test('a watched word stops behind each store forward, and before each store backward', () => {
    const debug = loop();
    const watch: Watch = { address: COUNTER, size: 8, kind: 'write' };
    debug.watches.add(watch);
    const forward = stops(debug, 'forward');
    expect(forward).toHaveLength(5);
    const at = (text: string): number => Number(/@(\d+)/.exec(text)![1]);
    expect(
      stops(debug, 'back')
        .map((s) => at(s) + 1)
        .reverse(),
    ).toEqual(forward.map(at));
  });

  test('reads are seen by what instructions do, not by what changes', () => {
    const debug = loop();
    debug.watches.add({ address: COUNTER, size: 1, kind: 'read' });
    expect(stops(debug, 'forward')).toHaveLength(5);
    debug.watches.clear();
    debug.watches.add({ address: COUNTER + 4n, size: 1, kind: 'access' });
    expect(stops(debug, 'back')).toHaveLength(10);
  });

  test('one instruction forward and one back is where one was', () => {
    const debug = loop();
    debug.timeline.goto({ at: 9, inside: 0 });
    const hash = debug.timeline.machine.hash();
    expect(debug.resume({ direction: 'forward', goal: { kind: 'instruction', core: 0 } })).toEqual({ why: 'step', core: 0 });
    expect(debug.timeline.position).toEqual({ at: 10, inside: 0 });
    expect(debug.resume({ direction: 'back', goal: { kind: 'instruction', core: 0 } })).toEqual({ why: 'step', core: 0 });
    expect(debug.timeline.machine.hash()).toBe(hash);
    expect(debug.resume({ direction: 'forward', goal: { kind: 'continue' }, until: { at: 12, inside: 0 } })?.why).toBe('until');
    expect(debug.resume({ direction: 'back', goal: { kind: 'continue' }, until: { at: 4, inside: 0 } })?.why).toBe('until');
    expect(debug.timeline.position.at).toBe(4);
    expect(debug.resume({ direction: 'back', goal: { kind: 'continue' } })?.why).toBe('begin');
  });

  test('in a schedule, too, breakpoints stop at the same places both ways', () => {
    const runner = new CellRunner(builtFixture);
    const scenario = CATALOGUE.find((s) => s.name === 'ftrace/late-handler')!;
    const { session } = openCell(runner, scenario, variantOf(scenario, 'final-sync'), { ...smokeCell(scenario), victims: 2 });
    const { timeline } = session;
    const debug = new Debugger(timeline);
    for (const address of ['ftrace_call', 'target_b', 'sysvec_sync_core', 'asm_exc_int3'])
      debug.breakpoints.add(timeline.image.symbol(address).address);
    const forward = stops(debug, 'forward');
    expect(forward.length).toBeGreaterThan(10);
    // Where a step ends and inside one.
    expect(forward.some((s) => s.includes('+'))).toBe(true);
    expect(forward.some((s) => !s.includes('+'))).toBe(true);
    expect(stops(debug, 'back')).toEqual([...forward].reverse());
    timeline.world.release();
  });

  test('a locked core moves alone, and the run is another one then', () => {
    const runner = new CellRunner(builtFixture);
    const scenario = CATALOGUE.find((s) => s.name === 'text-poke/three-phase')!;
    const cell = smokeCell(scenario);
    const variant = scenario.variants[0]!.name;
    const world = runner.maker(scenario, variant, cell)();
    world.begin(runner.learned(scenario, variant, cell));
    const timeline = new ScheduleTimeline(world, [0, 0, 0, 0, 0, 0]);
    const debug = new Debugger(timeline);
    expect(timeline.options[0]!.core).toBe(0);
    const patcher = timeline.machine.cores[0]!.rip;
    for (let n = 0; n < 3; n++)
      expect(debug.resume({ direction: 'forward', goal: { kind: 'instruction', core: 1 }, locked: 1 })).toEqual({ why: 'step', core: 1 });
    expect(timeline.machine.cores[0]!.rip).toBe(patcher);
    expect(timeline.answers[0]).not.toBe(0);
    world.release();
  });
});
