import { spawnSync } from 'node:child_process';
import type { Random } from '../chance.ts';
import type { Program } from './program.ts';

/** Where its headers may be. */
const INCLUDE = ['/usr/include/csmith', '/usr/local/include/csmith', '/usr/include/csmith-2.3.0', '/usr/local/include/csmith-2.3.0'];

/** Whether it is installed. It leaves a file in the folder where it runs. */
export const hasCsmith = (folder: string): boolean => spawnSync('csmith', ['--version'], { cwd: folder, stdio: 'ignore' }).status === 0;

/** A program of csmith, which prints a checksum of its globals. */
export function csmithProgram(random: Random, folder: string): Program | undefined {
  const args = ['--seed', `${1 + random(2 ** 31 - 2)}`, '--max-funcs', `${4 + random(8)}`, '--inline-function'];
  // Some are CRC32.
  const builtins = random(4) === 0;
  if (builtins) args.push('--builtins');
  if (random(2) === 0) args.push('--float');
  if (random(3) === 0) args.push('--max-array-dim', '4', '--max-array-len-per-dim', '12');
  if (random(3) === 0) args.push('--no-packed-struct');
  const { status, stdout } = spawnSync('csmith', args, { cwd: folder, encoding: 'utf8', timeout: 20_000, maxBuffer: 1 << 26 });
  if (status !== 0) return undefined;
  return {
    kind: 'csmith',
    language: 'c',
    text: stdout,
    flags: [...INCLUDE.map((path) => `-I${path}`), ...(builtins ? ['-mcrc32'] : [])],
    has32: true,
  };
}
