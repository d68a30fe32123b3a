import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BareTimeline } from '../../../src/debug/timeline/bare-timeline.ts';
import { Debugger } from '../../../src/debug/timeline/debugger.ts';
import { openCell } from '../../../src/debug/timeline/session.ts';
import { type Frame, stackOf } from '../../../src/debug/timeline/stack.ts';
import { imageFromElf } from '../../../src/image/image.ts';
import { BareMachine } from '../../../src/kernel/bare.ts';
import { scenarioOf } from '../../../src/scenario/catalogue.ts';
import { CellRunner, smokeCell } from '../../../src/scenario/matrix.ts';
import { variantOf } from '../../../src/scenario/scenario.ts';
import { builtFixture } from '../../../tools/built-fixture.ts';
import { bareOf } from '../../kernel/bare.ts';

describe('the stack of a core', () => {
  test('a handler in C, its entry stub in assembly, the interrupted site, and who called that', () => {
    const scenario = scenarioOf('F1');
    const { session } = openCell(new CellRunner(builtFixture), scenario, variantOf(scenario, 'no-final-sync'), smokeCell(scenario));
    const { timeline } = session;
    const site = timeline.world.sites[0]!.address;
    const debug = new Debugger(timeline);
    debug.breakpoints.add(timeline.image.symbol('ftrace_int3_handler').address);
    debug.resume({ direction: 'forward', goal: { kind: 'continue' } });
    const core = timeline.machine.cores[1]!;
    const told = (): string[] =>
      stackOf(timeline, core, [site]).map((f: Frame) => `${f.kind} ${timeline.image.symbolAt(f.at)?.symbol.name}`);
    const [current, ...callers] = told();
    expect(current).toBe('current ftrace_int3_handler');
    expect(callers[0]).toBe('called exc_int3');
    expect(callers[1]).toBe('called asm_exc_int3');
    expect(callers[2]).toMatch(/^interrupted /);
    expect(stackOf(timeline, core, [site])[3]!.rip).toBe(site + 1n);
    expect(callers.at(-1)).toBe('called victim_main');
    // Where the frame is half built it is the same stack.
    for (let n = 0; n < 6; n++) {
      debug.resume({ direction: 'forward', goal: { kind: 'instruction', core: 1 } });
      expect(told().slice(-callers.length)).toEqual(callers);
    }
  });

  test('return addresses of assembly are those behind a CALL; data that looks like code is not one', () => {
    const timeline = new BareTimeline(
      bareOf(
        'start: call outer\nhlt\nouter: lea inner(%rip), %rax\npush %rax\ncall *%rax\npop %rax\nret\ninner: push $0x55\nnop\npop %rdx\nret\n',
        {
          journal: true,
        },
      ),
    );
    timeline.goto({ at: 5, inside: 0 });
    const frames = stackOf(timeline, timeline.machine.cores[0]!);
    expect(frames.map((f) => timeline.image.symbolAt(f.at)?.symbol.name)).toEqual(['inner', 'outer', 'start']);
    expect(frames[1]!.registers.get(4)).toBe(timeline.machine.cores[0]!.gpr(4) + 16n);
  });

  test('of a program in C each frame knows the registers that its callees saved', () => {
    const hello = imageFromElf(readFileSync('fixtures/run/hello.elf'));
    const timeline = new BareTimeline(new BareMachine(hello, { cores: 1, ramBytes: 8 << 20, serial: () => {}, journal: true }));
    const core = timeline.machine.cores[0]!;
    const main = timeline.image.symbol('main').address;
    const debug = new Debugger(timeline);
    debug.breakpoints.add(main);
    debug.resume({ direction: 'forward', goal: { kind: 'continue' } });
    const rsp = core.gpr(4) + 8n;
    const kept = core.gpr(3);
    let depth = 0;
    for (let n = 0; n < 200; n++) {
      const frames = stackOf(timeline, core);
      const outer = frames.find((f) => f.registers.get(4) === rsp);
      if (timeline.image.symbolAt(core.rip)?.symbol.name === '_start') break;
      expect(outer?.registers.get(3)).toBe(kept);
      depth = Math.max(depth, frames.length);
      debug.resume({ direction: 'forward', goal: { kind: 'instruction', core: 0 } });
    }
    expect(depth).toBeGreaterThan(2);
  });
});
