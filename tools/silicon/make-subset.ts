import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { SEGMENTED_CLASSES } from '../record-silicon/segmented-classes.ts';

/**
 * Makes fixtures/silicon from a full directory of vectors: `npx tsx tools/silicon/make-subset.ts FROM TO`. Of every iced Code it takes one
 * record for each exception that occurs and then others, evenly spaced, up to `PER_CODE`. Of 16- and 32-bit code, whose meaning is that of 64-bit code but for sizes and segments,
 * fewer. Classes that FROM does not have stay what they are in TO, where both have the same register files.
 */
const PER_CODE = 6;
/** Classes whose records all have one name: more of them. Vectors: fewer, since many Codes differ in the size of the registers alone. */
const PER_CLASS: Readonly<Record<string, number>> = {
  ud: 200,
  len: 40,
  fetch: 48,
  sse: 3,
  sse2: 3,
  sse3: 3,
  avx: 2,
  avx2: 2,
  fma: 2,
  mmx: 3,
  image: 3,
  flags: 40,
};
/** Of 16- and 32-bit code, by the class without its size. */
const PER_SEGMENTED: Readonly<Record<string, number>> = {
  decimal: 12,
  stack: 4,
  bound: 6,
  branch: 2,
  far: 3,
  string: 2,
  sse: 1,
  avx: 1,
  mmx: 1,
  x87: 1,
  image: 1,
  flags: 30,
};
const SEGMENTED = 2;
const CLASSES = [
  ...SEGMENTED_CLASSES,
  'int',
  'intext',
  'stack',
  'muldiv',
  'branch',
  'atomic',
  'string',
  'shift',
  'bitcond',
  'bmi',
  'fsgs',
  'len',
  'fetch',
  'nop',
  'priv',
  'ud',
  'sse',
  'sse2',
  'sse3',
  'sse4',
  'sse4a',
  'avx',
  'avx2',
  'fma',
  'f16c',
  'aes',
  'pclmul',
  'sha',
  'mmx',
  'x87',
  'image',
  'flags',
  'flags-32',
  'flags-16',
];

interface Row {
  id: string;
  x?: { v: number };
}

const codeOf = (record: Row): string => record.id.slice(0, record.id.lastIndexOf('/'));

function groupBy<T, K>(items: readonly T[], key: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}

function choose<T extends Row>(records: readonly T[], count: number): T[] {
  const chosen = new Set<T>();
  for (const group of groupBy(records, (r) => r.x?.v).values()) chosen.add(group[0]);
  for (let n = 0; n < count && chosen.size < count; n++) chosen.add(records[Math.floor((n * records.length) / count)]);
  return records.filter((r) => chosen.has(r));
}

function perCode(name: string): number {
  const [own, size] = name.split('-') as [string, string?];
  return size === undefined ? (PER_CLASS[name] ?? PER_CODE) : (PER_SEGMENTED[own] ?? SEGMENTED);
}

const sameNumbers = (a: string, b: string): boolean => {
  const [x, y] = [a, b].map((file) => JSON.stringify(JSON.parse(readFileSync(file, 'utf8'))));
  return x === y;
};

function subset(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  const [given, there] = [join(from, 'bg.json'), join(to, 'bg.json')];
  const present = CLASSES.filter((name) => existsSync(join(from, `${name}.jsonl.gz`)));
  if (present.length < CLASSES.length && existsSync(there) && !sameNumbers(given, there)) throw new Error(`${to} has other register files`);
  copyFileSync(given, there);
  for (const name of present) {
    const lines = gunzipSync(readFileSync(join(from, `${name}.jsonl.gz`)))
      .toString('utf8')
      .trim()
      .split('\n');
    const records = lines.map((line) => ({ line, ...(JSON.parse(line) as Row) }));
    const byCode = groupBy(records, codeOf);
    const chosen = [...byCode.values()].flatMap((group) => choose(group, perCode(name)));
    writeFileSync(join(to, `${name}.jsonl.gz`), gzipSync(`${chosen.map((r) => r.line).join('\n')}\n`, { level: 9 }));
  }
}

const [from, to] = process.argv.slice(2);
if (from === undefined || to === undefined) {
  console.error('usage: npx tsx tools/silicon/make-subset.ts FROM TO');
  process.exitCode = 129;
} else {
  subset(from, to);
}
