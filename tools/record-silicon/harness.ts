import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { arch, platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LDT_WORDS } from '../silicon/segments.ts';

const SOURCE = fileURLToPath(new URL('harness.c', import.meta.url));
/** Milliseconds for one process; a test that does not come back ends its process after two seconds. */
const PATIENCE = 120_000;

/** Why nothing can be recorded on this machine; undefined when it can. */
export function whyNotHere(): string | undefined {
  if (platform() !== 'linux') return `this is ${platform()}, not Linux`;
  if (arch() !== 'x64') return `this is ${arch()}, not x86-64`;
  if (spawnSync('gcc', ['--version']).status !== 0) return 'gcc is not there';
  return undefined;
}

/** harness.c, built in a folder of its own for as long as it is needed. */
export class Harness {
  readonly #folder = mkdtempSync(join(tmpdir(), 'textpoke-record-'));
  readonly #program = join(this.#folder, 'harness');

  constructor() {
    const built = spawnSync(
      'gcc',
      ['-O2', '-fno-stack-protector', '-mno-red-zone', '-mfsgsbase', '-Wall', '-Wextra', '-Werror', '-o', this.#program, SOURCE],
      { encoding: 'utf8' },
    );
    if (built.status === 0) return;
    this.close();
    throw new Error(built.stderr);
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** What the harness says of each test, in order; undefined for one that ended its process, which goes on behind it in a new one. */
  run(tests: readonly string[], times: number): (string | undefined)[] {
    const results: (string | undefined)[] = [];
    while (results.length < tests.length) {
      const input = `${tests.slice(results.length).join('\n')}\n`;
      const { stdout, error } = spawnSync(this.#program, [String(times), ...LDT_WORDS], {
        input,
        encoding: 'utf8',
        timeout: PATIENCE,
        maxBuffer: 1 << 30,
      });
      if (error !== undefined && !('code' in error && error.code === 'ETIMEDOUT')) throw error;
      // A line that is not whole is of the test that ended it.
      const lines = stdout.split('\n').slice(0, -1);
      results.push(...lines);
      if (results.length < tests.length) results.push(undefined);
    }
    return results;
  }
}
