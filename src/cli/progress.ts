import type { Io } from './io.ts';

/** What a search has done so far. */
export interface SearchProgress {
  readonly states: number;
  /** Choices on the present path. */
  readonly depth: number;
  readonly note?: string;
}

/** One line on stderr that is rewritten in place. */
export interface ProgressLine {
  /** Shows this text, or a newer one soon: at most ten times a second. Call it as often as you like. */
  show(progress: SearchProgress | string): void;
  /** Removes the line; later output starts on a clean one. */
  clear(): void;
}

const INTERVAL_MS = 100;
const COLUMNS = 79;

/** `12 345 678`, whatever the locale. */
export function groupDigits(count: number | bigint): string {
  return String(typeof count === 'bigint' ? count : Math.floor(count)).replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** States, rate, depth and time, in a line of at most 79 columns. `seconds` is the time since the start. */
export function formatProgress(progress: SearchProgress, seconds: number): string {
  const rate = seconds > 0 ? `${groupDigits(progress.states / seconds)}/s` : '-';
  const parts = [`${groupDigits(progress.states)} states`, rate, `depth ${progress.depth}`, `${seconds.toFixed(1)}s`];
  return (progress.note === undefined ? parts : [progress.note, ...parts]).join('  ').slice(0, COLUMNS);
}

/** The progress line of a verb. It stays silent when stderr is no terminal, and under `--quiet`. */
export function progressLine(io: Io, { quiet }: { readonly quiet: boolean }): ProgressLine {
  if (quiet || !io.isTTY.stderr || io.env.TERM === 'dumb') return { show: () => {}, clear: () => {} };
  const start = io.now();
  let next = start;
  let shown = false;
  return {
    show(progress) {
      const now = io.now();
      if (now < next) return;
      next = now + INTERVAL_MS;
      shown = true;
      const text = typeof progress === 'string' ? progress.slice(0, COLUMNS) : formatProgress(progress, (now - start) / 1000);
      io.stderr(`\r\x1b[K${text}`);
    },
    clear() {
      if (shown) io.stderr('\r\x1b[K');
      shown = false;
    },
  };
}
