import { positionText } from '../timeline/position.ts';
import { wrap } from '../wrap.ts';
import type { SiteByte, SiteRow } from './site-bytes.ts';
import { broken, type Line, lengthOf, line, span } from './spans.ts';
import type { ChoiceView, CoreView, View } from './view.ts';

/** What can be shown, in the order in which room is given to it. */
export const PANELS = ['choices', 'cores', 'bytes', 'code', 'run', 'registers'] as const;
export type PanelName = (typeof PANELS)[number];

/** A panel's lines, and the one that must be seen first where there is no room for all. */
export interface Panel {
  readonly name: PanelName;
  readonly title: string;
  readonly lines: readonly Line[];
  readonly anchor: number;
}

/** A panel in full; `brief` is one line for each thing, which may be cut. */
export function panelOf(view: View, name: PanelName, width: number, brief: boolean): Panel {
  const panel = contentsOf(view, name, width, brief);
  if (brief) return panel;
  const before = panel.lines.slice(0, panel.anchor);
  const inFull = (lines: readonly Line[]): Line[] => lines.flatMap((l) => (lengthOf(l) > width ? broken(l, width, INDENT) : [l]));
  return { ...panel, lines: inFull(panel.lines), anchor: inFull(before).length };
}

/** Of what is left of a line that is too long. */
const INDENT = 8;

function contentsOf(view: View, name: PanelName, width: number, brief: boolean): Panel {
  switch (name) {
    case 'choices':
      return { name, title: 'choices', lines: choiceLines(view, width, brief), anchor: 0 };
    case 'cores':
      return { name, title: 'cores', lines: view.cores.flatMap((core) => coreLines(core, width, brief)), anchor: 0 };
    case 'bytes':
      return { name, title: 'bytes  [changed] ~stale~ (own store)', lines: byteLines(view, width), anchor: 0 };
    case 'code':
      return codePanel(view);
    case 'run':
      return runPanel(view, width, brief);
    case 'registers':
      return { name, title: `registers of CPU${view.focus}`, lines: registerLines(view, width), anchor: 0 };
  }
}

/** Text over as many lines as it takes, or one for `brief`. */
function paragraph(head: string, text: string, width: number, brief: boolean): string[] {
  if (brief) return [head + text];
  const room = Math.max(20, width - head.length);
  return wrap(text, room, 2).map((l, n) => (n === 0 ? head : ' '.repeat(head.length)) + l);
}

function choiceLines(view: View, width: number, brief: boolean): Line[] {
  if (view.position.inside > 0) {
    const { at } = view.position;
    return [line(`inside step @${at}: choices are open between steps`)];
  }
  const violations = view.violations.flatMap((v) => paragraph('!! ', v, width, brief).map((l) => line(span(l, 'bad'))));
  if (view.choices.length === 0) return violations.length > 0 ? violations : [line('the run has ended: nothing more can happen')];
  return [...violations, ...view.choices.flatMap((choice, n) => oneChoice(choice, n, width, brief))];
}

function oneChoice(choice: ChoiceView, n: number, width: number, brief: boolean): Line[] {
  const mark = `${choice.run ? '=' : ' '}${choice.recorded && !choice.run ? 'r' : ' '}`;
  const head = `${String(n + 1).padStart(2)}${mark} CPU${choice.core} `;
  const style = choice.stale ? 'stale' : choice.run ? 'strong' : 'plain';
  const broken = choice.violates.map((v) => `!! ${v.check}`).join(' ');
  if (brief)
    return [line(head, span(broken === '' ? '' : `${broken} `, 'bad'), span(choice.text, style), choice.ends ? ', ends the run' : '')];
  const recorded = choice.recorded ? (choice.run ? '' : '  (recorded)') : '';
  const out = paragraph(head, choice.text + recorded, width, false).map((l) => line(span(l, style)));
  const more = (text: string): string[] => paragraph(' '.repeat(6), text, width, false);
  const does = choice.does.filter((d) => !saidAlready(choice, d)).join('; ');
  if (does !== '') out.push(...more(`-> ${does}`).map((l) => line(span(l, 'dim'))));
  for (const v of choice.violates) out.push(...more(`!! ${v.check}: ${v.message}`).map((l) => line(span(l, 'bad'))));
  if (choice.ends) out.push(line(' '.repeat(6), 'ends the run'));
  return out;
}

/** A drain and a fetch say in their own words what they do. */
const saidAlready = ({ kind, text }: ChoiceView, does: string): boolean =>
  (kind === 'drain' && does === text.replace(/^drains /, 'memory ')) ||
  (text.startsWith('fetches ') && text.startsWith(does.replace(/^fetch /, 'fetches ')));

function coreLines(core: CoreView, width: number, brief: boolean): Line[] {
  const head = `${core.moves ? '>' : ' '}CPU${core.core}${core.focus ? '*' : ' '} `;
  const source = core.source === undefined ? '' : `  ${core.source}`;
  const role = core.role === '' ? '' : `  [${core.role}]`;
  const indent = ' '.repeat(7);
  const more = (name: string, items: readonly string[]): string[] =>
    items.length === 0 ? [] : paragraph(`${indent}${name} `, items.join(', '), width, brief);
  return [
    line(span(head, core.moves ? 'strong' : 'plain'), core.where, span(`  ${core.activity}`, 'dim'), span(source + role, 'dim')),
    ...more('in     ', core.handlers).map((l) => line(l)),
    ...more('stores ', core.stores).map((l) => line(span(l, 'pending'))),
    ...more('pending', core.sent).map((l) => line(span(l, 'changed'))),
  ];
}

/** Columns of a byte with its marks. */
const CELL = 4;
const ROW_NAME = 9;

function byteLines(view: View, width: number): Line[] {
  const many = Math.max(4, Math.min(16, Math.floor((width - ROW_NAME) / CELL)));
  return view.sites.flatMap((site) => {
    const length = site.rows[0]?.bytes.length ?? 0;
    const out: Line[] = [line(span(site.name, 'strong'), span(` 0x${site.address.toString(16)}`, 'dim'))];
    for (const row of site.rows) {
      for (let from = 0; from < length; from += many) out.push(byteRow(row, from, Math.min(length, from + many), from + many >= length));
    }
    return out;
  });
}

function byteRow(row: SiteRow, from: number, to: number, isLast: boolean): Line {
  const name = from > 0 ? '' : row.core === undefined ? ' memory' : ` CPU${row.core}`;
  const seen = row.instructions
    .map(({ text, stale }) => (stale ? span(`~${text}~`, 'stale') : span(text)))
    .flatMap((s, n) => (n === 0 ? [s] : [span(' or '), s]));
  const isOther = row.core === undefined || seen.length > 1 || row.instructions.some((i) => i.stale);
  return line(name.padEnd(ROW_NAME), ...row.bytes.slice(from, to).map(cell), ...(isLast && isOther ? [span('  '), ...seen] : []));
}

function cell({ memory, stale, pending, changed }: SiteByte): ReturnType<typeof span> {
  const hex = (value: number): string => value.toString(16).padStart(2, '0');
  if (pending !== undefined) return span(`(${hex(pending)})`, 'pending');
  if (stale.length > 0) return span(`~${hex(stale[0]!)}~`, 'stale');
  return changed ? span(`[${hex(memory)}]`, 'changed') : span(` ${hex(memory)} `);
}

function codePanel(view: View): Panel {
  const here = view.code.findIndex((l) => l.here);
  const [first] = view.code;
  const name = first?.place.replace(/\+0x[0-9a-f]+$/, '') ?? '';
  const lines = view.code.map((l) => {
    const place = l.place.includes('+') ? l.place.slice(l.place.lastIndexOf('+')) : '';
    const mark = `${l.here ? '>' : ' '}${l.breakpoint ? 'B' : ' '}${l.site ? '|' : ' '}`;
    const text = `${mark} ${place.padEnd(7)} ${l.bytes.padEnd(21)} ${l.text}`;
    return line(span(text, l.here ? 'here' : l.site ? 'changed' : 'plain'));
  });
  return { name: 'code', title: `code of CPU${view.focus}  ${name}`, lines, anchor: Math.max(0, here) };
}

function runPanel(view: View, width: number, brief: boolean): Panel {
  const lines: Line[] = [];
  let anchor = 0;
  for (const step of view.run) {
    const isHere = step.at === view.position.at;
    if (isHere) anchor = lines.length;
    const head = `${isHere ? '>' : ' '}${`@${step.at}`.padStart(6)} CPU${step.core} `;
    for (const l of paragraph(head, step.text, width, brief)) lines.push(line(span(l, isHere ? 'strong' : 'plain')));
  }
  if (view.position.at >= view.steps) {
    anchor = lines.length;
    lines.push(line(span(`>${`@${view.steps}`.padStart(6)} the end`, 'strong')));
  }
  return { name: 'run', title: 'run', lines, anchor };
}

function registerLines(view: View, width: number): Line[] {
  const cells = view.registers.map(({ name, text, changed }) =>
    span(`${name.padEnd(5)} ${changed ? `[${text}]` : ` ${text} `}`.padEnd(26), changed ? 'changed' : 'plain'),
  );
  const columns = Math.max(1, Math.floor(width / 26));
  const out: Line[] = [];
  for (let n = 0; n < cells.length; n += columns) out.push(line(...cells.slice(n, n + columns)));
  return view.hash === undefined ? out : [...out, line(span(`state ${view.hash}`, 'dim'))];
}

/** The first lines of every screen: what is looked at, where it is, what comes next; three where `brief`. */
export function headLines(view: View, width: number, brief: boolean): Line[] {
  const { position, length, steps, leftAt } = view;
  const where = `${positionText(position)} of ${steps}`;
  const left = leftAt === undefined ? 'recorded run' : `left the recorded run at @${leftAt}`;
  const title = line(span(view.title, 'strong'), span(`  ${view.machine}`, 'dim'));
  const inside = position.inside > 0 ? `${position.inside} of ${length} instructions of its step, ` : '';
  const mover = view.cores.find((c) => c.moves);
  const next =
    mover === undefined
      ? view.violations[0] === undefined
        ? view.ended
          ? 'the end: nothing more can happen'
          : 'the end of the run so far: a step, c or a choice goes on'
        : `!! ${view.violations[0]}`
      : `next CPU${mover.core}: ${inside}${view.next.join('; ') || 'goes on'}`;
  const style = mover === undefined && view.violations.length > 0 ? 'bad' : 'plain';
  return [title, line(span(where.padEnd(14), 'strong'), left), ...paragraph('', next, width, brief).map((l) => line(span(l, style)))];
}
