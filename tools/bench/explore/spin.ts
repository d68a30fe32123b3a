import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MODEL = fileURLToPath(new URL('ftrace-window.pml', import.meta.url));
/** Deeper than any run of the model, and how much memory pan may take (MB). */
const DEPTH = 100_000;
const MEMORY_LIMIT = 8000;

/** Parameters of ftrace-window.pml. */
export interface WindowModel {
  readonly victims: number;
  readonly sites: number;
  /** How often each victim calls all sites. */
  readonly calls: number;
  readonly finalSync: boolean;
}

export interface SpinRun {
  /** CPU seconds of the search alone, and of spin and the C compiler before it. */
  readonly seconds: number;
  readonly buildSeconds: number;
  readonly states: number;
  readonly transitions: number;
  readonly megabytes: number;
  readonly found: boolean;
  /** Why the search did not come to an end. */
  readonly stopped: string | undefined;
}

/** SPIN (G. Holzmann, spinroot.com) on our model of the window. */
export class Spin {
  readonly #directory = mkdtempSync(join(tmpdir(), 'textpoke-spin-'));

  /** What is missing to run it here. */
  static missing(): string | undefined {
    if (!runs('spin', '-V')) return 'spin is not installed: no model checker to compare with';
    return runs('gcc', '--version') ? undefined : 'gcc is not installed: spin cannot build its search';
  }

  close(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Searches the model until the first violation or the end; `limit` in CPU seconds. */
  run({ victims, sites, calls, finalSync }: WindowModel, limit: number): SpinRun {
    const defines = `-DNV=${victims} -DNS=${sites} -DCALLS=${calls} -DFINAL=${finalSync ? 1 : 0}`;
    const build = this.#shell(`spin -a ${defines} '${MODEL}' && gcc -O2 -DSAFETY -DMEMLIM=${MEMORY_LIMIT} -o pan pan.c`);
    const search = this.#shell(`ulimit -t ${limit}; ./pan -m${DEPTH}`);
    const number = (pattern: RegExp): number => Number(pattern.exec(search.output)?.[1] ?? 0);
    const ended = /errors: \d+/.test(search.output) && !/search not completed|max search depth too small/i.test(search.output);
    const found = number(/errors: (\d+)/) > 0;
    return {
      seconds: search.seconds,
      buildSeconds: build.seconds,
      states: number(/(\d+) states, stored/),
      transitions: number(/(\d+) transitions/),
      megabytes: number(/([\d.]+)\s+total actual memory usage/),
      found,
      stopped: ended || found ? undefined : `spin: not finished in ${limit} s and ${MEMORY_LIMIT} MB`,
    };
  }

  /** Runs a line of shell; `times` says how much CPU time its children took. */
  #shell(line: string): { output: string; seconds: number } {
    const output = execFileSync('sh', ['-c', `${line}; times`], {
      cwd: this.#directory,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [user, system] = [...(output.trim().split('\n').at(-1) as string).matchAll(/(\d+)m([\d.]+)s/g)].map(
      ([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds),
    );
    if (user === undefined || system === undefined) throw new Error(`what times says is not understood: ${output}`);
    return { output, seconds: user + system };
  }
}

function runs(program: string, argument: string): boolean {
  try {
    execFileSync(program, [argument], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
