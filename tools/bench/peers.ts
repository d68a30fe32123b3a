import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Kernel } from './guest-machine.ts';
import { KERNELS } from './guest-machine.ts';
import { say } from './measure.ts';

export interface PeerRun {
  readonly rax: bigint;
  readonly seconds: number;
}

/** Something else that runs the kernels in a process of its own; `hooked unicorn` calls a UC_HOOK_CODE before each instruction. */
export interface Peer {
  readonly name: 'native' | 'qemu-user' | 'unicorn' | 'hooked unicorn';
  run(kernel: Kernel): PeerRun;
}

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const FIXTURES = path('../../fixtures/bench');

/** Programs that the C compiler of this machine makes of the kernels and of Unicorn, where they are there. `close` removes them. */
export class Peers {
  readonly list: readonly Peer[];
  readonly skipped: readonly string[];
  readonly #directory = mkdtempSync(join(tmpdir(), 'textpoke-bench-'));

  constructor() {
    const list: Peer[] = [];
    const skipped: string[] = [];
    if (!succeeds('gcc', ['--version'])) skipped.push('gcc is not installed: no native loop and no Unicorn to compare with');
    else {
      list.push(this.#native());
      if (succeeds('qemu-x86_64', ['--version'])) list.push(this.#qemu());
      else skipped.push('qemu-x86_64 (qemu-user) is not installed');
      const unicorn = this.#unicorn();
      if (unicorn === undefined) skipped.push('libunicorn (libunicorn-dev) is not installed: no Unicorn to compare with');
      else list.push(...unicorn);
    }
    this.list = list;
    this.skipped = skipped;
    for (const text of skipped) say(text);
  }

  close(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #native(): Peer {
    for (const kernel of KERNELS) {
      const sources = [join(FIXTURES, 'native.c'), join(FIXTURES, `${kernel}.c`)];
      execFileSync('gcc', ['-O2', '-o', join(this.#directory, kernel), ...sources]);
    }
    return { name: 'native', run: (kernel) => result(execFileSync(join(this.#directory, kernel), { encoding: 'utf8' })) };
  }

  /** The native programs under qemu-user: its CPU time, translation included. */
  #qemu(): Peer {
    return {
      name: 'qemu-user',
      run: (kernel) => result(execFileSync('qemu-x86_64', [join(this.#directory, kernel)], { encoding: 'utf8' })),
    };
  }

  #unicorn(): Peer[] | undefined {
    const program = join(this.#directory, 'unicorn');
    if (!succeeds('gcc', ['-O2', '-o', program, path('unicorn.c'), '-lunicorn'])) return undefined;
    const under = (hook: '0' | '1') => (kernel: Kernel) =>
      result(execFileSync(program, [join(FIXTURES, `${kernel}.bin`), hook], { encoding: 'utf8' }));
    return [
      { name: 'unicorn', run: under('0') },
      { name: 'hooked unicorn', run: under('1') },
    ];
  }
}

function succeeds(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** rax in hexadecimal first, CPU nanoseconds last. */
function result(line: string): PeerRun {
  const words = line.trim().split(' ');
  return { rax: BigInt(`0x${words[0]}`), seconds: Number(words.at(-1)) / 1e9 };
}
