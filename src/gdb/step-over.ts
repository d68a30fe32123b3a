import type { Request, Stopped } from '../debug/timeline/debugger.ts';
import { type Position, positionText } from '../debug/timeline/position.ts';
import type { Target } from './target.ts';

// gdb steps a core over a breakpoint on its own account before it goes on. It bears no news of other cores meanwhile (13.1 dies of an internal error), and
// waits for ever for a step that ended with the end of history.

/** A stop that gdb could not be told of, and where it was. */
export interface Missed {
  readonly stopped: Stopped;
  readonly position: Position;
}

/** What came of a step over a breakpoint. */
export type SteppedOver =
  | { readonly how: 'moved'; readonly stopped: Stopped; readonly missed: Missed | undefined }
  /** The core does not move any more in this run, or not soon, though others do. The run is where the first of them comes to a stop. */
  | { readonly how: 'waits'; readonly missed: Missed }
  | { readonly how: 'unmoved'; readonly stopped: Stopped };

/** Slices of a run that goes on behind something that was missed. */
const PATIENCE = 50;

/** The schedule goes on until this core has executed its instruction, whatever the others come to. `missed`: what they came to before. */
export function* stepOver(
  { debug, timeline }: Target,
  request: Request,
  core: number,
  before: Missed | undefined,
  turn: () => void,
): Generator<undefined, SteppedOver> {
  let missed = before;
  let slices = 0;
  for (let asked = request; ; asked = { direction: 'forward', goal: asked.goal }) {
    let stopped: Stopped | undefined;
    for (stopped of debug.slices(asked)) {
      turn();
      if (stopped !== undefined || (missed !== undefined && ++slices > PATIENCE)) break;
      yield undefined;
    }
    if (stopped !== undefined && isNews(stopped, core)) {
      missed ??= { stopped, position: timeline.position };
      // The core itself has moved: into a handler.
      if (stopped.why === 'exception' && stopped.core === core) return { how: 'moved', stopped: { why: 'step', core }, missed };
      continue;
    }
    if (stopped !== undefined && stopped.why !== 'end') return { how: 'moved', stopped, missed };
    if (missed === undefined) return { how: 'unmoved', stopped: stopped ?? { why: 'end', core } };
    timeline.goto(missed.position);
    return { how: 'waits', missed };
  }
}

/** Whether a client that waits for one core to step must not hear of a stop. */
function isNews(stopped: Stopped, core: number): boolean {
  switch (stopped.why) {
    case 'until':
    case 'exception':
      return true;
    case 'breakpoint':
    case 'watch':
      return stopped.core !== core;
    default:
      return false;
  }
}

/** `CPU2 came to a stop meanwhile, at @14`. */
export const missedLine = ({ stopped, position }: Missed): string =>
  `CPU${stopped.core} came to a stop meanwhile, at ${positionText(position)}`;
