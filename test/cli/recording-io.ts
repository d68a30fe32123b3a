import type { Io } from '../../src/cli/io.ts';
import { runProgram } from '../../src/cli/program.ts';
import { startThread } from '../../src/cli/threads.ts';
import { TextpokeError } from '../../src/error.ts';

/** What a test may set up. */
export interface World {
  readonly env?: Record<string, string>;
  readonly files?: Record<string, string | Uint8Array>;
  readonly modules?: Record<string, object>;
  readonly stdin?: string;
  readonly tty?: boolean;
  readonly programs?: Record<string, string>;
  readonly interrupted?: () => boolean;
  readonly listen?: () => Promise<void>;
  readonly now?: () => number;
}

/** An `Io` without a world behind it, and what was written to it. */
export interface Recording {
  readonly io: Io;
  readonly written: Map<string, string>;
  /** The same as they were written. */
  readonly bytes: Map<string, Uint8Array>;
  /** Files of bytes that were replaced as a whole. */
  readonly replaced: Map<string, Uint8Array>;
  stdout(): string;
  stderr(): string;
}

export function recordingIo(world: World = {}): Recording {
  const out: string[] = [];
  const err: string[] = [];
  const written = new Map<string, string>();
  const bytes = new Map<string, Uint8Array>();
  const replaced = new Map<string, Uint8Array>();
  const io: Io = {
    stdout: (data) => void out.push(typeof data === 'string' ? data : Buffer.from(data).toString('latin1')),
    stderr: (text) => void err.push(text),
    isTTY: { stdout: world.tty ?? false, stderr: world.tty ?? false },
    env: world.env ?? {},
    readFile(path) {
      const file = world.files?.[path];
      if (file === undefined) throw new TextpokeError('E_FILE', `cannot read ${path}: no such file`, { where: path });
      return typeof file === 'string' ? new TextEncoder().encode(file) : file;
    },
    listFiles(path) {
      const below = Object.keys(world.files ?? {}).filter((name) => name.startsWith(`${path}/`));
      return below.length === 0 ? undefined : below.sort();
    },
    writeFile: (path, data) => void written.set(path, typeof data === 'string' ? data : new TextDecoder().decode(data)),
    openFile(path) {
      const pieces: Uint8Array[] = [];
      return {
        write: (data) => void pieces.push(Buffer.from(data)),
        close() {
          const all = Buffer.concat(pieces);
          bytes.set(path, all);
          written.set(path, all.toString());
        },
      };
    },
    replaceFile: (path, data) => void replaced.set(path, data),
    async importModule(path) {
      const module = world.modules?.[path];
      if (module === undefined) throw new TextpokeError('E_FILE', `cannot read ${path}: no such file`, { where: path });
      return module;
    },
    readStdin: () => world.stdin ?? '',
    now: world.now ?? (() => 0),
    cpuSeconds: () => 0,
    interrupted: world.interrupted ?? (() => false),
    listen: world.listen ?? (async () => {}),
    startThread,
    probe: (command) => world.programs?.[command],
    run: (command) => ({ status: null, stderr: `${command} is not there` }),
    exitCode: 0,
  };
  return { io, written, bytes, replaced, stdout: () => out.join(''), stderr: () => err.join('') };
}

/** Runs the program in-process: `textpoke` with these arguments in this world. */
export async function textpoke(argv: readonly string[], world: World = {}): Promise<Recording & { readonly exit: number }> {
  const recording = recordingIo(world);
  return { ...recording, exit: await runProgram(argv, recording.io) };
}
