import { EVENT_KINDS, type Event, type EventKind, nextEvent, previousEvent } from '../../debug/timeline/queries.ts';
import { sayHappening } from '../../debug/trace-text.ts';
import { TextpokeError } from '../../error.ts';
import { didYouMean } from '../../suggest.ts';
import { whereLine } from './places.ts';
import { type Desk, FLUSH, type MonitorVerb, scheduleOf } from './verb.ts';

function parse([kind = '', cpu]: readonly string[]): readonly [kind: EventKind, core: number | undefined] {
  const found = EVENT_KINDS.find((k) => k === kind);
  if (found === undefined)
    throw new TextpokeError('E_USAGE', `'${kind}' is no kind of event`, { hint: didYouMean(kind, EVENT_KINDS) ?? EVENT_KINDS.join(' ') });
  const core = /^cpu#?(\d+)$/i.exec(cpu ?? '')?.[1];
  if (cpu !== undefined && core === undefined) throw new TextpokeError('E_USAGE', `'${cpu}' is no core`, { hint: 'cpu0, cpu1 ...' });
  return [found, core === undefined ? undefined : Number(core)];
}

function go(desk: Desk, found: Event | undefined, nothing: string): readonly string[] {
  if (found === undefined) return [nothing];
  const { at, happening } = found;
  desk.target.timeline.goto({ at, inside: 0 });
  return [`step ${at}: CPU${happening.core} ${sayHappening(happening)}`, whereLine(desk), FLUSH];
}

const next: MonitorVerb = {
  name: 'next',
  usage: 'KIND [cpuN]',
  help: `before the next step with such an event: ${EVENT_KINDS.join(' ')}`,
  args: [1, 2],
  run: (desk, args) =>
    go(desk, nextEvent(scheduleOf(desk).trace, desk.target.timeline.position, ...parse(args)), `no ${args.join(' ')} behind this`),
};

const prev: MonitorVerb = {
  name: 'prev',
  usage: 'KIND [cpuN]',
  help: 'the same, backward',
  args: [1, 2],
  run: (desk, args) =>
    go(desk, previousEvent(scheduleOf(desk).trace, desk.target.timeline.position, ...parse(args)), `no ${args.join(' ')} before this`),
};

export const FIND: readonly MonitorVerb[] = [next, prev];
