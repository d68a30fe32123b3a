import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Kernel } from './guest-machine.ts';
import { KERNELS } from './guest-machine.ts';
import { say } from './measure.ts';
import { VECTOR_KERNELS, type VectorKernel } from './vector-kernels.ts';

export interface PeerRun {
  readonly rax: bigint;
  readonly seconds: number;
}

/** Something else that runs the kernels in a process of its own; `hooked unicorn` calls a UC_HOOK_CODE before each instruction. */
export interface Peer {
  readonly name: 'native' | 'qemu-user' | 'unicorn' | 'hooked unicorn';
  /** Undefined where it does not have the instructions of the kernel. */
  run(kernel: Kernel): PeerRun | undefined;
}

/** Unicorn, asked for one instruction at a time. */
export interface StepPeer {
  /** The first instructions of a kernel, and where they end. */
  steps(kernel: Kernel, instructions: number): PeerRun & { readonly rip: bigint };
}

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const FIXTURES = path('../../fixtures/bench');

/** Programs that the C compiler of this machine makes of the kernels and of Unicorn, where they are there. `close` removes them. */
export class Peers {
  readonly list: readonly Peer[];
  readonly skipped: readonly string[];
  /** Undefined where there is no Unicorn. */
  readonly steps: StepPeer | undefined;
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
      else {
        list.push(...unicorn);
        this.steps = { steps: (kernel, instructions) => this.#steps(kernel, instructions) };
      }
    }
    this.list = list;
    this.skipped = skipped;
    for (const text of skipped) say(text);
  }

  close(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #native(): Peer {
    for (const kernel of [...KERNELS, 'far' as const, ...(Object.keys(VECTOR_KERNELS) as VectorKernel[])]) {
      const main = join(this.#directory, `${kernel}.o`);
      execFileSync('gcc', ['-O2', '-c', '-o', main, join(FIXTURES, 'native.c')]);
      const flags = kernel in VECTOR_KERNELS ? VECTOR_KERNELS[kernel as VectorKernel] : [];
      execFileSync('gcc', ['-O2', ...flags, '-o', join(this.#directory, kernel), main, join(FIXTURES, `${kernel}.c`)]);
    }
    return { name: 'native', run: (kernel) => ran(join(this.#directory, kernel), []) };
  }

  /** The native programs under qemu-user: its CPU time, translation included. */
  #qemu(): Peer {
    return {
      name: 'qemu-user',
      run: (kernel) => ran('qemu-x86_64', [join(this.#directory, kernel)]),
    };
  }

  #steps(kernel: Kernel, instructions: number): PeerRun & { readonly rip: bigint } {
    const text = execFileSync(join(this.#directory, 'unicorn'), [join(FIXTURES, `${kernel}.bin`), String(instructions)], {
      encoding: 'utf8',
    });
    const [rax, rip, nanoseconds] = text.trim().split(' ');
    return { rax: BigInt(`0x${rax}`), rip: BigInt(`0x${rip}`), seconds: Number(nanoseconds) / 1e9 };
  }

  #unicorn(): Peer[] | undefined {
    const program = join(this.#directory, 'unicorn');
    if (!succeeds('gcc', ['-O2', '-o', program, path('unicorn.c'), '-lunicorn'])) return undefined;
    const under = (hook: '0' | '1') => (kernel: Kernel) => ran(program, [join(FIXTURES, `${kernel}.bin`), hook]);
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

/** What a program says of a kernel: rax in hexadecimal first, CPU nanoseconds last. One that does not know an instruction ends otherwise. */
function ran(program: string, args: readonly string[]): PeerRun | undefined {
  const { status, stdout } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) return undefined;
  const words = stdout.trim().split(' ');
  return { rax: BigInt(`0x${words[0]}`), seconds: Number(words.at(-1)) / 1e9 };
}
