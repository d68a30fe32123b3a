import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import packageJson from '../../package.json' with { type: 'json' };
import { root } from '../../tools/bootstrap.mjs';

/** A fenced block of a page: a file to write (```` ```c jit.c ````), or commands with what they print (```` ```console ````). */
export interface Block {
  readonly file: string | undefined;
  readonly text: string;
}

/** The blocks of a page that are to be done, in order. */
export function blocksOf(page: string): Block[] {
  const text = readFileSync(join(root, 'docs', page), 'utf8');
  return [...text.matchAll(/^```(\w+)(?: (\S+))?\n(.*?)^```$/gms)].flatMap(([, language, file, body]) =>
    file !== undefined || language === 'console' ? [{ file, text: body ?? '' }] : [],
  );
}

/** A command of a block and the lines that it should print. */
export interface Command {
  readonly line: string;
  readonly printed: readonly string[];
}

export function commandsOf(block: Block): Command[] {
  const [before, ...commands] = block.text.split(/^\$ /m);
  if (before !== '') throw new Error(`a console block starts with a command: ${before}`);
  return commands.map((text) => {
    const [line = '', ...printed] = text.trimEnd().split('\n');
    return { line, printed };
  });
}

/** What a command printed as a pattern for what the page says: `...` stands for anything, alone on a line for any lines. */
export function patternOf(printed: readonly string[]): RegExp {
  const literally = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const lines = printed.map((line) => (line === '...' ? '(?:.*\\n)*?' : `${literally(line).replaceAll('\\.\\.\\.', '.*')}\\n`));
  return new RegExp(`^${lines.join('')}$`);
}

/** The packed package, unpacked into an empty folder's node_modules, with the dependencies that it names and no others. Returns npm's file name. */
export function installPacked(folder: string, besides: readonly string[]): string {
  run('npm', ['pack', '--silent', '--pack-destination', folder], root);
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '';
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  run('tar', ['xzf', join(folder, tarball), '-C', modules], folder);
  run('mv', ['package', 'textpoke'], modules);
  mkdirSync(join(modules, '.bin'));
  symlinkSync('../textpoke/dist/cli/main.js', join(modules, '.bin/textpoke'));
  for (const name of [...Object.keys(packageJson.dependencies), ...besides]) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  if (besides.includes('vitest')) symlinkSync('../vitest/vitest.mjs', join(modules, '.bin/vitest'));
  return tarball;
}

/** Runs a program that must succeed; gives its stdout. */
export function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}${stdout}`);
  return stdout;
}

/** Does what a block says in a folder: writes its file, or runs its commands and gives what they printed, both streams. */
export function doBlock(block: Block, folder: string): { command: Command; output: string }[] {
  if (block.file !== undefined) {
    writeFileSync(join(folder, block.file), block.text);
    return [];
  }
  return commandsOf(block)
    .filter(({ line }) => !line.startsWith('npm install'))
    .map((command) => {
      const env = { ...process.env, NO_COLOR: '1', CI: '1', FORCE_COLOR: undefined, VITEST: undefined, NODE_OPTIONS: undefined };
      const path = `${join(folder, 'node_modules/.bin')}:${process.env.PATH}`;
      // What npx would find is on PATH: npx itself asks a registry for what is missing.
      const line = `${command.line.replace(/^npx /, '')} 2>&1`;
      const { stdout } = spawnSync('sh', ['-c', line], { cwd: folder, encoding: 'utf8', env: { ...env, PATH: path } });
      return { command, output: stdout };
    });
}
