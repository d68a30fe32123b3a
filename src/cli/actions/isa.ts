import { Exit } from '../../error.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';
import { byFeatures, type Coverage, coverage } from '../isa-coverage.ts';
import { emitEvent } from '../json.ts';

/** `textpoke doctor --isa`: what of the instruction set runs, a line for each set of features; with --json an event for each mnemonic. */
export function isaAction(options: SharedFlags, io: Io): number {
  const all = coverage();
  if (options.json) {
    for (const { mnemonic, features, baseline, encodings, run, regions } of all)
      emitEvent(io, 'instruction', { mnemonic, features, baseline, encodings, run, regions });
    return Exit.ok;
  }
  const sum = (list: readonly Coverage[], of: (entry: Coverage) => number): string => String(list.reduce((n, entry) => n + of(entry), 0));
  const rows = [...byFeatures(all)].map(([features, list]) => [
    list[0]!.baseline ? features : `${features} *`,
    String(list.length),
    sum(list, (e) => e.encodings),
    sum(list, (e) => e.run),
    sum(list, (e) => e.regions),
    list
      .filter(({ run, encodings }) => run < encodings)
      .map(({ mnemonic, run, encodings }) => (run === 0 ? mnemonic : `${mnemonic} ${encodings - run} of ${encodings}`))
      .join(', '),
  ]);
  const lines = [['', 'mnemonics', 'encodings', 'run', 'in regions', 'missing'], ...rows];
  const widths = lines[0]!.map((_, n) => Math.max(...lines.map((line) => line[n]!.length)));
  for (const line of lines)
    io.stdout(
      `${line
        .map((cell, n) => (n === 0 || n === 5 ? cell.padEnd(n === 5 ? 0 : widths[n]!) : cell.padStart(widths[n]!)))
        .join('  ')
        .trimEnd()}\n`,
    );
  io.stdout('* beyond x86-64-v3; only what runs\n');
  return Exit.ok;
}
