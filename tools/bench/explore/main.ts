import { parseArgs } from 'node:util';
import { type Row, reached, say } from '../measure.ts';
import { table } from '../table.ts';
import { litmusRows } from './litmus.ts';
import { CPU_LIMIT, type Options, type Size } from './options.ts';
import { replayRows } from './replay.ts';
import { samplingRows } from './sampling.ts';
import { sctRows } from './sct.ts';
import { siteRows } from './sites.ts';
import { Spin } from './spin.ts';
import { transitionRows } from './transitions.ts';
import { windowRows } from './window.ts';

const GROUPS = ['transitions', 'window', 'sites', 'sampling', 'replay', 'litmus', 'sct'] as const;
/** Groups of rows as they are printed: what a victim more costs stands for itself. */
const PRINTED = ['transitions', 'window', 'growth', 'sites', 'sampling', 'replay', 'litmus', 'sct'] as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean' },
    quick: { type: 'boolean' },
    full: { type: 'boolean' },
    litmus: { type: 'string', default: 'fixtures/litmus' },
    help: { type: 'boolean' },
  },
});
const unknown = positionals.find((name) => !GROUPS.some((group) => group === name));
const both = values.quick === true && values.full === true;
if (values.help === true || unknown !== undefined || both) {
  process.stdout.write(`npm run bench:explore -- [${GROUPS.join('|')}...] [--quick | --full] [--litmus DIR] [--json]\n`);
  process.exit(values.help === true ? 0 : 2);
}
const wanted = (group: (typeof GROUPS)[number]): boolean => positionals.length === 0 || positionals.includes(group);
const size: Size = values.quick === true ? 'quick' : values.full === true ? 'full' : 'normal';
const options: Options = { size, litmus: values.litmus };

say(`CPU seconds of this process and of each peer's; a search is given up after ${CPU_LIMIT[size]} s, or what its goal allows`);
const rows: Row[] = [];
const skipped: string[] = [];
if (wanted('transitions')) rows.push(...transitionRows(options));
if (wanted('window') || wanted('sites')) {
  const missing = Spin.missing();
  if (missing !== undefined) skipped.push(missing);
  skipped.push('nidhugg: it runs C and fetches nothing stale, and there is no C of the window here');
  const spin = missing === undefined ? new Spin() : undefined;
  try {
    if (wanted('window')) rows.push(...windowRows(options, spin));
    if (wanted('sites')) rows.push(...siteRows(options, spin));
  } finally {
    spin?.close();
  }
}
if (wanted('sampling')) rows.push(...samplingRows(options));
if (wanted('replay')) rows.push(...replayRows(options));
if (wanted('litmus')) {
  const litmus = await litmusRows(options);
  rows.push(...litmus.rows);
  skipped.push(...litmus.skipped);
}
if (wanted('sct')) rows.push(...sctRows(options));

if (values.json === true) {
  const report = { size, node: process.versions.node, skipped, rows: rows.map((row) => ({ ...row, reached: reached(row) })) };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
} else {
  for (const group of PRINTED.filter((g) => rows.some((row) => row.group === g))) {
    process.stdout.write(`\n${group}\n`);
    process.stdout.write(`${table(rows.filter((row) => row.group === group))}\n`);
  }
  process.stdout.write(skipped.length === 0 ? '' : `\nskipped: ${skipped.join('; ')}\n`);
}
