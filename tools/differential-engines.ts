import { parseArgs } from 'node:util';
import { differOn, type EngineDifference } from './differential/engines.ts';

const USAGE = `usage: npm run fuzz:engines -- [--count N] [--seed N]
Runs random programs (registers, memory, branches, calls, strings, x87, vectors, gathers, faults, stores into their own text, interrupts between slices) under the reference, the
interpreter and the region compiler in lockstep. Exit code 0 when all agree, 1 with the seed of the first that does not.`;

const { values } = parseArgs({ options: { count: { type: 'string', default: '2000' }, seed: { type: 'string', default: '1' } } });
const [count, first] = [Number(values.count), Number(values.seed)];
if (!Number.isSafeInteger(count) || !Number.isSafeInteger(first) || count < 1) {
  console.error(USAGE);
  process.exit(129);
}
let slices = 0;
let regions = 0;
let found: EngineDifference | undefined;
let seed = first;
for (; seed < first + count && found === undefined; seed++) {
  const outcome = differOn(seed);
  slices += outcome.slices;
  regions += outcome.regions;
  found = outcome.difference;
}
console.log(`${seed - first} programs from seed ${first}, ${slices} slices compared, ${regions} regions compiled`);
if (found === undefined) console.log('reference, interpreter and region compiler agree');
else {
  console.log(`seed ${seed - 1}: ${found.engine} differs from the interpreter after ${found.instructions} instructions: ${found.what}`);
  console.log(found.program);
  process.exitCode = 1;
}
