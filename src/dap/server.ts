import { createServer, type Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { TextpokeError } from '../error.ts';
import { Adapter } from './adapter.ts';
import type { DapHost } from './host.ts';
import { openRun, type Run } from './run.ts';
import type { Target } from './target.ts';

const HOST = '127.0.0.1';

/** Serves one client over a pair of streams: how editors start an adapter. Fulfilled when it has gone. */
export function serveStreams(host: DapHost, target: Target | undefined, input: Readable, output: Writable): Promise<void> {
  return new Promise((resolve) => {
    const attached = sharedRun(host, target);
    // A file or /dev/null ends without closing, and closing is what the adapter hears.
    input.once('end', () => input.destroy());
    new Adapter(host, { ...(attached !== undefined && { attached }), onEnd: resolve }).start(input, output);
  });
}

/** The run that clients attach to: opened for the first of them, and left where each leaves it. */
function sharedRun(host: DapHost, target: Target | undefined): (() => Promise<Run>) | undefined {
  let run: Promise<Run> | undefined;
  if (target === undefined) return undefined;
  return () => {
    run ??= openRun(host, target);
    // One that could not be opened may be tried again.
    run.catch(() => {
      run = undefined;
    });
    return run;
  };
}

export interface DapServerOptions {
  /** TCP port of this host; 0 takes one that is free. */
  readonly port: number;
  /** What `attach` means. */
  readonly target: Target | undefined;
  /** What happens, for whoever runs the server. */
  readonly log: (text: string) => void;
}

export interface DapServer {
  readonly port: number;
  /** Fulfilled when the server has ended. */
  readonly closed: Promise<void>;
  close(): void;
}

/**
 * Listens on this host alone. Clients that launch have a run each; those that attach share one, one at a time. Throws `E_USAGE` where the port is taken.
 */
export function listen(host: DapHost, { port, target, log }: DapServerOptions): Promise<DapServer> {
  const shared = sharedRun(host, target);
  const clients = new Set<Socket>();
  let attachedBy: Socket | undefined;
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      clients.add(socket);
      socket.setNoDelay(true);
      const name = `client on port ${socket.remotePort ?? '?'}`;
      log(`${name} connected`);
      const gone = (): void => {
        clients.delete(socket);
        if (attachedBy === socket) attachedBy = undefined;
        log(`${name} has gone`);
      };
      const attached = (): Promise<Run> => {
        if (attachedBy !== undefined && attachedBy !== socket)
          throw new TextpokeError('E_USAGE', 'another client is attached to the run', {
            where: 'attach',
            hint: 'launch has a run of its own',
          });
        attachedBy = socket;
        return (shared as () => Promise<Run>)();
      };
      new Adapter(host, { ...(shared !== undefined && { attached }), onEnd: gone }).start(socket, socket);
    });
    server.once('error', (error: NodeJS.ErrnoException) => reject(portError(port, error)));
    server.listen({ host: HOST, port }, () => {
      const address = server.address();
      const closed = new Promise<void>((done) => server.once('close', done));
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : port,
        closed,
        close() {
          for (const client of clients) client.destroy();
          server.close();
        },
      });
    });
  });
}

function portError(port: number, error: NodeJS.ErrnoException): TextpokeError {
  const why = { EADDRINUSE: 'it is in use', EACCES: 'permission denied' }[error.code ?? ''] ?? error.message;
  return new TextpokeError('E_USAGE', `cannot listen on port ${port}: ${why}`, {
    where: `--port ${port}`,
    hint: 'take another one; --port 0 finds one that is free',
  });
}
