// How diagrams call what the small world is made of. The goldens hold no bytes and no addresses: TEXTPOKE_ACCEPT=1 npx vitest run test/debug accepts.
import { describe, expect, test } from 'vitest';
import { raceDiagram } from '../../src/debug/diagram.ts';
import type { Happening, Trace } from '../../src/debug/happening.ts';
import { Names } from '../../src/debug/names.ts';
import { recordTrace, TraceRecorder } from '../../src/debug/trace.ts';
import { formatTrace } from '../../src/debug/trace-text.ts';
import { explore } from '../../src/explore/explore.ts';
import { options } from '../../src/explore/path.ts';
import type { World } from '../../src/explore/world.ts';
import type { Patcher } from '../../src/patch/operation.ts';
import { addTasks, kernelWorld } from '../../src/scenario/kernel-world.ts';
import { builtFixture } from '../../tools/built-fixture.ts';
import { expectGolden } from './golden.ts';

const CELL = { victims: 1, fetch: 'coherent', memory: 'sc' } as const;

/** CPU0 calls functions one after the other, CPU1 reads. */
function world(calls: readonly (readonly [string, ...bigint[]])[], reader = 'rcu_reader', more: (world: World) => void = () => {}): World {
  const made = kernelWorld(builtFixture('small-world'), CELL);
  made.add({
    core: 0,
    entry: 'patcher_stub',
    *patcher(): Patcher {
      for (const [what, ...args] of calls) yield { do: 'call', address: made.lab.symbol(what), args, what };
    },
  });
  addTasks(made, CELL, [reader], {});
  made.wantedWitnesses = [];
  more(made);
  return made;
}

/** The run in which nobody is held up and interrupts are taken at once. */
function straight(made: World): Trace {
  made.begin();
  const recorder = new TraceRecorder(made);
  for (let n = 0; n < 500; n++) {
    const offered = options(made, recorder.lastCore);
    if (offered.length === 0) break;
    const interrupt = offered.findIndex((c) => c.kind === 'interrupt');
    recorder.answer(Math.max(0, interrupt));
  }
  recorder.detach();
  return recorder.finish();
}

function happenings(trace: Trace): Happening[] {
  return trace.steps.flatMap((step) => [...step.happened]);
}

test('an item is freed under its reader: calls of the patcher, slab objects, fields, what died', () => {
  const make = (): World => world([['publish_first'], ['retire', 0n]]);
  const found = explore(make, { prefer: { check: 'I5' } });
  expect(found.counterexample?.violation.check).toBe('I5');
  const again = make();
  again.begin(found.knowledge);
  const diagram = raceDiagram(recordTrace(again, found.counterexample?.answers ?? []));
  expectGolden('use-after-free.diagram', diagram);
  expect(diagram.split('\n').filter((line) => line.length > 75)).toEqual([]);
});

test('an object that a world gave a name', () => {
  const named = world([['publish_first']], 'rcu_reader', (w) => void w.objects.set(w.lab.symbol('slab'), 'first'));
  const accesses = happenings(straight(named)).flatMap((h) => (h.what === 'access' ? [`${h.name} = ${h.text}`] : []));
  expect(accesses).toContain('published = first');
  const unnamed = new Names(world([]));
  const slab = unnamed.code(world([]).lab.symbol('slab') + 0x108n);
  expect(slab).toBe('slab[2]+0x8');
});

describe('interrupts by the names of their vectors', () => {
  test('a reschedule IPI, an NMI, a timer', () => {
    const trace = straight(
      world([['schedule_on_each_cpu']], 'nothing', (w) => {
        w.machine.cores[1]?.setSmall('nmiPending', 1);
      }),
    );
    const names = (what: 'ipi' | 'interrupt' | 'exception'): string[] =>
      happenings(trace).flatMap((h) => (h.what === what ? [h.name] : []));
    expect(names('ipi')).toContain('RESCHEDULE');
    expect(names('interrupt')).toContain('RESCHEDULE');
    expect([...names('interrupt'), ...names('exception')]).toContain('NMI');
    expect(raceDiagram(trace)).toMatch(/RESCHEDULE: IPI -> CPU1/);
  });
});

test('per-CPU words of every core have their names', () => {
  const made = world([]);
  const names = new Names(made);
  const { lab } = made;
  const at = (core: number, word: string): string => names.data(lab.privatePage(core, 0) + lab.abi('KERNEL_PERCPU') + lab.abi(word), 4);
  for (const word of ['dynticks', 'need_resched', 'qs', 'sched_count']) expect(at(1, `PERCPU_${word.toUpperCase()}`)).toBe(`${word}[1]`);
  expect(names.data(lab.privatePage(1, 0) + lab.abi('PERCPU_REFS'), 4)).toBe('text_poke_array_refs[1]');
});

test('what a guest says is a line, with its value in words', () => {
  const made = world([]);
  made.begin();
  const recorder = new TraceRecorder(made);
  const said: Happening = { what: 'note', core: 1, id: 'SAY', a: 'goes on at rcu_reader', b: '' };
  const trace: Trace = {
    ...recorder.finish(),
    steps: [{ at: 0, core: 1, choice: 'step', answer: 0, offered: 1, rip: 0n, symbol: 'rcu_reader', happened: [said] }],
  };
  recorder.detach();
  expect(raceDiagram(trace)).toContain(' goes on at rcu_reader');
  expect(formatTrace(trace)).toContain('says: goes on at rcu_reader');
});

test('heads say what cores run that patch nothing', () => {
  expect(straight(world([['publish_first']])).roles).toEqual(['', 'rcu_reader']);
  expect(raceDiagram(straight(world([['publish_first']])))).toMatch(/^ +CPU1 \(rcu_reader\)\n/);
});

test('a livelock ends the diagram, though no step of the way into it breaks anything', () => {
  const made = world([['publish_first']]);
  made.begin();
  const trace = recordTrace(made, [0], { check: 'I13', cause: 'livelock', message: 'livelock: CPU1 can go on for ever', core: 1, rip: 0n });
  expect(trace.violations).toHaveLength(1);
  expect(raceDiagram(trace)).toMatch(/\n {2}end +~~> livelock: CPU1 can go on/);
});
