import type { Explanation, Paths } from '../explore/explain/explain.ts';
import type { Trace, TraceStep } from './happening.ts';
import { reads, writes } from './happening.ts';

/** What a step did, in a few words: `CPU0's modifying_ftrace_code = 0`, `CPU1's fetch of cc`, `CPU1 takes the SYNC`. */
export function sayStep(step: TraceStep): string {
  const core = `CPU${step.core}`;
  const happened = step.happened.filter((h) => h.core === step.core);
  const write = happened.find(writes);
  const taken = happened.find((h) => h.what === 'interrupt');
  const fetch = happened.find((h) => h.what === 'fetch');
  const read = happened.find(reads);
  if (step.choice === 'interrupt' && taken?.what === 'interrupt') return `${core} takes the ${taken.name} at ${step.symbol}`;
  if (write !== undefined && writes(write)) return `${core}'s ${write.name} = ${write.text}`;
  if (fetch?.what === 'fetch') return `${core}'s fetch of ${fetch.bytes}`;
  if (read !== undefined && reads(read)) return `${core}'s read of ${read.name}`;
  return `${core} at ${step.symbol}`;
}

/** From which step on nothing but a violation can follow. Undefined where that says nothing: it is the one that breaks. */
export function sayInevitable(trace: Trace, explanation: Explanation): string | undefined {
  const { inevitable, passing } = explanation;
  if (passing === undefined) return 'every run breaks: no order avoids it';
  if (inevitable === undefined) return 'it can still end well from there: what goes on for ever is this order';
  const step = trace.steps[inevitable];
  return step === undefined ? undefined : `inevitable from @${inevitable} on: ${sayStep(step)}`;
}

/** `4.702%`: cut, not rounded, so that only what always breaks is 100%. */
function share({ all, violating }: Paths): string {
  const perMille = (violating * 100_000n) / all;
  const percent = perMille === 0n && violating > 0n ? '< 0.001' : `${perMille / 1000n}.${`${perMille % 1000n}`.padStart(3, '0')}`;
  return violating === all ? '100%' : `${percent}%`;
}

const FEW_DIGITS = 12;
/** A number as it is, or with its first digits where it is long. */
const digits = (n: bigint): string => {
  const text = `${n}`;
  return text.length <= FEW_DIGITS ? text : `${text[0]}.${text.slice(1, 4)}e${text.length - 1}`;
};

const WIDTH = 75;
const COUNTS = 23;

/** Which part of the paths breaks at the start and behind each step that changes it: a line each, at most 75 columns. */
export function curveLines(trace: Trace, curve: readonly Paths[]): string[] {
  const lines: string[] = [];
  curve.forEach((paths, n) => {
    const before = curve[n - 1];
    if (before !== undefined && before.violating * paths.all === paths.violating * before.all) return;
    const step = trace.steps[n - 1];
    const margin = step === undefined ? 'start' : `@${n - 1}`;
    const counts = `${digits(paths.violating)} of ${digits(paths.all)}`;
    const line =
      `${margin.padStart(6)}${share(paths).padStart(9)}  ${counts.padEnd(COUNTS)}${step === undefined ? '' : `  ${sayStep(step)}`}`.trimEnd();
    lines.push(line.length <= WIDTH ? line : `${line.slice(0, WIDTH - 3)}...`);
  });
  return lines;
}
