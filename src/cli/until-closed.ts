import { Exit } from '../error.ts';

/** Something that serves clients until it is closed. */
interface Serving {
  readonly closed: Promise<void>;
  close(): void;
}

/** Waits until a server has ended; ^C and SIGTERM end it. Gives the exit code. */
export async function untilClosed(server: Serving): Promise<number> {
  let code: number = Exit.ok;
  const stop = (): void => {
    code = Exit.interrupted;
    server.close();
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  await server.closed;
  process.off('SIGINT', stop);
  process.off('SIGTERM', stop);
  return code;
}
