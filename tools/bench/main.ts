import { commandLine, wrong } from '../usage.ts';
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

/** What can be asked for, in the order of the output. */
const GROUPS = {
  interpreter: 'four guest kernels on the interpreter, beside Unicorn with a code hook and native code',
  visible: 'one visible operation a call from TypeScript, beside uc_emu_start with count 1',
  region: 'the four kernels in compiled regions, beside Unicorn, qemu-user and native code',
  vectors: 'dgemm, n-body, SHA-256, x87, copies with AVX2 and pixels as vectors of integers, under both engines',
  calls: 'calls on one page and across pages',
  short: 'whole processes of the built program, and the parts of a start, beside node -e 0',
  cliff: 'code beside data and code that changes itself, against the same work without',
  fork: 'fork and rollback of ten stores',
  private: 'long private work between two visible operations: interpreter against regions',
  transitions: 'transitions a second on the machine itself',
  proofs: 'whole searches of F1 and F2',
} as const;
type Group = keyof typeof GROUPS;
const NAMES = Object.keys(GROUPS) as Group[];

const USAGE = `usage: npm run bench -- [GROUP...] [--rounds N] [--json]
Measures this machine in CPU time of interleaved rounds, and says of each row whether its goal is reached. Peers that are not installed are named and left out.

${NAMES.map((name) => `  ${name.padEnd(13)}${GROUPS[name]}`).join('\n')}

  --rounds N   default 5
  --json       one object, all rows`;

const { positionals, ...values } = commandLine({ json: { type: 'boolean' }, rounds: { type: 'string', default: '5' } }, USAGE);
const rounds = Number(values.rounds);
const unknown = positionals.find((name) => !(name in GROUPS));
if (unknown !== undefined) wrong(`there is no group '${unknown}'`, USAGE);
if (!Number.isInteger(rounds) || rounds < 1) wrong(`--rounds wants a whole number of at least 1, not '${values.rounds}'`, USAGE);
const wanted = (group: Group): boolean => positionals.length === 0 || positionals.includes(group);

say(`CPU seconds of this process and of each peer's; medians of ${rounds} interleaved rounds`);
const rows: Row[] = [];
const skipped: string[] = [];
if ((['interpreter', 'visible', 'region', 'vectors', 'calls', 'cliff'] as const).some(wanted)) {
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
  for (const group of NAMES.filter((g) => rows.some((row) => row.group === g))) {
    process.stdout.write(`\n${group}\n`);
    process.stdout.write(`${table(rows.filter((row) => row.group === group))}\n`);
  }
  process.stdout.write(skipped.length === 0 ? '' : `\nskipped: ${skipped.join('; ')}\n`);
}
