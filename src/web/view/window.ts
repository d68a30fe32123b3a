/** The part of a run that the lanes show: from step `start` on (a fraction is allowed), `perStep` pixels a step. */
export interface LaneWindow {
  readonly start: number;
  readonly perStep: number;
}

/** Pixels of a step at most. */
export const MAX_PER_STEP = 400;
/** Pixels of a step, at most, where a run is shown whole. */
const WHOLE_PER_STEP = 150;

/** The whole run in `width` pixels. */
export function wholeWindow(count: number, width: number): LaneWindow {
  return { start: 0, perStep: Math.min(WHOLE_PER_STEP, width / Math.max(1, count)) };
}

/** Inside the run, and not wider than it is. */
export function clampWindow({ start, perStep }: LaneWindow, count: number, width: number): LaneWindow {
  const least = Math.min(WHOLE_PER_STEP, width / Math.max(1, count));
  const scale = Math.min(MAX_PER_STEP, Math.max(least, perStep));
  const most = Math.max(0, count - width / scale);
  return { start: Math.min(most, Math.max(0, start)), perStep: scale };
}

/** Zooms by `factor`, with `at` (a step) staying where it is. */
export function zoomWindow(window: LaneWindow, factor: number, at: number, count: number, width: number): LaneWindow {
  const perStep = clampWindow({ start: 0, perStep: window.perStep * factor }, count, width).perStep;
  const x = (at - window.start) * window.perStep;
  return clampWindow({ start: at - x / perStep, perStep }, count, width);
}

/** Moves by a part of the width. */
export function panWindow(window: LaneWindow, part: number, count: number, width: number): LaneWindow {
  return clampWindow({ ...window, start: window.start + (part * width) / window.perStep }, count, width);
}

/** The window moved as little as needed for `at` to be well inside it. */
export function followWindow(window: LaneWindow, at: number, count: number, width: number): LaneWindow {
  const steps = width / window.perStep;
  const margin = Math.min(3, steps / 4);
  if (at < window.start + margin) return clampWindow({ ...window, start: at - margin }, count, width);
  if (at > window.start + steps - margin) return clampWindow({ ...window, start: at - steps + margin }, count, width);
  return window;
}

/** Step under a pixel; the end counts as one. */
export const stepAt = (window: LaneWindow, x: number, count: number): number =>
  Math.min(count, Math.max(0, Math.floor(window.start + x / window.perStep)));

/** Rows of a long list that have to be there: `first` up to and without `last`, some more than are seen. */
export function visibleRows(scroll: number, height: number, row: number, count: number, more = 8): { first: number; last: number } {
  const first = Math.max(0, Math.floor(scroll / row) - more);
  return { first, last: Math.min(count, Math.ceil((scroll + height) / row) + more) };
}

/** Browsers end a page at some ten million pixels: longer lists are scrolled in proportion. */
export const MAX_LIST_PIXELS = 8_000_000;
