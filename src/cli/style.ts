import pc from 'picocolors';
import type { Io } from './io.ts';

/** The colour functions; each returns its text unchanged when colour is off. */
export type Style = ReturnType<typeof pc.createColors>;

/**
 * Colours for a stream. `--no-color` and a non-empty NO_COLOR turn them off, FORCE_COLOR (not `0`) turns them on, else a
 * terminal that is not dumb decides. Colour is never the only carrier of a meaning.
 */
export function styleFor(io: Io, stream: 'stdout' | 'stderr', color = true): Style {
  const { NO_COLOR, FORCE_COLOR, TERM } = io.env;
  const forced = FORCE_COLOR !== undefined && FORCE_COLOR !== '' && FORCE_COLOR !== '0';
  const refused = !color || (NO_COLOR !== undefined && NO_COLOR !== '') || FORCE_COLOR === '0';
  return pc.createColors(!refused && (forced || (io.isTTY[stream] && TERM !== 'dumb')));
}
