// One short program in a process of its own, on what `npm run build` would make: node short-run.mjs BUILD ENGINE RAM-BYTES FILE. Prints JSON; times in milliseconds, memory in bytes.
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';

const [build, engine, ram, file] = process.argv.slice(2);
const load = (path) => import(pathToFileURL(`${build}/${path}`).href);
const [{ BareMachine }, { runBare }, { imageFromElf, imageFromFlat }] = await Promise.all([
  load('kernel/bare.js'),
  load('kernel/bare-run.js'),
  load('image/image.js'),
]);
const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e3;
};
const before = { cpu: cpu(), memory: process.memoryUsage().rss };
const bytes = readFileSync(file);
const image = file.endsWith('.elf') ? imageFromElf(bytes, file) : imageFromFlat(bytes, { base: 0x100000n });
const bare = new BareMachine(image, { cores: 1, ramBytes: Number(ram), engine, serial: () => {} });
const made = { wall: performance.now(), cpu: cpu() };
const result = runBare(bare, { maxInstructions: 1, stop: () => false, turn: () => {} });
const first = { wall: performance.now(), cpu: cpu(), memory: process.memoryUsage().rss };
const rest = result.cause === 'budget' ? runBare(bare, { maxInstructions: 3_000_000, stop: () => false, turn: () => {} }) : result;
const end = cpu();
const instructions = rest.cores.reduce((sum, core) => sum + core.instructions, 0);
console.log(
  JSON.stringify({
    run: end - before.cpu,
    whole: end,
    machine: made.cpu - before.cpu,
    first: first.wall,
    firstCpu: first.cpu,
    memory: first.memory - before.memory,
    instructions,
  }),
);
