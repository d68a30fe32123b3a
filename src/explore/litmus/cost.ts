/** CPU time that a test took, in seconds, and that of herd7 with its start-up where that is known. */
export interface LitmusCost {
  readonly name: string;
  readonly seconds: number;
  readonly herd?: number | undefined;
}

const SLOWEST = 5;
/** What herd7's times are counted in: a difference below it is none. */
const CLOCK_STEP = 0.01;

/**
 * What tests cost: the sum, the slowest ones, and, of those where it is known, herd7's. Of each of its times its start-up is taken off, for which the
 * smallest one that its clock could see stands. Ours have none: they are of one process.
 */
export function costReport(costs: readonly LitmusCost[]): string {
  const times = costs.map((c) => c.seconds).sort((a, b) => a - b);
  const sum = total(times);
  const slowest = [...costs].sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST);
  return [
    `CPU time  ${sum.toFixed(2)} s for ${costs.length} tests: mean ${milliseconds(sum / Math.max(1, costs.length))}, median ${milliseconds(times[times.length >> 1] ?? 0)}`,
    `slowest   ${slowest.map((c) => `${c.name} ${milliseconds(c.seconds)}${c.herd === undefined ? '' : ` (herd7 ${milliseconds(c.herd)})`}`).join('\n          ')}`,
    ...herdLines(costs),
    '',
  ].join('\n');
}

function herdLines(costs: readonly LitmusCost[]): string[] {
  const known = costs.flatMap(({ name, seconds, herd }) => (herd === undefined ? [] : [{ name, seconds, herd }]));
  if (known.length === 0) return [];
  const seen = known.map((c) => c.herd).filter((herd) => herd > 0);
  const startUp = seen.length === 0 ? 0 : Math.min(...seen);
  const without = (herd: number): number => Math.max(0, herd - startUp);
  const ours = total(known.map((c) => c.seconds));
  const theirs = total(known.map((c) => without(c.herd)));
  const longer = known.filter((c) => c.seconds > without(c.herd) + CLOCK_STEP);
  const ratio = theirs > 0 ? `: ours is ${(ours / theirs).toFixed(2)} of it` : '';
  return [
    `herd7     ${theirs.toFixed(2)} s for ${known.length} of them, without ${milliseconds(startUp)} of start-up each${ratio}`,
    `          ${longer.length} of them took longer here`,
  ];
}

const total = (times: readonly number[]): number => times.reduce((sum, t) => sum + t, 0);
const milliseconds = (seconds: number): string => `${(seconds * 1000).toFixed(1)} ms`;
