import { type Row, reached } from './measure.ts';

/** The rows of a group under one line of headings; a goal and whether it is reached stand behind its row, and what is to be said of it. */
export function table(group: readonly Row[]): string {
  const columns = [...new Set(group.flatMap((row) => Object.keys(row.values)))];
  const lines = [
    ['', ...columns],
    ...group.map((row) => [row.name, ...columns.map((c) => (c in row.values ? short(row.values[c] as number) : ''))]),
  ];
  const widths = lines[0]!.map((_, n) => Math.max(...lines.map((line) => line[n]!.length)));
  const remarks = ['', ...group.map(remarkOn)];
  return lines
    .map(
      (line, l) => `  ${line.map((cell, n) => (n === 0 ? cell.padEnd(widths[n]!) : cell.padStart(widths[n]!))).join('  ')}${remarks[l]!}`,
    )
    .join('\n');
}

function remarkOn(row: Row): string {
  const parts = [goalOf(row), row.stopped, row.note].filter((part) => part !== undefined);
  return parts.length === 0 ? '' : `   ${parts.join('; ')}`;
}

function goalOf(row: Row): string | undefined {
  if (row.goal === undefined) return undefined;
  const limit = row.goal.atLeast === undefined ? `at most ${short(row.goal.atMost ?? 0)}` : `at least ${short(row.goal.atLeast)}`;
  return `${reached(row) === true ? 'reached' : 'MISSED'}: ${row.goal.value} ${limit}`;
}

function short(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  if (value >= 1e4) return `${(value / 1e3).toFixed(1)} k`;
  return Number.isInteger(value) ? String(value) : value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
