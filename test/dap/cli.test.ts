import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DebugClient } from '@vscode/debugadapter-testsupport';
import { expect, test } from 'vitest';
import { textpoke } from '../cli/recording-io.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const command = ['--import', join(root, 'tools/typescript.mjs'), join(root, 'src/cli/main.ts'), 'dap'];

/** The test client on the streams of a process that it did not start. */
class PipeClient extends DebugClient {
  constructor(...streams: Parameters<DebugClient['connect']>) {
    super('node', '', 'textpoke');
    this.connect(...streams);
    this.defaultTimeout = 60_000;
  }
}

test('textpoke dap speaks the protocol on stdin and stdout, from any folder, and ends when the client goes', async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'dap-'));
  const child = spawn(process.execPath, [...command, 'F1', '--variant', 'no-final-sync'], {
    cwd: elsewhere,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  let stderr = '';
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  const client = new PipeClient(child.stdout, child.stdin);
  await client.initializeRequest();
  const [initialized, stopped] = [client.waitForEvent('initialized'), client.waitForEvent('stopped')];
  await client.attachRequest({});
  await initialized;
  await client.configurationDoneRequest();
  expect((await stopped).body).toMatchObject({ reason: 'entry' });
  const [frame] = (await client.stackTraceRequest({ threadId: 2 })).body.stackFrames;
  expect(frame!.source!.path).toBe(join(root, 'fixtures/lab/trampolines.S'));
  await client.disconnectRequest();
  expect((await ended)[0]).toBe(0);
  expect(stderr).toBe('');
  rmSync(elsewhere, { recursive: true });
}, 60_000);

test('a name that is not there is an error at once, not when somebody attaches', async () => {
  for (const [what, code] of [
    ['F99', 'E_SCENARIO'],
    ['tp1_x', 'E_TOKEN'],
  ] as const) {
    const { exit, stderr, stdout } = await textpoke(['dap', what, '--port', '0']);
    expect([exit, stdout(), stderr()]).toEqual([129, '', expect.stringContaining(code)]);
  }
});

test('--port says where it listens and what to put into launch.json, and ^C ends it', async () => {
  const child = spawn(process.execPath, [...command, '--port', '0'], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(/^listening 127\.0\.0\.1:(\d+) {3}in launch\.json: "debugServer": \1\n$/.exec(line.toString())?.[1]);
  const client = new DebugClient('node', '', 'textpoke');
  await client.start(port);
  expect((await client.initializeRequest()).body!.supportsStepBack).toBe(true);
  await expect(client.attachRequest({})).rejects.toThrow(/no run to attach to/);
  child.kill('SIGINT');
  expect((await ended)[0]).toBe(130);
}, 60_000);

test('a command line that cannot be is refused before anybody connects', async () => {
  const run = async (...args: string[]): Promise<{ exit: number; said: string }> => {
    const { exit, stderr } = await textpoke(['dap', ...args]);
    return { exit, said: stderr() };
  };
  expect(await run('--variant', 'no-final-sync')).toMatchObject({ exit: 129, said: expect.stringMatching(/nothing says what to debug/) });
  expect(await run('tp1_abc', '--cores', '3')).toMatchObject({ exit: 129, said: expect.stringMatching(/'cores' does not fit here/) });
  expect(await run('a.elf', '--fetch', 'zen3')).toMatchObject({ exit: 129, said: expect.stringMatching(/a program alone runs coherent/) });
  expect(await run('--port', '70000')).toMatchObject({ exit: 129 });
});
