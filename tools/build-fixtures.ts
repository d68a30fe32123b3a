/**
 * Builds the guest programs of fixtures/ with gcc and GNU ld, to the same bytes wherever the toolchain is the same.
 *
 *   tsx tools/build-fixtures.ts            rebuilds what is committed, and fixtures/TOOLCHAIN with it
 *   tsx tools/build-fixtures.ts NAME...    rebuilds the programs of the directories fixtures/NAME only
 *   tsx tools/build-fixtures.ts --check    builds in a temporary directory and compares; exit 1 when a byte differs
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { COMPILE_FLAGS, KERNEL_FLAGS, LINK_FLAGS, RUNTIME } from '../src/cli/guest-flags.ts';
import { VECTOR_KERNELS } from './bench/vector-kernels.ts';

/** The root of the repository. */
export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

const common = [...COMPILE_FLAGS, `-ffile-prefix-map=${root}=.`, '-Werror'];

/** A program for a processor of its own, or one with vectors, has all of its registers. */
const commonFor = (flags: readonly string[]): readonly string[] =>
  flags.some((flag) => /^-m(arch=|avx|fma|sha|s?sse)/.test(flag)) ? common.filter((flag) => flag !== '-mgeneral-regs-only') : common;

/** One linked program: sources and script relative to the root; `flat` adds a file with the loadable bytes only, a .bin or a disk's .img. */
interface Program {
  readonly output: string;
  readonly sources: readonly string[];
  readonly script: string;
  readonly flags: readonly string[];
  readonly flat: boolean | 'img';
}

/** The flat file of a program that has one. */
const flatOf = ({ output, flat }: Program): string => output.replace(/elf$/, flat === 'img' ? 'img' : 'bin');

function sourcesIn(directory: string): string[] {
  return readdirSync(join(root, directory))
    .filter((name) => /\.[cS]$/.test(name))
    .sort()
    .map((name) => `${directory}/${name}`);
}

function simple(directory: string, name: string, flags: readonly string[], flat: boolean): Program {
  return {
    output: `${directory}/${name}.elf`,
    sources: [`${directory}/start.S`, `${directory}/${name}.c`],
    script: `${directory}/${basename(directory)}.lds`,
    flags,
    flat,
  };
}

/** A kernel of the lab's runtime, the small world of fixtures/kernel, and what `directory` adds; it may have a linker script of its own. */
function kernel(name: string): Program {
  const directory = `fixtures/${name}`;
  const own = `${directory}/${name}.lds`;
  return {
    output: `${directory}/${name}.elf`,
    sources: [...RUNTIME.flatMap((folder) => sourcesIn(`fixtures/${folder}`)), ...sourcesIn(directory)],
    script: existsSync(join(root, own)) ? own : 'fixtures/lab/lab.lds',
    flags: [...KERNEL_FLAGS, ...RUNTIME.map((folder) => `-Ifixtures/${folder}`)],
    flat: false,
  };
}

/** Directories of fixtures/ that hold a kernel each. */
const kernels = [
  'bpf',
  'entry',
  'ftrace',
  'kprobes',
  'livepatch',
  'patching',
  'sct',
  'small-world',
  'tracepoint',
  'unregister',
  'user',
].filter((name) => existsSync(join(root, 'fixtures', name)));

/** Programs of fixtures/boot: what a PC boots, in code of 16, 32 and 64 bits. */
function boot(name: string, sources: readonly string[], flags: readonly string[], flat: Program['flat'], script = name): Program {
  return {
    output: `fixtures/boot/${name}.elf`,
    sources: sources.map((source) => `fixtures/boot/${source}`),
    script: `fixtures/boot/${script}.lds`,
    flags,
    flat,
  };
}

const I386 = ['-m32', '-march=i686'];

/** The BIOS, which `src/kernel/pc-rom.ts` has, too. */
const BIOS = boot('bios', ['bios.S'], I386, true);
const BIOS_MODULE = 'src/kernel/pc-rom.ts';

/** The module with the bytes of the BIOS in `directory`. */
function romModule(directory: string): string {
  const text = readFileSync(join(directory, flatOf(BIOS))).toString('base64');
  const lines = text.match(/.{1,120}/g) ?? [];
  return [
    '/** The BIOS of fixtures/boot/bios.S: written by tools/build-fixtures.ts. */',
    'const BASE64 =',
    `${lines.map((line) => `  '${line}'`).join(' +\n')};`,
    '',
    'export const BIOS_ROM: Uint8Array = Uint8Array.from(atob(BASE64), (character) => character.charCodeAt(0));',
    '',
  ].join('\n');
}

/** Every program that is built, in the order of the build. */
export const programs: readonly Program[] = [
  {
    output: 'fixtures/lab/lab.elf',
    sources: sourcesIn('fixtures/lab'),
    script: 'fixtures/lab/lab.lds',
    flags: KERNEL_FLAGS,
    flat: false,
  },
  ...kernels.map(kernel),
  ...['hello', 'counter', 'selfmod', 'fault', 'loop', 'avx512'].map((name) => simple('fixtures/run', name, [], false)),
  simple('fixtures/run', 'numbers', ['-march=x86-64-v3', '-ffast-math'], false),
  ...['crc', 'sieve', 'hash', 'fib'].map((name) => simple('fixtures/bench', name, ['-fno-optimize-sibling-calls'], true)),
  simple('fixtures/bench', 'far', ['-fno-optimize-sibling-calls'], true),
  {
    ...simple('fixtures/bench', 'hash', ['-fno-optimize-sibling-calls'], true),
    output: 'fixtures/bench/beside.elf',
    script: 'fixtures/bench/beside.lds',
  },
  BIOS,
  boot('modes', ['modes.S'], I386, 'img', 'disk'),
  boot('services', ['services.S'], I386, 'img', 'disk'),
  boot('smp', ['smp.S'], I386, 'img', 'disk'),
  boot('loader', ['loader.S', 'loader-kernel.c', 'k32-entry.S', 'k32.c'], I386, 'img'),
  boot('multiboot1', ['multiboot1.S', 'multiboot1.c', 'k32-entry.S', 'k32.c'], I386, false),
  boot('multiboot2', ['multiboot2.S', 'multiboot2.c'], [], false),
  ...Object.entries(VECTOR_KERNELS).map(([name, flags]) => simple('fixtures/bench', name, flags, true)),
];

/** First lines of what gcc and ld say about themselves; undefined where one of them is absent. */
export function toolchain(): string | undefined {
  try {
    const versions = ['gcc', 'ld'].map((tool) =>
      execFileSync(tool, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    );
    return versions.map((text) => `${text.split('\n')[0]}\n`).join('');
  } catch {
    return undefined;
  }
}

/** Paths of the files that a build writes, relative to the root. */
export function outputs(): string[] {
  return programs.flatMap((program) => (program.flat === false ? [program.output] : [program.output, flatOf(program)]));
}

/** Builds programs, all by default, below `target`, which mirrors the root. Throws with the compiler's message when one fails. */
export function build(target: string, wanted: readonly Program[] = programs): void {
  const objects = mkdtempSync(join(tmpdir(), 'textpoke-objects-'));
  const run = (tool: string, args: readonly string[]) => execFileSync(tool, args, { cwd: root, env: { ...process.env, LC_ALL: 'C' } });
  // Kernels share the runtime and the small world: each source is compiled once for each set of flags.
  const compiled = new Set<string>();
  try {
    for (const program of wanted) {
      const { output, sources, script, flags, flat } = program;
      const files = sources.map((source) => {
        // The name of an object ends up in the symbol table: it must not depend on what was compiled before.
        const folder = join(objects, createHash('sha256').update(flags.join(' ')).digest('hex'));
        const object = join(folder, `${source.replaceAll('/', '-')}.o`);
        if (compiled.has(object)) return object;
        mkdirSync(folder, { recursive: true });
        run('gcc', [...commonFor(flags), ...flags, '-c', source, '-o', object]);
        compiled.add(object);
        return object;
      });
      const elf = join(target, output);
      mkdirSync(join(elf, '..'), { recursive: true });
      run('ld', [...(flags.includes('-m32') ? ['-m', 'elf_i386'] : []), ...LINK_FLAGS, '-T', script, '-o', elf, ...files]);
      const bytes = join(target, flatOf(program));
      if (flat !== false) run('objcopy', ['-O', 'binary', elf, bytes]);
      for (const file of flat !== false ? [elf, bytes] : [elf]) chmodSync(file, 0o644);
    }
  } finally {
    rmSync(objects, { recursive: true });
  }
}

/** The lines of a directory's SHA256SUMS, in the format of sha256sum, for its outputs below `base`. */
export function sums(base: string, directory: string): string {
  const names = outputs()
    .filter((output) => join(output, '..') === directory)
    .map((output) => basename(output))
    .sort();
  return names
    .map(
      (name) =>
        `${createHash('sha256')
          .update(readFileSync(join(base, directory, name)))
          .digest('hex')}  ${name}\n`,
    )
    .join('');
}

/** The directories that hold outputs. */
export const directories: readonly string[] = [...new Set(programs.map(({ output }) => join(output, '..')))];

/** Rebuilds everything elsewhere; returns the committed files whose bytes differ. */
export function differences(): string[] {
  const target = mkdtempSync(join(tmpdir(), 'textpoke-fixtures-'));
  try {
    build(target);
    const different = outputs().filter((output) => !readFileSync(join(target, output)).equals(readFileSync(join(root, output))));
    return romModule(target) === readFileSync(join(root, BIOS_MODULE), 'utf8') ? different : [...different, BIOS_MODULE];
  } finally {
    rmSync(target, { recursive: true });
  }
}

function main(args: readonly string[]): void {
  if (args.includes('--check')) {
    const different = differences();
    for (const output of different) console.error(`${output}: the committed bytes are not what the sources build to`);
    process.exitCode = different.length === 0 ? 0 : 1;
    return;
  }
  const wanted = args.length === 0 ? directories : args.map((name) => `fixtures/${name}`);
  for (const directory of wanted) if (!directories.includes(directory)) throw new Error(`nothing is built in ${directory}`);
  build(
    root,
    programs.filter(({ output }) => wanted.includes(join(output, '..'))),
  );
  for (const directory of wanted) writeFileSync(join(root, directory, 'SHA256SUMS'), sums(root, directory));
  writeFileSync(join(root, BIOS_MODULE), romModule(root));
  writeFileSync(join(root, 'fixtures/TOOLCHAIN'), toolchain() ?? '');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));
