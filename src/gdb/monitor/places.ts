import { disassemble } from '../../debug/disassemble.ts';
import { exceptionName } from '../../debug/names.ts';
import { comparePositions, type Position, parsePosition, parsePositionOrEnd, positionText } from '../../debug/timeline/position.ts';
import type { Timeline } from '../../debug/timeline/timeline.ts';
import { TextpokeError } from '../../error.ts';
import { readLinear } from '../../machine/look.ts';
import { addressOf, type Desk, FLUSH, type MonitorVerb } from './verb.ts';

/** `@14 of 29, CPU1 at ftrace_call`. */
export function whereLine({ target, core }: Desk): string {
  const { position, end } = target.timeline;
  return `${positionText(position)} of ${positionText(end)}, CPU${core.index} at ${target.place(core.linearRip)}`;
}

const pos: MonitorVerb = {
  name: 'pos',
  usage: '',
  help: 'where the run is: @N is the state before step N, @N+k inside it',
  args: [0, 0],
  run: (desk) => [whereLine(desk), ...(desk.stops.until === undefined ? [] : [`until ${positionText(desk.stops.until)}`])],
};

const goto: MonitorVerb = {
  name: 'goto',
  usage: 'N|end',
  help: 'go to a position, in either direction',
  args: [1, 1],
  *run(desk, [text = '']) {
    const { timeline } = desk.target;
    yield* goTo(
      timeline,
      parsePositionOrEnd(text, () => timeline.end),
    );
    return [whereLine(desk), FLUSH];
  },
};

/** Steps from one turn of the client to the next. */
const STRIDE = 500_000;

/** A long way takes turns with the client. The timeline is where it was if there is no such position. */
function* goTo(timeline: Timeline, position: Position): Generator<undefined, void> {
  const here = timeline.position;
  // The end of a schedule is known: it says itself that it goes no further.
  for (let at = here.at + STRIDE; at < position.at && comparePositions(position, timeline.end) > 0; at += STRIDE) {
    if (timeline.play({ at, inside: 0 }) === 'end') break;
    yield undefined;
  }
  try {
    timeline.goto(position);
  } catch (error) {
    timeline.goto(here);
    throw error;
  }
}

const until: MonitorVerb = {
  name: 'until',
  usage: '[N|off]',
  help: 'the next continue or reverse-continue that comes by position N stops there',
  args: [0, 1],
  run({ stops }, [text]) {
    if (text === 'off') stops.until = undefined;
    else if (text !== undefined) stops.until = parsePosition(text);
    return [stops.until === undefined ? 'no position to stop at' : `stops at ${positionText(stops.until)}`];
  },
};

const VECTORS = 32;

const catchVerb: MonitorVerb = {
  name: 'catch',
  usage: '[#BP|VECTOR|all|off]',
  help: 'stop where a core takes an exception',
  args: [0, 1],
  run({ target }, [text]) {
    const { exceptions } = target.debug;
    if (text === 'off') exceptions.clear();
    else if (text === 'all') for (let vector = 0; vector < VECTORS; vector++) exceptions.add(vector);
    else if (text !== undefined) exceptions.add(vectorOf(text));
    const names = exceptions.size === VECTORS ? ['every exception'] : [...exceptions].map(exceptionName);
    return [names.length === 0 ? 'no exception stops a core' : `stops at ${names.join(' ')}`];
  },
};

function vectorOf(text: string): number {
  for (let vector = 0; vector < VECTORS; vector++)
    if (text === String(vector) || exceptionName(vector).replace('#', '').toLowerCase() === text.replace('#', '').toLowerCase())
      return vector;
  throw new TextpokeError('E_USAGE', `'${text}' is no exception`, { hint: '#BP, #PF, NMI ... or a vector below 32' });
}

/** Bytes that surely hold the instructions of an answer, and how many those are. */
const CODE_BYTES = 64;
const CODE_LINES = 6;

/** `0x7c00`, with its name where it has one. */
const placeOf = (name: string, address: bigint): string => {
  const hex = `0x${address.toString(16)}`;
  return name === hex ? hex : `${hex} ${name}`;
};

const code: MonitorVerb = {
  name: 'code',
  usage: '[ADDR]',
  help: 'instructions at RIP or an address, of 16, 32 or 64 bits as the core executes them now',
  args: [0, 1],
  run(desk, [text]) {
    const { core, target } = desk;
    const { codeBase, codeSize, linearRip } = core;
    const address = text === undefined ? linearRip : addressOf(desk, text);
    const bytes = readLinear(target.timeline.machine, core, address, CODE_BYTES, 'memory');
    const lines = disassemble(bytes, address, 'att', codeSize, codeBase).slice(0, CODE_LINES);
    return [
      `${codeSize} bits, cs 0x${core.get('cs').toString(16)}`,
      ...lines.map(
        (line) => `${line.address === linearRip ? '=>' : '  '} ${placeOf(target.place(line.address), line.address)}: ${line.text}`,
      ),
    ];
  },
};

export const PLACES: readonly MonitorVerb[] = [pos, goto, until, catchVerb, code];
