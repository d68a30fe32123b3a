import type { BareTimeline } from '../debug/timeline/bare-timeline.ts';
import { Debugger } from '../debug/timeline/debugger.ts';
import { positionText } from '../debug/timeline/position.ts';
import type { Session } from '../debug/timeline/session.ts';
import { CORE } from '../engine/layout.ts';
import { CHECK_TITLES } from '../explore/violation.ts';
import { Activity } from '../isa/core-state.ts';
import { endText } from '../kernel/bare-report.ts';
import type { Core } from '../machine/core.ts';
import { type Bits, registerFile } from './registers.ts';
import { Schedule } from './schedule.ts';
import type { SerialLog } from './serial.ts';
import type { ExecFile, Target } from './target.ts';

/** The run of a scenario as a target. */
export function scheduleTarget(session: Session, execFile: ExecFile | undefined): Target {
  const { timeline } = session;
  const schedule = new Schedule(session);
  const roles = session.recorded.trace.roles;
  return {
    timeline,
    debug: new Debugger(timeline),
    execFile,
    registers: registerFile(64),
    schedule,
    serial: undefined,
    firstCore: () => timeline.lastCore,
    threadName: (core) => `CPU#${core.index} ${roles[core.index] ?? ''}`.trim(),
    threadText: (core) => {
      const stale = schedule.staleSites(core);
      const parts = [stale.length === 0 ? 'icache clean' : `stale: ${stale.join(' ')}`, ...stateWords(core)];
      return `${positionText(timeline.position)} ${parts.join(', ')}`;
    },
    endLines: () => {
      const { violations } = timeline;
      if (violations.length > 0)
        return violations.map((v) => `VIOLATION ${v.check} (${CHECK_TITLES[v.check]}): ${schedule.names.plain(v.message)}`);
      const more = timeline.options.length;
      return [more === 0 ? 'the run has ended: nothing more can happen' : 'the run goes no further here: see monitor choices'];
    },
    place: (address) => schedule.names.code(address),
  };
}

/** The run of an image alone as a target; clients take all code for code of so many bits. */
export function bareTarget(timeline: BareTimeline, serial: SerialLog, execFile: ExecFile | undefined, bits: Bits = 64): Target {
  return {
    timeline,
    debug: new Debugger(timeline),
    execFile,
    registers: registerFile(bits),
    schedule: undefined,
    serial,
    firstCore: () => 0,
    threadName: (core) => `CPU#${core.index}`,
    threadText: (core) => [positionText(timeline.position), ...stateWords(core)].join(', '),
    endLines: () => timeline.run.cores.map(({ core, end }) => `core ${core}: ${endText(timeline.image, end)}`),
    place: (address) => timeline.image.describe(address),
  };
}

const ACTIVITIES = Object.fromEntries(Object.entries(Activity).map(([name, value]) => [value, name]));

/** What of a core's state is not as usual. */
function stateWords(core: Core): string[] {
  const stores = core.raw(CORE.storeBufferCount);
  return [
    ...(stores === 0 ? [] : [`${stores} ${stores === 1 ? 'store' : 'stores'} buffered`]),
    ...(core.activity === Activity.running ? [] : [ACTIVITIES[core.activity] ?? '']),
  ];
}
