import { createServer, type Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { TextpokeError } from '../error.ts';
import { Connection } from './connection.ts';
import type { Target } from './target.ts';

const HOST = '127.0.0.1';

export interface ServerOptions {
  /** TCP port of this host; 0 takes one that is free. */
  readonly port: number;
  /** Ends with its first client. */
  readonly once: boolean;
  /** What happens, for whoever runs the server. */
  readonly log: (text: string) => void;
}

export interface GdbServer {
  readonly port: number;
  /** Fulfilled when the server has ended. */
  readonly closed: Promise<void>;
  close(): void;
}

/** Listens for gdb on this host alone, one client at a time; each finds the machine where the last one left it. Throws E_USAGE where the port is taken. */
export function listen(target: Target, { port, once, log }: ServerOptions): Promise<GdbServer> {
  return new Promise((resolve, reject) => {
    let client: Socket | undefined;
    const server = createServer((socket) => {
      if (client !== undefined) {
        log(`refused a second client, ${nameOf(socket)}: ${nameOf(client)} is connected`);
        socket.on('error', () => {});
        socket.destroy();
        return;
      }
      client = socket;
      const name = nameOf(socket);
      log(`${name} connected`);
      socket.setNoDelay(true);
      attach(target, socket, socket, log, (why) => {
        client = undefined;
        log(`${name} ${why}`);
        if (once) server.close();
      });
    });
    server.once('error', (error: NodeJS.ErrnoException) => reject(portError(port, error)));
    server.listen({ host: HOST, port }, () => {
      const address = server.address();
      const closed = new Promise<void>((done) => server.once('close', done));
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : port,
        closed,
        close() {
          client?.destroy();
          server.close();
        },
      });
    });
  });
}

/** Serves one client over a pair of streams: `target remote | textpoke gdb ... --stdio`. Fulfilled when it has gone. */
export function serveStreams(target: Target, input: Readable, output: Writable, log: (text: string) => void): Promise<void> {
  return new Promise((resolve) => {
    attach(target, input, output, log, (why) => {
      log(`gdb ${why}`);
      resolve();
    });
  });
}

function attach(target: Target, input: Readable, output: Writable, log: (text: string) => void, gone: (why: string) => void): void {
  let open = true;
  const connection = new Connection(target, {
    send: (bytes) => {
      if (open) output.write(bytes);
    },
    done: (why) => leave(why),
    log,
    later: (work) => setImmediate(work),
  });
  const leave = (why: string): void => {
    if (!open) return;
    open = false;
    connection.close();
    // What was written is still sent.
    output.end(() => input.destroy());
    input.on('error', () => {});
    gone(why);
  };
  input.on('data', (bytes: Uint8Array) => connection.receive(bytes));
  for (const stream of new Set([input, output])) stream.on('error', () => leave('vanished'));
  input.on('end', () => leave('vanished'));
  input.on('close', () => leave('vanished'));
}

const nameOf = (socket: Socket): string => `client on port ${socket.remotePort ?? '?'}`;

function portError(port: number, error: NodeJS.ErrnoException): TextpokeError {
  const why = { EADDRINUSE: 'it is in use', EACCES: 'permission denied' }[error.code ?? ''] ?? error.message;
  return new TextpokeError('E_USAGE', `cannot listen on port ${port}: ${why}`, {
    where: `--port ${port}`,
    hint: 'take another one; --port 0 finds one that is free',
  });
}
