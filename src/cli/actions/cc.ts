import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { Exit, TextpokeError } from '../../error.ts';
import { imageFromElf } from '../../image/image.ts';
import type { SharedFlags } from '../flags.ts';
import { COMPILE_FLAGS, KERNEL_FLAGS, LINK_FLAGS, RUNTIME } from '../guest-flags.ts';
import type { Io } from '../io.ts';
import { emitEvent } from '../json.ts';
import { packageFile } from '../package-file.ts';

export interface CcOptions extends SharedFlags {
  /** Sources (.c, .S), at most one linker script (.lds), and flags for gcc. */
  readonly args: readonly string[];
  /** The ELF to write. */
  readonly output: string;
}

const FIXTURES = packageFile('fixtures');

/** Compiles guest code and links it with the lab's runtime and the small world. Returns the exit code. */
export async function ccAction(options: CcOptions, io: Io): Promise<number> {
  const flags = options.args.filter((arg) => arg.startsWith('-'));
  const sources = options.args.filter((arg) => /\.[cS]$/.test(arg));
  const scripts = options.args.filter((arg) => arg.endsWith('.lds'));
  const other = options.args.find((arg) => !flags.includes(arg) && !sources.includes(arg) && !scripts.includes(arg));
  if (other !== undefined || sources.length === 0 || scripts.length > 1) {
    throw new TextpokeError(
      'E_USAGE',
      other === undefined ? 'it takes sources and at most one linker script' : `'${other}' is no .c, .S or .lds`,
      {
        where: `textpoke cc ${options.args.join(' ')}`,
        hint: 'textpoke cc my.c my.S -o my.elf; flags for gcc come behind --',
      },
    );
  }
  for (const tool of ['gcc', 'ld']) {
    if (io.probe(tool, ['--version']) !== undefined) continue;
    throw new TextpokeError('E_FILE', `${tool} cannot be started: guest code needs gcc and GNU ld for x86-64`, {
      where: `${tool} --version`,
      hint: 'install gcc and binutils; what is built already, and the whole catalogue, runs without them',
    });
  }
  const output = resolve(options.output);
  const work = mkdtempSync(join(tmpdir(), 'textpoke-cc-'));
  try {
    const own = sources.map((source) => resolve(source));
    const objects = [
      ...RUNTIME.flatMap((folder) => compile(runtimeSources(folder), join(work, folder), [`-ffile-prefix-map=${FIXTURES}=textpoke`], io)),
      ...compile(own, join(work, 'own'), [`-ffile-prefix-map=${process.cwd()}=.`, ...flags], io),
    ];
    const script = scripts[0] === undefined ? join(FIXTURES, 'lab/lab.lds') : resolve(scripts[0]);
    mkdirSync(dirname(output), { recursive: true });
    run('ld', [...LINK_FLAGS, '-T', script, '-o', output, ...objects], work, io);
  } finally {
    rmSync(work, { recursive: true });
  }
  const image = imageFromElf(io.readFile(options.output), options.output);
  const size = statSync(output).size;
  if (options.json) emitEvent(io, 'image', { output: options.output, size, image: image.contentHash() });
  else io.stdout(`${options.output}: ${sources.join(', ')} with the lab runtime, ${size} bytes, image ${image.contentHash()}\n`);
  return Exit.ok;
}

function runtimeSources(folder: string): string[] {
  const names = readdirSync(join(FIXTURES, folder)).filter((name) => /\.[cS]$/.test(name));
  return names.sort().map((name) => join(FIXTURES, folder, name));
}

/** Sources in lists without two objects of one name. */
function groups(sources: readonly string[]): string[][] {
  const lists: string[][] = [];
  for (const source of sources) {
    const free = lists.find((list) => !list.some((other) => objectOf(other) === objectOf(source)));
    if (free === undefined) lists.push([source]);
    else free.push(source);
  }
  return lists;
}

const objectOf = (source: string): string => `${basename(source).slice(0, -2)}.o`;

/** Compiles sources into a folder of their own, which no two of them with one name share; gives the objects in their order. */
function compile(sources: readonly string[], folder: string, flags: readonly string[], io: Io): string[] {
  const rounds = groups(sources);
  return rounds.flatMap((round, n) => {
    const into = join(folder, `${n}`);
    mkdirSync(into, { recursive: true });
    const include = RUNTIME.map((name) => `-I${join(FIXTURES, name)}`);
    run('gcc', [...COMPILE_FLAGS, ...KERNEL_FLAGS, ...include, `-fdebug-prefix-map=${into}=.`, ...flags, '-c', ...round], into, io);
    return round.map((source) => join(into, objectOf(source)));
  });
}

function run(tool: string, args: readonly string[], folder: string, io: Io): void {
  const { status, stderr } = io.run(tool, args, folder);
  if (stderr !== '') io.stderr(stderr);
  if (status === 0) return;
  throw new TextpokeError('E_IMAGE', `${tool} ended with ${status}`, {
    where: `${tool} ${args.slice(-1)[0] ?? ''}`,
    hint: 'its own message is above; the headers lab.h and kernel.h declare what there is',
  });
}
