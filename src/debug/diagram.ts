import type { Draft } from './draft.ts';
import { draftLines } from './drafting.ts';
import { fold, shorten } from './fold.ts';
import type { Happening, Trace } from './happening.ts';
import { wrap } from './wrap.ts';

export interface DiagramOptions {
  /** Columns of text, default 75: what a changelog keeps. */
  readonly width?: number;
  /** Lines that tell the race, default 20. */
  readonly lines?: number;
  /** The part from this step on, to be read below another diagram: without heads, and when it is too long the first lines stay, and how it ends. */
  readonly from?: number;
  /** The cores that have a column; those that the race needs when absent. */
  readonly cores?: readonly number[];
}

const WIDTH = 75;
const LINES = 20;
const MAX_COLUMNS = 3;
/** `  @12 ` and room for the arrow. */
const FIRST_COLUMN = 10;
const ARROW = '~~> ';

/**
 * The race as a kernel changelog shows it: a column a core, time going down, `@N` in the margin, `~~>` where the invariant breaks. Plain
 * ASCII. Only cores that the race needs have a column, only lines that tell it are there.
 */
export function raceDiagram(trace: Trace, options: DiagramOptions = {}): string {
  const width = options.width ?? WIDTH;
  const cores = options.cores ?? columns(trace);
  const from = options.from ?? 0;
  const all = fold(draftLines(trace).filter((d) => cores.includes(d.core) && (d.at ?? from) >= from));
  const most = options.lines ?? LINES;
  const { drafts, dropped } = options.from === undefined ? shorten(all, most) : { drafts: all.slice(0, most), dropped: 0 };
  // What comes later of a part: how it ends is said in any case.
  const later = options.from === undefined ? [] : all.slice(most);
  const ends = later.filter((d) => d.kind === 'violation');
  const starts = cores.map((_, i) => FIRST_COLUMN + i * (cores.length === 2 ? 32 : 20));
  const row = (margin: string, core: number, arrow: boolean, text: string): string[] => {
    const start = starts[cores.indexOf(core)] as number;
    return wrap(text, width - start).map((line, i) => {
      const left = i === 0 ? margin.padStart(5) : '';
      return `${left.padEnd(start - ARROW.length)}${arrow && i === 0 ? ARROW : '    '}${line}`;
    });
  };
  const out = options.from === undefined ? heads(trace, cores, starts) : [];
  if (dropped > 0) out.push(...row('', cores[0] as number, false, `(${dropped} earlier ${dropped === 1 ? 'line' : 'lines'} not shown)`));
  let last: number | undefined = -1;
  const tell = (d: Draft): void => {
    const margin = d.at === undefined ? 'end' : d.at === last ? '' : `@${d.at}`;
    last = d.at;
    out.push(...row(margin, d.core, d.kind === 'violation', d.text));
  };
  drafts.forEach(tell);
  const left = later.length - ends.length;
  if (left > 0)
    out.push(
      ...row('', cores[0] as number, false, `(${left} more ${left === 1 ? 'line' : 'lines'}${ends.length > 0 ? '' : ', to the end'})`),
    );
  ends.forEach(tell);
  const others = trace.steps.filter((s) => s.at >= from && !cores.includes(s.core));
  if (others.length > 0) out.push(...row('', cores[0] as number, false, sayOthers(others.map((s) => s.core))));
  return `${out.map((line) => line.trimEnd()).join('\n')}\n`;
}

const everything = (trace: Trace): Happening[] => [...trace.steps.flatMap((s) => [...s.happened]), ...trace.end];

/** Cores that wrote text, told protocol steps or sent a SYNC. */
function patchers(trace: Trace): Set<number> {
  const wrote = everything(trace).filter(
    (h) => h.what === 'mark' || (h.what === 'access' && h.site && h.access !== 'load') || (h.what === 'ipi' && h.name === 'SYNC'),
  );
  return new Set(wrote.map((h) => h.core));
}

/** The cores that get a column: where it breaks, who patches, and where neither says enough, whoever else took part. */
export function columns(trace: Trace): number[] {
  const all = everything(trace);
  const chosen = new Set([...all.filter((h) => h.what === 'violation').map((h) => h.core), ...patchers(trace)]);
  const drafted: readonly Draft[] = draftLines(trace);
  for (const d of drafted) if (chosen.size < Math.min(2, trace.cores)) chosen.add(d.core);
  if (chosen.size === 0) chosen.add(trace.steps[0]?.core ?? 0);
  return [...chosen].slice(0, MAX_COLUMNS).sort((a, b) => a - b);
}

function heads(trace: Trace, cores: readonly number[], starts: readonly number[]): string[] {
  const patching = patchers(trace);
  const names = cores.map((core) => {
    const sites = new Set(everything(trace).flatMap((h) => (h.what === 'fetch' && h.core === core ? [h.name] : [])));
    const role = patching.has(core)
      ? ' (patcher)'
      : sites.size === 0
        ? (trace.roles[core] ?? '') === ''
          ? ''
          : ` (${trace.roles[core]})`
        : sites.size > 1
          ? ' (runs the sites)'
          : ` (runs ${[...sites][0]})`;
    return `CPU${core}${role}`.slice(0, (starts[1] ?? WIDTH) - (starts[0] as number) - 1);
  });
  const line = (texts: readonly string[]): string => texts.reduce((left, text, i) => left.padEnd(starts[i] as number) + text, '');
  return [line(names), line(names.map((n) => '-'.repeat(n.length)))];
}

function sayOthers(cores: readonly number[]): string {
  const list = [...new Set(cores)].sort((a, b) => a - b).map((c) => `CPU${c}`);
  return `(${list.join(', ')}: ${cores.length} ${cores.length === 1 ? 'step' : 'steps'} not shown)`;
}
