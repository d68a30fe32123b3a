import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadAssembler } from '../../src/image/assembler/index.ts';
import { geometricMean, median, type Row } from './measure.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const RAM = 64 << 20;
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

interface Ran {
  readonly run: number;
  readonly whole: number;
  readonly machine: number;
  readonly first: number;
  readonly firstCpu: number;
  readonly memory: number;
  readonly instructions: number;
}

/** Short programs, each in fresh processes: CPU time of compiled regions against the interpreter, time to the first instruction, memory of a large machine. */
export async function shortRows(rounds: number): Promise<Row[]> {
  const programs = mkdtempSync(join(tmpdir(), 'textpoke-short-'));
  // Beneath node_modules, where it finds the packages.
  const build = join(root, 'node_modules/.textpoke-bench');
  try {
    mkdirSync(build, { recursive: true });
    execFileSync(process.execPath, [
      join(root, 'node_modules/typescript/bin/tsc'),
      '-p',
      join(root, 'tsconfig.build.json'),
      '--outDir',
      build,
    ]);
    writeFileSync(join(build, 'package.json'), '{"type": "module"}\n');
    const assembler = await loadAssembler();
    const files = Object.entries(PROGRAMS).map(([name, source]) => {
      const file = join(programs, `${name}.bin`);
      writeFileSync(file, assembler.assemble(source, { address: 0x100000n, file: `${name}.s` }).bytes);
      return [name, file] as const;
    });
    const fixtures = readdirSync(join(root, 'fixtures/run')).filter((name) => name.endsWith('.elf'));
    const all = [...fixtures.map((name) => [name, join(root, 'fixtures/run', name)] as const), ...files];
    const run = (engine: string, file: string, ram: number): Ran => {
      const script = join(root, 'tools/bench/short-run.mjs');
      return JSON.parse(execFileSync(process.execPath, [script, build, engine, String(ram), file], { encoding: 'utf8' })) as Ran;
    };
    const rows = all.map(([name, file]): Row => {
      const ran = Array.from({ length: rounds }, () => [run('interpreter', file, RAM), run('region', file, RAM)] as const);
      const of = (n: 0 | 1, what: keyof Ran): number => median(ran.map((pair) => pair[n][what]));
      return {
        group: 'short',
        name,
        values: {
          instructions: of(0, 'instructions'),
          'interpreter ms': of(0, 'run'),
          'region ms': of(1, 'run'),
          'times run': of(1, 'run') / of(0, 'run'),
          'times process': of(1, 'whole') / of(0, 'whole'),
        },
        goal: { value: 'times process', atMost: 1.1 },
      };
    });
    const mean = (value: string): number => geometricMean(rows.map((row) => row.values[value] as number));
    const large = Array.from({ length: rounds }, () => run('region', files[0]![1], LARGE_RAM));
    const largeOf = (what: keyof Ran): number => median(large.map((one) => one[what]));
    return [
      ...rows,
      { group: 'short', name: 'geometric mean', values: { 'times run': mean('times run'), 'times process': mean('times process') } },
      {
        group: 'short',
        name: 'first instruction, 256 MiB',
        values: {
          'wall ms': largeOf('first'),
          'CPU ms': largeOf('firstCpu'),
          'machine CPU ms': largeOf('machine'),
          'MiB resident': largeOf('memory') / (1 << 20),
        },
        goal: { value: 'CPU ms', atMost: 300 },
        note: 'from the start of the process; wall includes waiting for a core',
      },
    ];
  } finally {
    rmSync(programs, { recursive: true, force: true });
    rmSync(build, { recursive: true, force: true });
  }
}
