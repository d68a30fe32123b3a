import { headLines, PANELS, type Panel, type PanelName, panelOf } from './panels.ts';
import { cut, type Line, lengthOf, line, paint, span } from './spans.ts';
import type { View } from './view.ts';

/** What is on a screen besides the run. */
export interface ScreenState {
  /** The panel that is shown in full and scrolls. */
  readonly panel: PanelName;
  /** Lines that it was scrolled by. */
  readonly scroll: number;
  /** What was told last; what a person is being asked, and has typed so far. */
  readonly message: string;
  readonly prompt: string | undefined;
}

/** Below this a screen is one column. */
const TWO_COLUMNS = 120;
const GAP = ' | ';
/** Lines of a message that are shown at once. */
const MESSAGE_LINES = 4;

/** A screen as lines, `height` of them and none longer than `width`. */
export const screenLines = (view: View, state: ScreenState, width: number, height: number, colour: boolean): string[] =>
  screenOf(view, state, width, height, colour).lines;

/** The same, and how far its panel can be scrolled at most: `scroll` brought to that. */
export function screenOf(
  view: View,
  state: ScreenState,
  width: number,
  height: number,
  colour: boolean,
): { readonly lines: string[]; readonly scroll: number } {
  const scrolled = { scroll: 0 };
  const head = headLines(view, width, true);
  const foot = footLines(state, width);
  const room = Math.max(1, height - head.length - foot.length);
  const body = width >= TWO_COLUMNS ? twoColumns(view, state, width, room, scrolled) : column(view, state, PANELS, width, room, scrolled);
  const empty = Array.from({ length: Math.max(0, room - body.length) }, () => line(''));
  const lines = [...head, ...body, ...empty, ...foot].slice(0, height).map((l) => paint(cut(l, width), colour));
  return { lines, scroll: scrolled.scroll };
}

/** Where the scrolling of the panel that scrolls is told. */
interface Scrolled {
  scroll: number;
}

function footLines({ message, prompt }: ScreenState, width: number): Line[] {
  if (prompt !== undefined) return [line(span(prompt, 'strong'), span('_', 'here'))];
  const all = message === '' ? [] : message.split('\n').flatMap((l) => chunks(l, width));
  const shown =
    all.length > MESSAGE_LINES ? [...all.slice(0, MESSAGE_LINES - 1), `... ${all.length - MESSAGE_LINES + 1} more lines: m`] : all;
  const keys =
    width < 80
      ? 'left/right step  1-9 choose  ? help  q quit'
      : 'left/right step  n/p switch  i/I insn  1-9 choose  tab panel  ? help  q quit';
  return [...shown.map((l) => line(span(l, /^(VIOLATION|!!)/.test(l) ? 'bad' : 'strong'))), line(span(keys, 'dim'))];
}

function chunks(text: string, width: number): string[] {
  const out: string[] = [];
  for (let from = 0; from < text.length || from === 0; from += width) out.push(text.slice(from, from + width));
  return out;
}

function twoColumns(view: View, state: ScreenState, width: number, room: number, scrolled: Scrolled): Line[] {
  const left = Math.floor((width - GAP.length) / 2);
  const right = width - GAP.length - left;
  const [a, b] = [
    column(view, state, ['choices', 'cores', 'bytes'], left, room, scrolled),
    column(view, state, ['code', 'run', 'registers'], right, room, scrolled),
  ];
  return Array.from({ length: Math.max(a.length, b.length) }, (_, n) => {
    const first = cut(a[n] ?? [], left);
    return [...first, span(' '.repeat(left - lengthOf(first))), span(GAP, 'dim'), ...cut(b[n] ?? [], right)];
  });
}

/** Panels one below the other: the one that was chosen in full, the others as far as there is room. What has none is named at the end. */
function column(view: View, state: ScreenState, names: readonly PanelName[], width: number, room: number, scrolled: Scrolled): Line[] {
  const isChosen = (name: PanelName): boolean => name === state.panel;
  const panels = names.map((name) => panelOf(view, name, width, !isChosen(name)));
  const shares = share(panels, state.panel, room);
  const hidden = panels.filter((p) => shares.get(p.name) === 0).map((p) => p.name);
  const out: Line[] = [];
  for (const panel of panels) {
    const lines = shares.get(panel.name) ?? 0;
    if (lines > 0) out.push(...shown(panel, lines, isChosen(panel.name) ? state.scroll : undefined, width, scrolled));
  }
  if (hidden.length > 0) out.push(line(span(`tab: ${hidden.join(', ')}`, 'dim')));
  return out;
}

/** Fewest lines of a panel that are worth its title. */
const FEW = 3;

/** Lines of each panel, its title counted. */
function share(panels: readonly Panel[], chosen: PanelName, room: number): ReadonlyMap<PanelName, number> {
  const give = (left: number): Map<PanelName, number> => {
    const out = new Map<PanelName, number>();
    const order = [...panels].sort((a, b) => Number(b.name === chosen) - Number(a.name === chosen));
    let rest = left;
    for (const { name, lines } of order) {
      const wanted = lines.length + 1;
      const given = rest >= wanted ? wanted : rest >= Math.min(FEW, wanted) ? rest : 0;
      out.set(name, given);
      rest -= given;
    }
    return out;
  };
  const all = give(room);
  // One line names those that have no room.
  return [...all.values()].includes(0) ? give(room - 1) : all;
}

/** Lines of a panel with its title; `scroll` where it is the one that scrolls. */
function shown(panel: Panel, lines: number, scroll: number | undefined, width: number, scrolled: Scrolled): Line[] {
  const room = lines - 1;
  const most = Math.max(0, panel.lines.length - room);
  const middle = Math.min(most, Math.max(0, panel.anchor - Math.floor(room / 2)));
  const first = Math.min(most, Math.max(0, middle + (scroll ?? 0)));
  const isChosen = scroll !== undefined;
  if (isChosen) scrolled.scroll = first - middle;
  const more = most > 0 ? `, ${first + 1} to ${first + room} of ${panel.lines.length}` : '';
  const title = `${isChosen ? '=' : '-'} ${panel.title}${more} `.padEnd(width, isChosen ? '=' : '-');
  return [line(span(title, isChosen ? 'strong' : 'dim')), ...panel.lines.slice(first, first + room)];
}

/** The same place told at length, for whoever reads lines: head, cores, bytes and choices, or one panel alone. */
export function plainLines(view: View, width: number, colour: boolean, only?: PanelName): string[] {
  const names: readonly PanelName[] = only === undefined ? ['cores', 'bytes', 'choices'] : [only];
  const panels = names.map((name) => panelOf(view, name, width, false));
  const lines = [
    ...(only === undefined ? headLines(view, width, false) : []),
    ...panels.flatMap((p) => [line(span(`- ${p.title} `.padEnd(width, '-'), 'dim')), ...windowed(p)]),
  ];
  return lines.map((l) => paint(cut(l, width), colour));
}

/** Lines of code or of the run around the place at hand; of the others all. */
function windowed(panel: Panel): readonly Line[] {
  if (panel.name !== 'code' && panel.name !== 'run') return panel.lines;
  const first = Math.max(0, panel.anchor - 8);
  const last = Math.min(panel.lines.length, first + 20);
  const more = (count: number, where: string): Line[] => (count > 0 ? [line(span(`    ${count} more ${where}`, 'dim'))] : []);
  return [...more(first, 'before'), ...panel.lines.slice(first, last), ...more(panel.lines.length - last, 'behind')];
}
