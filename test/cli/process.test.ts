import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../tools/bootstrap.mjs';

// The program as a process: all else is tested in-process.
const program = ['--import', join(root, 'tools/typescript.mjs'), join(root, 'src/cli/main.ts')];
const { NO_COLOR: _no, FORCE_COLOR: _force, ...env } = process.env;

function textpoke(
  args: readonly string[],
  input = '',
): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  return spawnSync(process.execPath, [...program, ...args], { encoding: 'utf8', input, env, cwd: root });
}

test('exit code, streams and standard input of a short verb', () => {
  expect(textpoke(['dis', '--address', '10'], '0f 1f 44 00 00')).toMatchObject({
    status: 0,
    stdout: '      10:  0f 1f 44 00 00                  nopl (%rax,%rax)\n',
    stderr: '',
  });
});

test('exit code, streams and standard input of a verb that runs on a second thread', () => {
  const { status, stdout, stderr } = textpoke(['replay', '--json'], 'a line without what is wanted');
  expect(status).toBe(129);
  expect(JSON.parse(stdout)).toMatchObject({ type: 'error', code: 'E_TOKEN', where: 'standard input', exit: 129 });
  expect(stderr).toMatch(/^error: neither a replay token/);
});

test('a missing file', () => {
  const { status, stderr } = textpoke(['asm', '--file', 'no/such.s']);
  expect(status).toBe(128);
  expect(stderr).toMatch(/^error: cannot read no\/such\.s: no such file {3}\[E_FILE\]\n/);
});

test.runIf(existsSync('/dev/full'))('a standard output that takes no more is named, and is no fault of the program', () => {
  const full = openSync('/dev/full', 'w');
  const { status, stderr } = spawnSync(process.execPath, [...program, 'dis', '90'], {
    encoding: 'utf8',
    stdio: ['ignore', full, 'pipe'],
    env,
    cwd: root,
  });
  closeSync(full);
  expect(status).toBe(128);
  expect(stderr).toMatch(/^error: cannot write standard output: the disk is full {3}\[E_FILE\]\n/);
});
