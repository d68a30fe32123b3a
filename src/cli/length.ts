import type { CounterexampleLength } from '../explore/result.ts';
import { groupDigits } from './progress.ts';

const plural = (n: number, one: string, more = `${one}s`): string => `${groupDigits(n)} ${n === 1 ? one : more}`;

/** `shortest 5 switches, 21 events`: how long a counterexample is, and whether a shorter one is known not to be. */
export function sayLength(length: CounterexampleLength): string {
  const stale = length.staleFetches === 0 ? [] : [plural(length.staleFetches, 'stale fetch', 'stale fetches')];
  const said = [plural(length.switches, 'switch', 'switches'), ...stale, plural(length.events, 'event')].join(', ');
  return length.shortest ? `shortest ${said}` : `length   ${said}: shortened, not proven shortest`;
}

/** As fields of a JSON object. */
export const lengthFields = ({ shortest, switches, staleFetches, events }: CounterexampleLength): Record<string, unknown> => ({
  shortest,
  switches,
  staleFetches,
  events,
});
