import { parseArgs } from 'node:util';
import { cliffRows } from './cliff.ts';
import { forkRow } from './fork.ts';
import { callRows, engineRows, vectorRows } from './interpreter.ts';
import { type Row, reached, say } from './measure.ts';
import { Peers } from './peers.ts';
import { privateRows } from './private.ts';
import { proofRows } from './proofs.ts';
import { shortRows } from './short.ts';
import { table } from './table.ts';
import { transitionRows } from './transitions.ts';
import { visibleRows } from './visible.ts';

const GROUPS = [
  'interpreter',
  'visible',
  'region',
  'vectors',
  'calls',
  'short',
  'cliff',
  'fork',
  'private',
  'transitions',
  'proofs',
] as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '5' }, help: { type: 'boolean' } },
});
const rounds = Number(values.rounds);
const unknown = positionals.find((name) => !GROUPS.some((group) => group === name));
if (values.help === true || unknown !== undefined || !Number.isInteger(rounds) || rounds < 1) {
  process.stdout.write(`npm run bench -- [${GROUPS.join('|')}...] [--rounds N] [--json]\n`);
  process.exit(values.help === true ? 0 : 2);
}
const wanted = (group: Row['group']): boolean => positionals.length === 0 || positionals.includes(group);

say(`CPU seconds of this process and of each peer's; medians of ${rounds} interleaved rounds`);
const rows: Row[] = [];
const skipped: string[] = [];
if (['interpreter', 'visible', 'region', 'vectors', 'calls', 'cliff'].some(wanted)) {
  const peers = new Peers();
  try {
    skipped.push(...peers.skipped);
    for (const group of ['interpreter', 'region'] as const) if (wanted(group)) rows.push(...engineRows(group, rounds, peers.list));
    if (wanted('visible')) rows.push(...visibleRows(rounds, peers.steps));
    if (wanted('vectors')) rows.push(...vectorRows(rounds, peers.list));
    if (wanted('calls')) rows.push(...callRows(rounds, peers.list));
    if (wanted('cliff')) rows.push(...cliffRows(rounds, peers.list));
  } finally {
    peers.close();
  }
}
if (wanted('short')) rows.push(...(await shortRows(rounds)));
if (wanted('fork')) rows.push(forkRow(rounds));
if (wanted('private')) rows.push(...privateRows(rounds));
if (wanted('transitions')) rows.push(...transitionRows(rounds));
if (wanted('proofs')) rows.push(...proofRows(Math.min(rounds, 3)));

if (values.json === true) {
  const report = { rounds, node: process.versions.node, skipped, rows: rows.map((row) => ({ ...row, reached: reached(row) })) };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
} else {
  for (const group of GROUPS.filter((g) => rows.some((row) => row.group === g))) {
    process.stdout.write(`\n${group}\n`);
    process.stdout.write(`${table(rows.filter((row) => row.group === group))}\n`);
  }
  process.stdout.write(skipped.length === 0 ? '' : `\nskipped: ${skipped.join('; ')}\n`);
}
