/**
 * Runs the commands of README.md's console blocks and puts in what they print now: tsx tools/readme.ts
 * A line `...` stands for lines left out: what is in front of the first one and behind the last one keeps its number of lines, a part in between is
 * looked for by its lines, numbers and tokens aside. Tokens in the text around follow those in the blocks.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { root } from './build-fixtures.ts';

const ELISION = '...';

/** What a command prints, as a terminal without colours shows it. */
function run(command: string): string[] {
  const [program, ...args] = command.split(' ');
  const argv = program === 'npm' ? ['src/cli/main.ts', 'start'] : ['src/cli/main.ts', ...args];
  const result = spawnSync('npx', ['tsx', ...argv], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
    maxBuffer: 1 << 28,
  });
  if (result.error !== undefined) throw result.error;
  if (result.status === null || result.status > 1) throw new Error(`${command}: exit ${result.status}\n${result.stderr}`);
  return result.stdout.replace(/\n+$/, '').split('\n');
}

const plain = (line: string): string => line.replace(/tp1_[\w-]+/g, 'T').replace(/[0-9a-f]{2,}|\d+/g, '#');

/** Where from `at` on the lines are most like those of `part`. */
function likeliest(part: readonly string[], fresh: readonly string[], at: number): number {
  const alike = (from: number): number => part.filter((line, n) => plain(fresh[from + n] ?? '') === plain(line)).length;
  const best = fresh
    .map((_, from) => from)
    .filter((from) => from >= at)
    .reduce((a, b) => (alike(b) > alike(a) ? b : a), at);
  if (alike(best) === 0) throw new Error(`nothing like '${part[0]}' is printed any more`);
  return best;
}

/** The new output, with the old one's elisions. */
function elide(old: readonly string[], fresh: readonly string[]): string[] {
  const parts: string[][] = [[]];
  for (const line of old) {
    if (line === ELISION) parts.push([]);
    else parts.at(-1)?.push(line);
  }
  if (parts.length === 1) return [...fresh];
  const out: string[] = [];
  let at = 0;
  parts.forEach((part, n) => {
    if (n > 0) out.push(ELISION);
    const last = n === parts.length - 1;
    let from = n === 0 ? 0 : last ? Math.max(at, fresh.length - part.length) : -1;
    if (from < 0) from = likeliest(part, fresh, at);
    out.push(...fresh.slice(from, from + part.length));
    at = from + part.length;
  });
  return out;
}

/** One console block: commands behind `$ `, each with its output. */
function refresh(block: string): string {
  const out: string[] = [];
  const lines = block.split('\n');
  for (let at = 0; at < lines.length; ) {
    const command = lines[at]?.replace(/^\$ /, '') ?? '';
    let end = at + 1;
    while (end < lines.length && lines[end]?.startsWith('$ ') === false) end++;
    out.push(lines[at] as string, ...elide(lines.slice(at + 1, end), run(command)));
    at = end;
  }
  return out.join('\n');
}

function main(): void {
  const path = fileURLToPath(new URL('../README.md', import.meta.url));
  let text = readFileSync(path, 'utf8');
  const blocks = (): string[] => [...text.matchAll(/```console\n([\s\S]*?)\n```/g)].map((found) => found[1] as string);
  // A token that a block prints anew is used by blocks behind it.
  for (let n = 0; n < blocks().length; n++) {
    const block = blocks()[n] as string;
    const fresh = refresh(block);
    text = text.replace(block, () => fresh);
    const before = [...block.matchAll(/tp1_[\w-]+/g)].map(String);
    const now = [...fresh.matchAll(/tp1_[\w-]+/g)].map(String);
    if (before.length === now.length) for (const [i, token] of before.entries()) text = text.replaceAll(token, now[i] as string);
  }
  writeFileSync(path, text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
