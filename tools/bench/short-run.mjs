// A machine in a process of its own, on what `npm run build` makes: node short-run.mjs BUILD RAM-BYTES FILE. Prints JSON; times in milliseconds, memory in bytes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [build, ram, file] = process.argv.slice(2);
const { BareMachine, runBare, imageFromElf } = await import(pathToFileURL(join(build, 'dist/index.js')).href);
const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e3;
};
const image = imageFromElf(readFileSync(file), file);
const before = { cpu: cpu(), memory: process.memoryUsage().rss };
const bare = new BareMachine(image, { cores: 1, ramBytes: Number(ram), engine: 'region', serial: () => {} });
const machine = cpu() - before.cpu;
runBare(bare, { maxInstructions: 1 });
console.log(JSON.stringify({ machine, memory: process.memoryUsage().rss - before.memory }));
