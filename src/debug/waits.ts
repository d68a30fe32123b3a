import { CORE, Stop } from '../engine/layout.ts';
import { options } from '../explore/path.ts';
import type { World } from '../explore/world.ts';
import { Activity } from '../isa/core-state.ts';
import type { Trace, Write } from './happening.ts';
import { reads, writes } from './happening.ts';
import { TraceRecorder } from './trace.ts';

/** Steps in which a core that waits must come round. */
const ROUND = 64;
const MOST_WORDS = 2;

/**
 * Who waits for what where a run gets nowhere: each core that has not come to its end, the words that it looks at again and again (or looked at last, where it can do
 * nothing at all), what they hold, and who wrote that.
 */
export function sayWaits(make: () => World, answers: readonly number[]): string[] {
  const world = make();
  const recorder = new TraceRecorder(world);
  try {
    for (const answer of answers) recorder.answer(answer);
    const trace = { steps: [...recorder.steps] };
    return world.machine.cores.flatMap((core) => {
      if (core.small('activity') !== Activity.running || core.raw(CORE.stop) === Stop.idle) return [];
      const where = recorder.names.code(core.rip);
      const looked = looks(recorder, core.index);
      const last = looked.length > 0 ? looked : lastLook(trace.steps, core.index);
      const words = last.slice(-MOST_WORDS).map((name) => sayWord(trace.steps, core.index, name));
      return [
        `CPU${core.index} ${last.length === 0 ? 'stays' : 'waits'} at ${where}${words.length === 0 ? '' : ` for ${words.join(' and ')}`}`,
      ];
    });
  } finally {
    recorder.detach();
    world.release();
  }
}

/** Words that a core alone looks at until it is where it was. */
function looks(recorder: TraceRecorder, core: number): string[] {
  const { world } = recorder;
  const { machine } = world;
  const before = recorder.steps.length;
  const mark = machine.mark();
  const start = machine.hash();
  for (let n = 0; n < ROUND; n++) {
    const answer = options(world, recorder.lastCore).findIndex((o) => o.core === core && o.kind === 'step');
    if (answer < 0) break;
    recorder.answer(answer);
    if (recorder.violations.length > 0 || machine.hash() === start) break;
  }
  const steps = recorder.steps.splice(before);
  machine.rollback(mark);
  return lastLook(steps, core, true);
}

function lastLook(steps: Trace['steps'], core: number, all = false): string[] {
  const names = steps.flatMap((s) => s.happened.flatMap((h) => (reads(h) && h.core === core ? [h.name] : [])));
  return all ? [...new Set(names)] : names.slice(-1);
}

/** `lock: 1, by CPU0 @12`. */
function sayWord(steps: Trace['steps'], core: number, name: string): string {
  const written = steps
    .flatMap((s) => s.happened.flatMap((h) => (writes(h) && h.name === name ? [{ h: h as Write, at: s.at }] : [])))
    .at(-1);
  if (written === undefined) return name;
  const by = written.h.core === core ? '' : `, by CPU${written.h.core} @${written.at}`;
  return `${name} (${written.h.text}${by})`;
}
