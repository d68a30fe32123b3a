import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isatty } from 'node:tty';
import { pathToFileURL } from 'node:url';
import { TextpokeError } from '../error.ts';
import type { Io, OpenFile } from './io.ts';
import { startThread } from './threads.ts';

function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

const REASONS: Record<string, string> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is not a folder',
  EEXIST: 'a part of the path is not a folder',
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read-only',
};

function fileError(verb: string, path: string, error: unknown): TextpokeError {
  const errno = errnoOf(error);
  const reason = REASONS[errno] ?? (errno || String(error));
  const hint = errno === 'ENOENT' ? 'check the spelling; relative paths start at the current folder' : undefined;
  return new TextpokeError('E_FILE', `cannot ${verb} ${path}: ${reason}`, { where: resolve(path), ...(hint && { hint }) });
}

function moduleError(path: string, error: unknown): TextpokeError {
  const message = error instanceof Error ? error.message : String(error);
  const absent = errnoOf(error) === 'ERR_MODULE_NOT_FOUND';
  if (absent && message.includes(`'${resolve(path)}'`)) return fileError('read', path, Object.assign(new Error(), { code: 'ENOENT' }));
  const hint = absent
    ? 'npm install textpoke in the folder of the file'
    : errnoOf(error) === 'ERR_UNKNOWN_FILE_EXTENSION'
      ? 'this Node reads no TypeScript: write .mjs, use Node 22.18 or newer, or NODE_OPTIONS="--import tsx"'
      : errnoOf(error) === 'ENOENT'
        ? 'does the module read an image that is not built yet? textpoke cc builds one'
        : undefined;
  return new TextpokeError('E_FILE', `cannot load ${path}: ${message.split('\n')[0]}`, { where: resolve(path), ...(hint && { hint }) });
}

function streamError(descriptor: number, errno: string, error: unknown): TextpokeError {
  const name = descriptor === 1 ? 'standard output' : 'standard error';
  return new TextpokeError('E_FILE', `cannot write ${name}: ${REASONS[errno] ?? (errno || String(error))}`, { where: name });
}

/** Writes all of it before returning, so that ending the process loses nothing. A reader that went away (`| head`) ends us quietly. */
function writeAll(descriptor: number, data: string | Uint8Array): void {
  let bytes: Uint8Array = bytesOf(data);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(descriptor, bytes));
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'EPIPE') process.exit(0);
      if (errno !== 'EAGAIN') throw streamError(descriptor, errno, error);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

const bytesOf = (data: string | Uint8Array): Uint8Array => (typeof data === 'string' ? new TextEncoder().encode(data) : data);

/** Small pieces go to a file together. */
const PIECE_BYTES = 1 << 16;

function openFile(path: string): OpenFile {
  const attempt = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw fileError('write', path, error);
    }
  };
  const descriptor = attempt(() => {
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, 'w');
  });
  let pieces: Uint8Array[] = [];
  let size = 0;
  const flush = (): void => {
    let bytes: Uint8Array = Buffer.concat(pieces);
    pieces = [];
    size = 0;
    while (bytes.length > 0) bytes = bytes.subarray(attempt(() => writeSync(descriptor, bytes)));
  };
  return {
    write(data) {
      const bytes = bytesOf(data);
      pieces.push(bytes);
      size += bytes.length;
      if (size >= PIECE_BYTES) flush();
    },
    close() {
      flush();
      closeSync(descriptor);
    },
  };
}

/** Loaded when it is used: few verbs start a program. */
const childProcess = () => process.getBuiltinModule('node:child_process');

/** The real world. `interrupted` tells whether ^C came: see main.ts for who knows. */
export function nodeIo(interrupted: () => boolean): Io {
  return {
    stdout: (data) => writeAll(1, data),
    stderr: (text) => writeAll(2, text),
    isTTY: { stdout: isatty(1), stderr: isatty(2) },
    env: process.env,
    readFile(path) {
      try {
        return readFileSync(path);
      } catch (error) {
        throw fileError('read', path, error);
      }
    },
    listFiles(path) {
      try {
        if (!statSync(path).isDirectory()) return undefined;
        const entries = readdirSync(path, { recursive: true, withFileTypes: true });
        return entries
          .filter((e) => e.isFile())
          .map((e) => join(e.parentPath ?? e.path, e.name))
          .sort();
      } catch (error) {
        throw fileError('read', path, error);
      }
    },
    writeFile(path, data) {
      try {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, data);
      } catch (error) {
        throw fileError('write', path, error);
      }
    },
    openFile,
    replaceFile(path, data) {
      try {
        mkdirSync(dirname(path), { recursive: true });
        const beside = `${path}.${process.pid}.new`;
        writeFileSync(beside, data);
        renameSync(beside, path);
      } catch (error) {
        throw fileError('write', path, error);
      }
    },
    async importModule(path) {
      try {
        return await import(pathToFileURL(resolve(path)).href);
      } catch (error) {
        if (error instanceof TextpokeError) throw error;
        throw moduleError(path, error);
      }
    },
    readStdin: () => (isatty(0) ? '' : readFileSync(0, 'utf8')),
    now: () => performance.now(),
    cpuSeconds: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
    interrupted,
    listen: () => new Promise((done) => setImmediate(done)),
    startThread,
    probe(command, args) {
      const { status, stdout } = childProcess().spawnSync(command, args, {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
        timeout: 10_000,
      });
      return status === 0 ? stdout : undefined;
    },
    run(command, args, folder) {
      const env = { ...process.env, LC_ALL: 'C' };
      const { status, stderr, error } = childProcess().spawnSync(command, args, {
        cwd: folder,
        env,
        encoding: 'utf8',
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      return { status, stderr: stderr ?? String(error) };
    },
    exitCode: 0,
  };
}
