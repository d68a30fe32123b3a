import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Io } from '../../src/cli/io.ts';
import { nodeIo } from '../../src/cli/node-io.ts';
import { runProgram } from '../../src/cli/program.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

const version = spawnSync('gdb', ['--version'], { encoding: 'utf8' });

/** Whether there is a gdb to test with. */
export const hasGdb = version.status === 0;
/** Which one: transcripts are of that of the golden files. */
export const gdbVersion = /(\d+\.\d+)/.exec(version.stdout ?? '')?.[1] ?? 'none';
export const GOLDEN_GDB = '13.1';

/** A `textpoke gdb` that runs in this process. */
export interface Served {
  readonly port: number;
  /** Its exit code, once it has ended. */
  readonly ended: Promise<number>;
  /** What it has written. */
  readonly stdout: () => string;
  readonly stderr: () => string;
}

/** Begins to serve with these arguments behind `textpoke gdb`, on a port that is free unless they say one. */
export async function serve(args: readonly string[]): Promise<Served> {
  let out = '';
  let err = '';
  let heard: (() => void) | undefined;
  const real = nodeIo(() => false);
  const io: Io = Object.create(real, {
    stdout: {
      value: (data: string | Uint8Array) => {
        out += typeof data === 'string' ? data : new TextDecoder().decode(data);
        heard?.();
      },
    },
    stderr: {
      value: (text: string) => {
        err += text;
      },
    },
    isTTY: { value: { stdout: false, stderr: false } },
    exitCode: { value: 0, writable: true },
  });
  const ended = runProgram(['gdb', ...args, ...(args.includes('--port') ? [] : ['--port', '0'])], io);
  const listening = new Promise<void>((resolve) => {
    heard = () => {
      if (/listening/.test(out)) resolve();
    };
    heard();
  });
  await Promise.race([listening, ended]);
  const port = Number(/listening 127\.0\.0\.1:(\d+)/.exec(out)?.[1] ?? 0);
  if (port === 0) throw new Error(`it does not listen: ${out}${err}`);
  return { port, ended, stdout: () => out, stderr: () => err };
}

/** What gdb shows for these lines, typed at a server of a port, or at a command behind `|`. `wait`: a ^C a moment after gdb has shown that. */
export function gdb(server: number | string, lines: string, options: { readonly wait?: string } = {}): Promise<string> {
  const port = typeof server === 'number' ? `:${server}` : server;
  const settings = ['set confirm off', 'set pagination off', 'set width 0', 'set style enabled off', 'set trace-commands on'];
  const args = ['-nx', '-q', ...[...settings, `target remote ${port}`].flatMap((line) => ['-ex', line])];
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', 'exec gdb "$@" 2>&1', 'gdb', ...args], {
      cwd: ROOT,
      env: { PATH: process.env.PATH, LC_ALL: 'C', HOME: '/nonexistent' },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    let out = '';
    let interrupted = 0;
    child.stdout.on('data', (data: Buffer) => {
      out += data.toString();
      // A ^C for each time that the cores go on and nothing stops them.
      const going = options.wait === undefined ? 0 : out.split(options.wait).length - 1;
      if (going > interrupted) {
        interrupted = going;
        setTimeout(() => child.kill('SIGINT'), 300);
      }
    });
    const patience = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`gdb hangs: ${out}`));
    }, 40_000);
    child.on('error', reject);
    child.on('close', () => {
      clearTimeout(patience);
      resolve(normal(out, server));
    });
    child.stdin.on('error', () => {});
    child.stdin.end(`${lines}\n`);
  });
}

/** Without what depends on this host: its paths, the port. */
function normal(text: string, port: number | string): string {
  return text
    .replaceAll(`${ROOT}/`, '')
    .replaceAll(`:${port}`, ':PORT')
    .replaceAll('(gdb) ', '')
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '+set trace-commands on' && !line.startsWith('quit'))
    .join('\n')
    .trim()
    .concat('\n');
}

/** A script of `scripts/`: its first line is the command that serves, the others are typed. */
export function script(name: string): { readonly args: readonly string[]; readonly lines: string } {
  const text = readFileSync(new URL(`./scripts/${name}.gdb`, import.meta.url), 'utf8');
  const [first = '', ...rest] = text.trim().split('\n');
  const command = /^# textpoke gdb (.*)$/.exec(first)?.[1];
  if (command === undefined) throw new Error(`${name}.gdb does not begin with its command`);
  return { args: command.trim().split(/\s+/), lines: rest.join('\n') };
}
