import type { Debugger } from '../debug/timeline/debugger.ts';
import type { Timeline } from '../debug/timeline/timeline.ts';
import type { Core } from '../machine/core.ts';
import type { RegisterFile } from './registers.ts';
import type { Schedule } from './schedule.ts';
import type { SerialLog } from './serial.ts';

/** The one file of the host that a client may have. */
export interface ExecFile {
  /** Where it lies. */
  readonly path: string;
  /** Its bytes go through the connection, for a gdb on another host; else gdb opens the path by itself. */
  readonly sent: boolean;
  readonly bytes: () => Uint8Array;
}

/** What a client debugs. Outlives the clients: the next one finds the machine where the last one left it. */
export interface Target {
  readonly timeline: Timeline;
  readonly debug: Debugger;
  readonly execFile: ExecFile | undefined;
  readonly registers: RegisterFile;
  /** The schedule that is run; an image alone has none. */
  readonly schedule: Schedule | undefined;
  /** What the guest wrote; a scenario's cores have no serial port. */
  readonly serial: SerialLog | undefined;
  /** The core that a client looks at first. */
  readonly firstCore: () => number;
  /** `CPU#1 ftrace_call`. */
  readonly threadName: (core: Core) => string;
  /** What `info threads` shows beside the name. */
  readonly threadText: (core: Core) => string;
  /** What a person should know at the end of the run, a line each. */
  readonly endLines: () => readonly string[];
  /** A place in code or data in words. */
  readonly place: (address: bigint) => string;
}
