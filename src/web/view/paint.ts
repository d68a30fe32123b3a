import type { RunView, Tag } from '../emulator/protocol.ts';
import { TAGS } from '../emulator/protocol.ts';
import { type LanePyramid, NOTHING } from './lod.ts';
import type { LaneWindow } from './window.ts';

/** As much of a canvas context as is needed. */
export type Ink = Pick<
  CanvasRenderingContext2D,
  | 'fillStyle'
  | 'strokeStyle'
  | 'lineWidth'
  | 'globalAlpha'
  | 'font'
  | 'textBaseline'
  | 'fillRect'
  | 'strokeRect'
  | 'clearRect'
  | 'beginPath'
  | 'moveTo'
  | 'lineTo'
  | 'closePath'
  | 'arc'
  | 'fill'
  | 'stroke'
  | 'fillText'
  | 'measureText'
  | 'setLineDash'
  | 'save'
  | 'restore'
  | 'rect'
  | 'clip'
>;

export interface Colours {
  readonly tags: readonly string[];
  readonly line: string;
  readonly text: string;
  readonly muted: string;
  readonly accent: string;
  readonly accentWeak: string;
  readonly sunk: string;
  readonly panel: string;
}

/** Colours of the page as they are now. */
export function readColours(element: Element): Colours {
  const style = getComputedStyle(element);
  const of = (name: string): string => style.getPropertyValue(name).trim();
  return {
    tags: TAGS.map((tag) => of(`--tag-${tag}`)),
    line: of('--line-strong'),
    text: of('--text'),
    muted: of('--muted'),
    accent: of('--accent'),
    accentWeak: of('--accent-weak'),
    sunk: of('--sunk'),
    panel: of('--panel'),
  };
}

export interface LanesPicture {
  readonly run: RunView;
  readonly lanes: readonly LanePyramid[];
  readonly window: LaneWindow;
  readonly at: number;
  /** Part of the step at hand that is done: 0 to 1. */
  readonly inside: number;
  readonly solo: number | undefined;
  readonly width: number;
  readonly laneHeight: number;
  readonly colours: Colours;
  /** Pixels of the text. */
  readonly fontSize: number;
  readonly fontFamily: string;
}

/** From here on steps have shapes of their own; below, pixels show what is most telling in them. */
const SHAPES_FROM = 7;
/** From here on a step's text has room. */
const TEXT_FROM = 52;
const DIMMED = 0.22;

/** Paints the lanes. Gives how many things were painted, so that it can be seen that it does not grow with the run. */
export function paintLanes(ink: Ink, picture: LanesPicture): number {
  const { run, window, width, laneHeight, colours, solo } = picture;
  const height = run.cores * laneHeight;
  const x = (step: number): number => (step - window.start) * window.perStep;
  const middle = (core: number): number => Math.round(core * laneHeight + laneHeight * 0.6);
  const first = Math.max(0, Math.floor(window.start) - 1);
  const last = Math.min(run.count, Math.ceil(window.start + width / window.perStep) + 1);
  let painted = 0;
  ink.clearRect(0, 0, width, height);
  ink.textBaseline = 'middle';

  for (let core = 0; core < run.cores; core++) {
    ink.globalAlpha = solo === undefined || solo === core ? 1 : DIMMED;
    ink.fillStyle = colours.line;
    const end = Math.min(width, x(run.count));
    ink.fillRect(Math.max(0, x(0)), middle(core), end - Math.max(0, x(0)), 1);
    if (core > 0) {
      ink.globalAlpha = 0.35;
      ink.fillRect(0, core * laneHeight, width, 1);
    }
  }
  painted += paintHandlers(ink, picture, x, first, last);

  ink.globalAlpha = 1;
  if (window.perStep < SHAPES_FROM) painted += paintPixels(ink, picture);
  else {
    for (let n = first; n < last; n++) {
      const core = run.core[n]!;
      ink.globalAlpha = solo === undefined || solo === core ? 1 : DIMMED;
      paintStep(ink, picture, n, x(n), middle(core));
      painted++;
    }
  }
  painted += paintArrows(ink, picture, x, middle, first, last);

  ink.globalAlpha = 1;
  const here = Math.round(x(picture.at + picture.inside));
  ink.fillStyle = colours.accent;
  ink.fillRect(here - 1, 0, 2, height);
  ink.beginPath();
  ink.moveTo(here - 5, 0);
  ink.lineTo(here + 5, 0);
  ink.lineTo(here, 6);
  ink.closePath();
  ink.fill();
  return painted;
}

function paintHandlers(ink: Ink, picture: LanesPicture, x: (n: number) => number, first: number, last: number): number {
  const { run, laneHeight, colours, solo, width } = picture;
  let painted = 0;
  let covered = Number.NEGATIVE_INFINITY;
  for (const { core, name, depth, from, to } of run.handlers) {
    if (to < first || from > last) continue;
    const left = Math.max(-2, x(from));
    const wide = Math.min(width + 2, x(to)) - left;
    // Of handlers that fall on one pixel, one is enough.
    if (wide < 1 && left - covered < 1) continue;
    covered = left;
    const top = core * laneHeight + 3 + Math.min(depth, 3) * 4;
    const bottom = (core + 1) * laneHeight - 3 - Math.min(depth, 3) * 4;
    ink.globalAlpha = (solo === undefined || solo === core ? 1 : DIMMED) * 0.16;
    ink.fillStyle = colours.tags[TAGS.indexOf(name.startsWith('#') ? 'exception' : 'interrupt')]!;
    ink.fillRect(left, top, Math.max(1, wide), bottom - top);
    if (wide > 44) {
      ink.globalAlpha = solo === undefined || solo === core ? 1 : DIMMED;
      text(ink, picture, name, left + 4, top + picture.fontSize * 0.55, wide - 8, 0.8);
    }
    painted++;
  }
  return painted;
}

/** Zoomed out: for each pixel of each lane the most telling of its steps. What matters is taller. */
function paintPixels(ink: Ink, { run, lanes, window, width, laneHeight, colours, solo }: LanesPicture): number {
  let painted = 0;
  const column = Math.max(1, Math.floor(window.perStep));
  for (const [core, lane] of lanes.entries()) {
    ink.globalAlpha = solo === undefined || solo === core ? 1 : DIMMED;
    for (let px = 0; px < width; px += column) {
      const from = Math.floor(window.start + px / window.perStep);
      if (from >= run.count) break;
      const tag = lane.most(from, Math.max(from + 1, Math.floor(window.start + (px + column) / window.perStep)));
      if (tag === NOTHING) continue;
      const tall = laneHeight * (0.18 + 0.62 * (tag / (TAGS.length - 1)));
      ink.fillStyle = colours.tags[tag]!;
      ink.fillRect(px, core * laneHeight + laneHeight * 0.6 - tall / 2, Math.max(column, tag === TAGS.length - 1 ? 3 : 1), tall);
      painted++;
    }
  }
  return painted;
}

function paintStep(ink: Ink, picture: LanesPicture, n: number, left: number, y: number): void {
  const { run, window, colours } = picture;
  const tag = TAGS[run.tag[n]!] as Tag;
  const r = Math.min(window.perStep * 0.42, picture.fontSize * 0.45);
  const cx = left + Math.min(window.perStep / 2, r + 3);
  ink.fillStyle = colours.tags[run.tag[n]!]!;
  ink.strokeStyle = ink.fillStyle;
  ink.lineWidth = 1.5;
  shape(ink, tag, cx, y, r);
  if (window.perStep >= TEXT_FROM) {
    // As far as the next step of the lane.
    let next = n + 1;
    while (next < run.count && run.core[next] !== run.core[n] && next < n + 6) next++;
    const room = (next - n) * window.perStep - r * 2 - 8;
    text(ink, picture, run.texts[run.text[n]!]!, cx + r + 4, y, room, 1);
  }
}

function text(ink: Ink, picture: LanesPicture, words: string, x: number, y: number, room: number, size: number): void {
  ink.font = `${picture.fontSize * size}px ${picture.fontFamily}`;
  ink.fillStyle = picture.colours.muted;
  const letter = picture.fontSize * size * 0.6;
  const fits = Math.floor(room / letter);
  if (fits < 3) return;
  ink.fillText(words.length <= fits ? words : `${words.slice(0, fits - 1)}…`, x, y);
}

function polygon(ink: Ink, points: readonly (readonly [number, number])[]): void {
  ink.beginPath();
  for (const [n, [x, y]] of points.entries()) {
    if (n === 0) ink.moveTo(x, y);
    else ink.lineTo(x, y);
  }
  ink.closePath();
}

/** A shape for each tag: colour is never the only difference. */
export function shape(ink: Ink, tag: Tag, x: number, y: number, r: number): void {
  switch (tag) {
    case 'local':
      ink.fillRect(x - 1, y - 1, 2, 2);
      return;
    case 'serialize':
      ink.fillRect(x - 1, y - r, 2, 2 * r);
      return;
    case 'load':
      ink.beginPath();
      ink.arc(x, y, r * 0.75, 0, 7);
      ink.stroke();
      return;
    case 'buffer':
      ink.strokeRect(x - r * 0.75, y - r * 0.75, r * 1.5, r * 1.5);
      return;
    case 'publish':
      ink.fillRect(x - r * 0.8, y - r * 0.8, r * 1.6, r * 1.6);
      return;
    case 'text':
      polygon(ink, [
        [x, y - r * 1.1],
        [x + r * 1.1, y],
        [x, y + r * 1.1],
        [x - r * 1.1, y],
      ]);
      ink.fill();
      return;
    case 'fetch':
    case 'stale':
      polygon(ink, [
        [x - r, y - r * 0.8],
        [x + r, y - r * 0.8],
        [x, y + r],
      ]);
      if (tag === 'stale') ink.fill();
      else ink.stroke();
      return;
    case 'exception':
    case 'iret':
      polygon(ink, [
        [x - r, y + r * 0.8],
        [x + r, y + r * 0.8],
        [x, y - r],
      ]);
      if (tag === 'exception') ink.fill();
      else ink.stroke();
      return;
    case 'ipi':
    case 'interrupt': {
      const d = tag === 'ipi' ? r : -r;
      polygon(ink, [
        [x - d, y - r],
        [x + d, y],
        [x - d, y + r],
      ]);
      ink.fill();
      return;
    }
    case 'violation':
      ink.lineWidth = 3;
      ink.beginPath();
      ink.moveTo(x - r, y - r);
      ink.lineTo(x + r, y + r);
      ink.moveTo(x + r, y - r);
      ink.lineTo(x - r, y + r);
      ink.stroke();
  }
}

/** IPIs from where they are sent to where they are taken; dashed where they never are. */
function paintArrows(
  ink: Ink,
  { run, window, colours, solo }: LanesPicture,
  x: (n: number) => number,
  middle: (core: number) => number,
  first: number,
  last: number,
): number {
  // Far out they would hide everything else.
  if (window.perStep < 1.5) return 0;
  let painted = 0;
  const half = Math.min(window.perStep / 2, 8);
  for (const { from, to, sender, target } of run.arrows) {
    if (from > last || (to ?? run.count) < first) continue;
    ink.globalAlpha = solo === undefined || solo === sender || solo === target ? 0.75 : DIMMED;
    ink.strokeStyle = colours.tags[TAGS.indexOf('ipi')]!;
    ink.fillStyle = ink.strokeStyle;
    ink.lineWidth = 1.25;
    ink.setLineDash(to === undefined ? [3, 3] : []);
    const [x1, y1, y2] = [x(from) + half, middle(sender), middle(target)];
    const x2 = x(to ?? run.count) + (to === undefined ? 0 : half);
    const down = y2 > y1 ? 1 : -1;
    ink.beginPath();
    ink.moveTo(x1, y1 + 6 * down);
    ink.lineTo(x2, y2 - 8 * down);
    ink.stroke();
    ink.setLineDash([]);
    polygon(ink, [
      [x2 - 3.5, y2 - 10 * down],
      [x2 + 3.5, y2 - 10 * down],
      [x2, y2 - 5 * down],
    ]);
    ink.fill();
    painted++;
  }
  return painted;
}

/** The whole run in a strip, a thin lane a core, with the part that the lanes show. */
export function paintOverview(ink: Ink, picture: LanesPicture & { readonly shown: LaneWindow; readonly shownWidth: number }): void {
  const { run, width, laneHeight, colours, shown, shownWidth } = picture;
  const height = run.cores * laneHeight;
  ink.globalAlpha = 1;
  ink.clearRect(0, 0, width, height);
  const scale = width / Math.max(1, run.count);
  const [from, to] = [shown.start * scale, Math.min(width, (shown.start + shownWidth / shown.perStep) * scale)];
  ink.fillStyle = colours.accentWeak;
  ink.fillRect(from, 0, Math.max(2, to - from), height);
  paintPixels(ink, { ...picture, window: { start: 0, perStep: scale } });
  ink.globalAlpha = 1;
  if (run.broken !== undefined) {
    ink.fillStyle = colours.tags[TAGS.indexOf('violation')]!;
    ink.fillRect(Math.min(width - 2, run.broken.at * scale), 0, 2, height);
  }
  ink.fillStyle = colours.accent;
  ink.fillRect(Math.min(width - 2, Math.round(picture.at * scale) - 1), 0, 2, height);
  ink.strokeStyle = colours.accent;
  ink.lineWidth = 1;
  ink.strokeRect(from + 0.5, 0.5, Math.max(2, to - from) - 1, height - 1);
}
