import { disassemble } from '../../debug/disassemble.ts';
import { hexBytes } from '../../debug/names.ts';
import { Debugger } from '../../debug/timeline/debugger.ts';
import { positionText } from '../../debug/timeline/position.ts';
import { viewsOf, whoFetched, whoWrote } from '../../debug/timeline/queries.ts';
import { sayHappening } from '../../debug/trace-text.ts';
import { readLinear } from '../../machine/look.ts';
import { addressOf, countOf, type Desk, type MonitorVerb, scheduleOf } from './verb.ts';

/** Findings that are shown; the others are counted. */
const SHOWN = 8;
const MOST_BYTES = 4096;

const icache: MonitorVerb = {
  name: 'icache',
  usage: 'ADDR',
  help: 'what each core may fetch there now, what memory holds first',
  args: [1, 1],
  run(desk, [text = '']) {
    const address = addressOf(desk, text);
    const { machine } = desk.target.timeline;
    const lines = viewsOf(desk.target.timeline, desk.core.index, address).cores.map((found, n) => {
      const views = found.map(({ bytes, stale }) => `${hexBytes(bytes)}${inWords(desk, bytes, address)}${stale ? ' STALE' : ''}`);
      return `CPU${n}  ${views.length === 0 ? 'nothing is mapped there' : views.join('  or  ')}`;
    });
    const { schedule } = desk.target;
    const since = schedule === undefined ? [] : machine.cores.map((core) => `CPU${core.index} @${schedule.serializedAt(core)}`);
    return [
      `${desk.target.place(address)} (0x${address.toString(16)})`,
      ...lines,
      ...(since.length === 0 ? ['an image alone fetches what memory holds'] : [`serialized last: ${since.join(', ')}`]),
    ];
  },
};

function inWords({ target }: Desk, bytes: Uint8Array, address: bigint): string {
  const site = target.schedule?.names.siteAt(address);
  const named =
    (site?.address === address ? target.schedule?.names.instruction(site, bytes) : undefined) ??
    target.schedule?.names.disassembled(bytes, address) ??
    disassemble(bytes, address)[0]?.text;
  return named === undefined ? '' : ` (${named})`;
}

const whoWroteVerb: MonitorVerb = {
  name: 'who-wrote',
  usage: 'ADDR [SIZE]',
  help: 'who stored the bytes that are there, and when; stores that still wait',
  args: [1, 2],
  run(desk, [text = '', bytes]) {
    const address = addressOf(desk, text);
    const { image } = desk.target.timeline;
    const symbol = image.symbolAt(address);
    const whole = symbol?.offset === 0 && symbol.symbol.size > 0 ? symbol.symbol.size : 1;
    const size = Math.min(bytes === undefined ? whole : Math.max(1, countOf(bytes, 'size')), MOST_BYTES);
    const what = `${desk.target.place(address)} (0x${address.toString(16)}, ${size} ${size === 1 ? 'byte' : 'bytes'})`;
    return desk.target.schedule === undefined ? lastWriter(desk, address, size, what) : writers(desk, address, size, what);
  },
};

function writers(desk: Desk, address: bigint, size: number, what: string): readonly string[] {
  const { timeline, trace } = scheduleOf(desk);
  const found = whoWrote(timeline, desk.core.index, address, size, trace).map((w) => {
    const part = size === 1 ? '' : `[${w.address - address}${w.size === 1 ? '' : `..${w.address - address + BigInt(w.size) - 1n}`}] `;
    const made = w.stored === undefined ? 'before @0' : `@${w.stored}`;
    const reached =
      w.reached === undefined ? ', waits in its store buffer' : w.reached === w.stored ? '' : `, in memory since @${w.reached}`;
    return `${part}${hexBytes(w.bytes)}  CPU${w.core} ${w.by} ${made}${reached}`;
  });
  return [what, ...few(found, `nobody has written it before ${positionText(timeline.position)}`)];
}

/** An image alone keeps no list: the run is looked through backwards. */
function* lastWriter(desk: Desk, address: bigint, size: number, what: string): Generator<undefined, readonly string[]> {
  const { timeline } = desk.target;
  const here = timeline.position;
  const debug = new Debugger(timeline);
  debug.watches.add({ address, size, kind: 'write' });
  const text = positionText(here);
  try {
    for (const stopped of debug.slices({ direction: 'back', goal: { kind: 'continue' } })) {
      if (stopped === undefined) {
        yield undefined;
        continue;
      }
      if (stopped.why !== 'watch') return [what, `nobody has changed it before ${text}`];
      const writer = timeline.machine.cores[stopped.core];
      const rip = writer?.rip ?? 0n;
      const value = hexBytes(readLinear(timeline.machine, desk.core, address, size).subarray(0, 16));
      return [what, `${positionText(timeline.position)}  CPU${stopped.core} at ${desk.target.place(rip)}, over ${value}`];
    }
    return [what];
  } finally {
    timeline.goto(here);
  }
}

const fetched: MonitorVerb = {
  name: 'fetched',
  usage: 'ADDR',
  help: 'fetches of patched text there before this position, the last one first',
  args: [1, 1],
  run(desk, [text = '']) {
    const address = addressOf(desk, text);
    const { timeline, trace } = scheduleOf(desk);
    const found = whoFetched(timeline, desk.core.index, address, 1, trace);
    const lines = found.reverse().map(({ at, fetch }) => `@${at}  CPU${fetch.core} ${sayHappening(fetch)}`);
    return [
      `${desk.target.place(address)} (0x${address.toString(16)})`,
      ...few(lines, `no core has fetched patched text there before ${positionText(timeline.position)}`),
    ];
  },
};

const few = (lines: readonly string[], none: string): readonly string[] =>
  lines.length === 0 ? [none] : [...lines.slice(0, SHOWN), ...(lines.length > SHOWN ? [`and ${lines.length - SHOWN} before`] : [])];

export const TEXT: readonly MonitorVerb[] = [icache, fetched, whoWroteVerb];
