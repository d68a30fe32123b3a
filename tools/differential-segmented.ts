import { parseArgs } from 'node:util';
import { segmentedDifference } from './differential/segmented.ts';

const USAGE = `usage: npx tsx tools/differential-segmented.ts [--count N] [--seed N]
Runs random sequences of 16- and 32-bit code in segments of all kinds under the reference and the interpreter, 60 for each of N seeds. Exit code 0 when both agree, 1 with what
differs for the first seed where they do not.`;

const { values } = parseArgs({ options: { count: { type: 'string', default: '20' }, seed: { type: 'string', default: '1' } } });
const [count, first] = [Number(values.count), Number(values.seed)];
if (!Number.isSafeInteger(count) || !Number.isSafeInteger(first) || count < 1) {
  console.error(USAGE);
  process.exit(129);
}
let found: string | undefined;
let seed = first;
for (; seed < first + count && found === undefined; seed++) found = segmentedDifference(seed);
console.log(`${seed - first} seeds from ${first}`);
console.log(found === undefined ? 'reference and interpreter agree' : `seed ${seed - 1}: ${found}`);
if (found !== undefined) process.exitCode = 1;
