import { describe, expect, test } from 'vitest';
import { BareTimeline } from '../../../src/debug/timeline/bare-timeline.ts';
import { Debugger, type Request, type Stopped } from '../../../src/debug/timeline/debugger.ts';
import type { BareMachine } from '../../../src/kernel/bare.ts';
import { bareOf } from '../../kernel/bare.ts';

/** A loop that is hot by far, and changes the number that it adds each 4096 times around: regions of it come and go. */
const GUEST = `
  mov $50000, %ecx
again:
patched:
  add $1, %eax
  imul $3, %eax, %ebx
  mov %ebx, word(%rip)
  xor %ebx, %edx
  test $4095, %ecx
  jnz 2f
rare:
  incb patched+2(%rip)
  incq counter(%rip)
2:
  dec %ecx
  jnz again
  xor %eax, %eax
  mov $0xf4, %edx
  out %eax, %dx
.balign 4096
word: .quad 0
counter: .quad 0
`;

const forward: Request = { direction: 'forward', goal: { kind: 'continue' } };
const back: Request = { direction: 'back', goal: { kind: 'continue' } };
const step: Request = { direction: 'forward', goal: { kind: 'instruction', core: 0 } };
const stepBack: Request = { direction: 'back', goal: { kind: 'instruction', core: 0 } };

/** Goes through the run as a person would, and writes each stop down. */
function session(engine: 'interpreter' | 'region', cores = 1): { readonly said: readonly string[]; readonly bare: BareMachine } {
  const bare = bareOf(GUEST, { engine, cores, journal: true });
  const timeline = new BareTimeline(bare, 60_000);
  const debug = new Debugger(timeline);
  const { machine, image } = timeline;
  const said: string[] = [];
  const say = (what: string, stopped?: Stopped): void => {
    const registers = machine.cores.map((c) => `${image.describe(c.rip)} ${c.rflags} ${[0, 1, 2, 3].map((n) => c.gpr(n)).join(' ')}`);
    const { at, inside } = timeline.position;
    said.push(`${what} ${stopped?.why ?? ''} @${at}+${inside} ${registers.join('; ')} ${machine.hash()}`);
  };
  const go = (what: string, request: Request): void => say(what, debug.resume(request));
  timeline.goto({ at: 100_000, inside: 0 });
  say('deep inside the loop');
  const loop = image.symbol('again').address;
  debug.breakpoints.add(loop);
  for (let n = 0; n < 3; n++) go('breakpoint in it', forward);
  for (let n = 0; n < 12; n++) go('step', step);
  for (let n = 0; n < 14; n++) go('step back', stepBack);
  go('back to it', back);
  debug.breakpoints.clear();
  debug.breakpoints.add(image.symbol('rare').address);
  go('a rare place', forward);
  debug.breakpoints.clear();
  const watch = { address: image.symbol('counter').address, size: 8, kind: 'write' } as const;
  debug.watches.add(watch);
  go('who counts', forward);
  go('who counts next', forward);
  go('who counted', back);
  debug.watches.clear();
  debug.watches.add({ address: image.symbol('word').address, size: 4, kind: 'access' });
  go('who uses it', forward);
  go('who used it', back);
  debug.watches.clear();
  go('no more', { ...forward, until: { at: timeline.position.at + 30_000, inside: 0 } });
  timeline.goto({ at: 234_567, inside: 0 });
  say('there');
  go('the end', forward);
  debug.breakpoints.add(image.symbol('rare').address);
  go('the last rare one', back);
  timeline.goto({ at: 77_777, inside: 0 });
  say('long before');
  timeline.play(undefined);
  say('the end again');
  return { said, bare };
}

describe('a debugger of compiled code', () => {
  test.each([1, 2])('counts and stops as one of the interpreter, on %i cores', (cores) => {
    const compiled = session('region', cores);
    const { engine } = compiled.bare.machine;
    // Otherwise nothing was compared. The loop was compiled again when its text had changed.
    expect(engine.regionsCompiled).toBeGreaterThan(1);
    expect(engine.retiredInRegions).toBeGreaterThan(100_000);
    expect(compiled.said).toEqual(session('interpreter', cores).said);
  });

  test('a breakpoint in a loop that runs compiled stops its next time around', () => {
    const bare = bareOf(GUEST, { engine: 'region', journal: true });
    const timeline = new BareTimeline(bare);
    timeline.goto({ at: 150_001, inside: 0 });
    expect(bare.machine.engine.retiredInRegions).toBeGreaterThan(50_000);
    const debug = new Debugger(timeline);
    const address = bare.image.symbol('again').address;
    debug.breakpoints.add(address);
    expect(debug.resume(forward)).toEqual({ why: 'breakpoint', core: 0, address });
    const first = timeline.position.at;
    expect(first - 150_001).toBeLessThanOrEqual(8);
    expect(debug.resume(forward)).toEqual({ why: 'breakpoint', core: 0, address });
    expect(timeline.position.at - first).toBe(8);
  });

  test('looking backwards in a long run replays each part of it few times', () => {
    const timeline = new BareTimeline(bareOf(GUEST, { engine: 'region', journal: true }));
    timeline.play(undefined);
    const end = timeline.position.at;
    let ahead = 0;
    const { goto } = timeline;
    timeline.goto = (position) => {
      ahead += position.at;
      goto.call(timeline, position);
    };
    expect(new Debugger(timeline).resume(back)).toEqual({ why: 'begin', core: 0 });
    // There is one snapshot, at the start: in strides of 5,000 it would be 40 times the run.
    expect(end).toBeGreaterThan(350_000);
    expect(ahead).toBeLessThan(12 * end);
  });
});
