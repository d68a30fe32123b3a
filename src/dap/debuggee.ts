import { type Frame, stackOf } from '../debug/timeline/stack.ts';
import { TextpokeError } from '../error.ts';
import type { Core } from '../machine/core.ts';
import { Breakpoints } from './breakpoints.ts';
import type { Client } from './client.ts';
import { Disassembly } from './disassembly.ts';
import type { Fields } from './fields.ts';
import type { DapHost } from './host.ts';
import type { Run } from './run.ts';
import { Sources } from './sources.ts';
import { Stepping } from './stepping.ts';
import type { Wishes } from './target.ts';
import { Variables } from './variables.ts';

/** Frames of one core in the numbers of frames. */
const FRAMES = 1000;

/** A run as one client looks at it. Threads are cores, counted from 1. */
export class Debuggee {
  readonly run: Run;
  readonly client: Client;
  readonly host: DapHost;
  readonly wishes: Wishes;
  readonly sources: Sources;
  readonly breakpoints: Breakpoints;
  readonly disassembly: Disassembly;
  readonly variables: Variables;
  readonly stepping: Stepping;
  /** Whether a violation at the end of the run is an exception to stop at. */
  stopsAtViolation = true;
  /** The core that the last stop was about. */
  focus = 0;

  constructor(run: Run, client: Client, host: DapHost, wishes: Wishes, say: (text: string) => void) {
    this.run = run;
    this.client = client;
    this.host = host;
    this.wishes = wishes;
    this.sources = new Sources(run.image, host, wishes.sourceRoots);
    this.breakpoints = new Breakpoints(run);
    this.disassembly = new Disassembly(run, this.sources, wishes.syntax);
    this.variables = new Variables(run, this.disassembly);
    this.stepping = new Stepping(run, this.sources, this.breakpoints, say);
  }

  threadOf(core: number): number {
    return core + 1;
  }

  /** The core of `threadId`. */
  coreOf(fields: Fields): number {
    return fields.needNumber('threadId', 1, this.run.cores.length) - 1;
  }

  frames(core: Core): readonly Frame[] {
    return stackOf(this.run.timeline, core, this.run.sites);
  }

  frameId(core: number, n: number): number {
    return (core + 1) * FRAMES + n;
  }

  /** The core and the frame of a number that `frameId` gave; without one the core of the last stop. */
  frameOf(id: number | undefined): { readonly core: Core; readonly frame: Frame } {
    const core = id === undefined ? this.focus : Math.floor(id / FRAMES) - 1;
    const on = this.run.cores[core];
    const frame = on === undefined ? undefined : this.frames(on)[id === undefined ? 0 : id % FRAMES];
    if (on === undefined || frame === undefined)
      throw new TextpokeError('E_USAGE', `there is no frame ${id} any more`, { where: `frameId ${id}`, hint: 'ask for the stack again' });
    return { core: on, frame };
  }
}
