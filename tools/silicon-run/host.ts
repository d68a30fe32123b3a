import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { arch, platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Host } from './host-program.ts';

const SOURCE = fileURLToPath(new URL('harness.c', import.meta.url));
/** Seconds beyond those that were asked for, after which a harness counts as stuck. */
const PATIENCE = 30;

/** The harness, built in a folder of its own for as long as it is needed. */
export interface Harness {
  readonly host: Host;
  /** What it prints of a test. Throws with what it says when it fails. */
  run(input: string, seconds: number): string;
  close(): void;
}

/** Why nothing can be run on this machine; undefined when it can. */
export function whyNotHere(): string | undefined {
  if (platform() !== 'linux') return `this is ${platform()}, not Linux`;
  if (arch() !== 'x64') return `this is ${arch()}, not x86-64`;
  if (spawnSync('gcc', ['--version']).status !== 0) return 'gcc is not there';
  return undefined;
}

/** Builds the harness with the gcc of this machine and asks what the machine can do. */
export function buildHarness(): Harness {
  const folder = mkdtempSync(join(tmpdir(), 'textpoke-silicon-'));
  const program = join(folder, 'harness');
  const close = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    check(spawnSync('gcc', ['-O2', '-Wall', '-Wextra', '-Werror', '-pthread', '-o', program, SOURCE], { encoding: 'utf8' }));
    const words = check(spawnSync(program, ['probe'], { encoding: 'utf8' }))
      .trim()
      .split('\n')
      .map((line) => line.split(' ') as [string, string]);
    const can = (what: string): boolean => words.some(([name, value]) => name === what && value === '1');
    const cores = words.filter(([name]) => name === 'core').map(([, core]) => Number(core));
    return {
      host: { cores, serialize: can('serialize'), sync: can('sync') },
      run: (input, seconds) => check(spawnSync(program, [], { input, encoding: 'utf8', timeout: (seconds + PATIENCE) * 1000 })),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

function check(done: { status: number | null; signal: string | null; stdout: string; stderr: string; error?: Error | undefined }): string {
  if (done.status === 0) return done.stdout;
  throw new Error(done.stderr.trim() || done.error?.message || `ended by ${done.signal ?? `status ${done.status}`}`);
}
