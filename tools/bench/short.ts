import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadAssembler } from '../../src/image/assembler/index.ts';
import { buildDist } from '../build-dist.ts';
import { geometricMean, median, type Row } from './measure.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const LARGE_RAM = 256 << 20;

const loop = (count: number, body: string, before = ''): string =>
  `${before}\n mov $${count}, %ecx\n1: ${body}\n dec %ecx\n jnz 1b\n xor %eax, %eax\n out %al, $0xf4\n hlt\n`;
const SPACE = '\n.balign 64\nspace: .fill 4096, 1, 0x35\n';

/** Programs of some instructions to some hundred thousand, beside those of fixtures/run. */
const PROGRAMS: Readonly<Record<string, string>> = {
  nothing: 'xor %eax, %eax\n out %al, $0xf4\n hlt\n',
  count: loop(1000, 'add %rcx, %rax'),
  collatz: loop(300, 'mov %rcx, %rax\n2: test $1, %al\n jz 3f\n lea 1(%rax,%rax,2), %rax\n3: shr $1, %rax\n cmp $1, %rax\n ja 2b'),
  gcd: loop(
    2000,
    'mov %rcx, %rax\n mov $720720, %ebx\n2: xor %edx, %edx\n div %rbx\n mov %rbx, %rax\n mov %rdx, %rbx\n test %rbx, %rbx\n jnz 2b',
  ),
  crc: loop(3000, 'crc32q %rcx, %rax\n rol $7, %rax\n popcnt %rax, %rdx'),
  calls: loop(4000, 'call 4b', 'jmp 5f\n4: push %rax\n pop %rdx\n ret\n5:'),
  strings:
    loop(200, 'mov %ecx, %ebp\n lea space(%rip), %rsi\n lea space+2048(%rip), %rdi\n mov $100, %ecx\n rep movsb\n mov %ebp, %ecx') + SPACE,
  bytes: loop(20000, 'mov space(%rip), %al\n add %al, space+64(%rip)\n xor %cl, space+65(%rip)') + SPACE,
  squares: loop(50000, 'mov %rcx, %rax\n imul %rax, %rax\n add %rax, %rdx'),
  floats: loop(5000, 'cvtsi2sd %rcx, %xmm0\n sqrtsd %xmm0, %xmm0\n addsd %xmm0, %xmm1'),
  vectors: loop(5000, 'vpaddd space(%rip), %ymm0, %ymm0\n vpxor %ymm0, %ymm1, %ymm1\n vmovdqu %ymm1, space+64(%rip)') + SPACE,
  x87: loop(1000, 'fldpi\n fld1\n .byte 0xde, 0xc1\n fstpl space(%rip)') + SPACE,
  long: loop(300000, 'add %rcx, %rax\n xor %rax, %rdx\n ror $3, %rdx'),
};

/** Noise only adds to the time of a short process, so the least of some rounds is taken; of fewer than these it is still noise. */
const LEAST_ROUNDS = 7;
const MAX_STEPS = 3_000_000;

interface Made {
  readonly machine: number;
  readonly memory: number;
}

/**
 * Short programs as a user runs them: each run is `textpoke run` in a process of its own, with the CPU time of the whole of it. Compiled regions against the
 * interpreter; the time to the first instruction beside that of Node doing nothing; memory of a large machine.
 */
export async function shortRows(atLeast: number): Promise<Row[]> {
  const rounds = Math.max(atLeast, LEAST_ROUNDS);
  const programs = mkdtempSync(join(tmpdir(), 'textpoke-short-'));
  // Beneath node_modules, where it finds the packages.
  const build = join(root, 'node_modules/.textpoke-bench');
  try {
    mkdirSync(build, { recursive: true });
    writeFileSync(join(build, 'package.json'), '{"type": "module"}\n');
    await buildDist(join(build, 'dist'));
    const main = join(build, 'dist/cli/main.js');
    const assembler = await loadAssembler();
    const files = Object.entries(PROGRAMS).map(([name, source]) => {
      const file = join(programs, `${name}.bin`);
      writeFileSync(file, assembler.assemble(source, { address: 0x100000n, file: `${name}.s` }).bytes);
      return [name, file] as const;
    });
    const fixtures = readdirSync(join(root, 'fixtures/run')).filter((name) => name.endsWith('.elf'));
    const all = [...fixtures.map((name) => [name, join(root, 'fixtures/run', name)] as const), ...files];
    const run = (file: string, engine: string): string[] => [main, 'run', file, '--engine', engine, '--max-steps', String(MAX_STEPS)];
    const rows = all.map(([name, file]): Row => {
      const [interpreter, region] = least(rounds, [run(file, 'interpreter'), run(file, 'region')]) as [number, number];
      return {
        group: 'short',
        name,
        values: {
          'interpreter ms': interpreter,
          'region ms': region,
          'ms more': region - interpreter,
          'times process': region / interpreter,
        },
        goal: { value: 'times process', atMost: 1.1 },
      };
    });
    const large = ['run', join(root, 'fixtures/run/hello.elf'), '--max-memory', '256M', '--max-steps', '1'];
    const sources = ['--import', join(root, 'tools/typescript.mjs'), join(root, 'src/cli/main.ts')];
    const [node, program, first, fromSources] = least(rounds, [
      ['-e', '0'],
      [main, '--version'],
      [main, ...large],
      [...sources, ...large],
    ]) as [number, number, number, number];
    const made = Array.from({ length: rounds }, () => makeLarge(build, large[1]!));
    return [
      ...rows,
      {
        group: 'short',
        name: 'geometric mean',
        values: { 'times process': geometricMean(rows.map((row) => row.values['times process']!)) },
        note: `whole processes, CPU time, the least of ${rounds} interleaved rounds`,
      },
      {
        group: 'short',
        name: 'first instruction, 256 MiB',
        values: {
          'CPU ms': first,
          'node -e 0': node,
          'command line': program - node,
          'machine and its code': first - program,
          'from sources': fromSources,
        },
        goal: { value: 'CPU ms', atMost: 300 },
        note: 'textpoke run --max-steps 1, the whole process; then its parts, and the same without a build',
      },
      {
        group: 'short',
        name: 'machine of 256 MiB',
        values: { 'machine CPU ms': median(made.map((m) => m.machine)), 'MiB resident': median(made.map((m) => m.memory)) / (1 << 20) },
        goal: { value: 'MiB resident', atMost: 32 },
        note: 'made and with one instruction done, in a process that has the library loaded',
      },
    ];
  } finally {
    rmSync(programs, { recursive: true, force: true });
    rmSync(build, { recursive: true, force: true });
  }
}

/** The least CPU time in milliseconds of each of some runs of Node with these arguments, each once a round. */
function least(rounds: number, runs: readonly (readonly string[])[]): number[] {
  const times = runs.map((): number[] => []);
  for (let round = 0; round < rounds; round++) for (const [n, args] of runs.entries()) times[n]!.push(processTime(args));
  return times.map((all) => Math.min(...all));
}

/** CPU milliseconds of a Node process, user and system, as the shell tells them. */
function processTime(args: readonly string[]): number {
  const script = 'TIMEFORMAT="%3U %3S"; time "$0" "$@" >/dev/null 2>&1';
  const { stderr } = spawnSync('bash', ['-c', script, process.execPath, ...args], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  const [user, system] = stderr.trim().split(' ').map(Number);
  return 1000 * (user! + system!);
}

function makeLarge(build: string, file: string): Made {
  const script = join(root, 'tools/bench/short-run.mjs');
  return JSON.parse(execFileSync(process.execPath, [script, build, String(LARGE_RAM), file], { encoding: 'utf8' })) as Made;
}
