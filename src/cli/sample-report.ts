import type { Sample } from '../explore/sample/sample.ts';
import { MAX_EVENTS } from '../explore/sample/schedule.ts';
import { groupDigits } from './progress.ts';

/** `PCT d=2`, `portfolio`. */
const sayStrategy = ({ strategy, depth }: Sample): string => (strategy === 'pct' ? `PCT d=${depth}` : strategy);

const plural = (n: number, one: string): string => `${groupDigits(n)} ${one}${n === 1 ? '' : 's'}`;

/** How much was sampled: `1 000 schedules of the portfolio, 46 000 transitions`. */
export function saySample(sample: Sample, transitions: number): string {
  const of = sample.strategy === 'portfolio' ? 'of the portfolio' : `of ${sayStrategy(sample)}`;
  return `sampled: ${plural(sample.schedules, 'schedule')} ${of}, ${groupDigits(transitions)} transitions`;
}

/** What a sample says beyond its verdict, with a label each: what was found and how often, or what may have been missed. */
export function sampleLines(sample: Sample): string[] {
  return [...foundLines(sample), ...boundLines(sample), ...cutLines(sample)];
}

function foundLines({ found, schedules, first, violations }: Sample): string[] {
  if (found === 0) return [];
  // The rate of a sample that ended at its first violation is that of a single draw.
  if (found === schedules || schedules === first) return [`found    by schedule ${groupDigits(first ?? 0)}`];
  return [
    `found    in ${groupDigits(found)} of ${plural(schedules, 'schedule')}, one in ${groupDigits(Math.round(schedules / found))}; the first by schedule ${groupDigits(first ?? 0)}`,
    ...(violations.length < 2
      ? []
      : violations.map((v) => `seen     in ${groupDigits(v.schedules)}: ${v.violation.check}: ${v.violation.message}`)),
  ];
}

function boundLines(sample: Sample): string[] {
  if (sample.found > 0) return [];
  const which = sample.drawsFetches ? ' that needs no stale fetch' : '';
  const lines = sample.bounds.map(
    ({ depth, schedules, agents, events, missed }) =>
      `bound    a depth-${depth} bug${which} was missed with probability at most ${sayAtMost(missed)} (n=${agents} agents, k=${events} events, ${plural(schedules, 'schedule')} of PCT d=${depth})`,
  );
  if (lines.length > 0) return lines;
  const why =
    sample.strategy === 'pos' || sample.strategy === 'window'
      ? `'${sample.strategy}' guarantees nothing`
      : sample.gambled
        ? 'under this fetch policy caches are left to chance too'
        : 'too few schedules to know how long a run is';
  return [`bound    none: ${why}`];
}

function cutLines({ cut }: Sample): string[] {
  return cut === 0
    ? []
    : [`cut off  ${plural(cut, 'schedule')} without an end: all spun, or ${groupDigits(MAX_EVENTS)} events were reached`];
}

/** Two digits, rounded up; near 1 as many as tell it from 1. */
export function sayAtMost(probability: number): string {
  if (probability >= 1) return '1';
  if (probability > 0.99) {
    const digits = Math.min(12, Math.ceil(-Math.log10(1 - probability)) + 1);
    return (Math.ceil(probability * 10 ** digits) / 10 ** digits).toFixed(digits);
  }
  const scale = 10 ** (1 - Math.floor(Math.log10(probability)));
  const up = Math.ceil(probability * scale) / scale;
  return up < 1e-4 ? up.toExponential(1) : String(Number(up.toPrecision(2)));
}

/** As fields of a JSON object. */
export function sampleFields(sample: Sample): Record<string, unknown> {
  const { first, violations, found, schedules, ...rest } = sample;
  return {
    ...rest,
    schedules,
    found,
    first: first ?? null,
    rate: found / schedules,
    violations: violations.map((v) => ({ check: v.violation.check, message: v.violation.message, schedules: v.schedules })),
  };
}
