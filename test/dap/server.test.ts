import { connect, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { DebugClient } from '@vscode/debugadapter-testsupport';
import { describe, expect, test } from 'vitest';
import { Fields } from '../../src/dap/fields.ts';
import { listen, serveStreams } from '../../src/dap/server.ts';
import { readTarget, targetOf } from '../../src/dap/target.ts';
import { host } from './client.ts';

const target = readTarget(new Fields({ scenario: 'F1', variant: 'no-final-sync', cores: 2 }, 'test'));

/** The test client with a socket of its own. */
class SocketClient extends DebugClient {
  readonly socket: Socket;

  constructor(port: number) {
    super('node', '', 'textpoke');
    this.socket = connect(port, '127.0.0.1');
    this.connect(this.socket, this.socket);
    this.defaultTimeout = 30_000;
  }

  /** Attaches and gives where it stands. */
  async attached(): Promise<string> {
    await this.initializeRequest();
    const [initialized, stopped] = [this.waitForEvent('initialized'), this.waitForEvent('stopped')];
    await this.attachRequest({});
    await initialized;
    await this.configurationDoneRequest();
    return (await stopped).body.text;
  }
}

describe('a server', () => {
  test('clients that attach share a run, one at a time; those that launch have their own', async () => {
    const log: string[] = [];
    const server = await listen(host, { port: 0, target, log: (text) => log.push(text) });
    const first = new SocketClient(server.port);
    expect(await first.attached()).toBe('@0');
    const moved = first.waitForEvent('stopped');
    await first.evaluateRequest({ expression: 'goto @7', context: 'repl' });
    await moved;
    const second = new SocketClient(server.port);
    await second.initializeRequest();
    await expect(second.attachRequest({})).rejects.toThrow(/another client is attached/);
    await second.launchRequest({ program: 'fixtures/run/hello.elf' } as never);
    expect((await second.threadsRequest()).body.threads).toHaveLength(1);
    await first.disconnectRequest();
    const third = new SocketClient(server.port);
    expect(await third.attached()).toBe('@7');
    third.socket.destroy();
    // One that vanishes in the middle of a run leaves a server that works.
    second.socket.destroy();
    await expect.poll(() => log.filter((l) => l.endsWith('has gone')).length).toBe(3);
    const fourth = new SocketClient(server.port);
    expect(await fourth.attached()).toBe('@7');
    server.close();
    await server.closed;
  });

  test('a port that is taken is an error with what next', async () => {
    const server = await listen(host, { port: 0, target: undefined, log: () => {} });
    await expect(listen(host, { port: server.port, target: undefined, log: () => {} })).rejects.toThrow(
      /cannot listen on port \d+: it is in use/,
    );
    server.close();
    await server.closed;
  });

  test('over a pair of streams it ends when the client says so, or when they close', async () => {
    for (const way of ['disconnect', 'close', 'end'] as const) {
      // A file ends and does not close.
      const [input, output] = [new PassThrough({ autoDestroy: way !== 'end' }), new PassThrough()];
      const served = serveStreams(host, target, input, output);
      const client = new (class extends DebugClient {
        begin(): void {
          this.connect(output, input);
        }
      })('node', '', 'textpoke');
      client.begin();
      await client.initializeRequest();
      await client.attachRequest({});
      if (way === 'disconnect') await client.disconnectRequest();
      else if (way === 'close') input.destroy();
      else input.end();
      await served;
    }
  });

  test('words of a command line', () => {
    expect(targetOf('tp1_abc')).toEqual({ token: 'tp1_abc' });
    expect(targetOf('fixtures/run/hello.elf')).toEqual({ program: 'fixtures/run/hello.elf' });
    expect(targetOf('./a')).toEqual({ program: './a' });
    expect(targetOf('ftrace/late-handler')).toEqual({ scenario: 'ftrace/late-handler' });
  });
});
