import { readFile, realpath } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { extname, join, sep } from 'node:path';
import { TextpokeError } from '../error.ts';

/** Only this computer can ask. */
const HOST = '127.0.0.1';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.elf': 'application/octet-stream',
  '.txt': 'text/plain; charset=utf-8',
  '.c': 'text/plain; charset=utf-8',
  '.h': 'text/plain; charset=utf-8',
  '.S': 'text/plain; charset=utf-8',
};

/** Code of the page's own files and WebAssembly, nothing else; nothing from elsewhere, and nobody may frame it. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** A server that listens. */
export interface Serving {
  readonly port: number;
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves the files of a folder, and nothing else, to this computer. Port 0 takes a free one. Throws `E_USAGE` for a port that is in use or that this
 * user may not have.
 */
export async function serveFolder(folder: string, port: number): Promise<Serving> {
  const root = await realpath(folder);
  const server = createServer((request, response) => void answer(root, request, response));
  await listen(server, port);
  const address = server.address();
  const taken = typeof address === 'object' && address !== null ? address.port : port;
  return {
    port: taken,
    url: `http://${HOST}:${taken}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        // A browser keeps its connections open: nothing more comes over them.
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE' ? 'is in use' : error.code === 'EACCES' ? 'is not for this user' : `cannot be had: ${error.code}`;
      reject(
        new TextpokeError('E_USAGE', `port ${port} ${why}`, {
          where: `--port ${port}`,
          hint: '--port 0 takes one that is free',
        }),
      );
    });
    server.listen(port, HOST, resolve);
  });
}

async function answer(root: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.setHeader('Content-Security-Policy', CONTENT_SECURITY_POLICY);
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Referrer-Policy', 'no-referrer');
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
  const end = (status: number, text: string): void => {
    response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
  };
  // A page of another site that has its name point here is told nothing.
  if (!isOwnName(request.headers.host)) return end(403, 'this server answers to its own address alone');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    return end(405, 'only GET and HEAD');
  }
  const file = await fileOf(root, request.url ?? '/');
  if (file === undefined) return end(404, 'no such file');
  try {
    const bytes = await readFile(file);
    const isNamedByContents = file.startsWith(join(root, 'assets') + sep);
    response.writeHead(200, {
      'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
      'Content-Length': bytes.length,
      'Cache-Control': isNamedByContents ? 'public, max-age=31536000, immutable' : 'no-cache',
    });
    response.end(request.method === 'HEAD' ? undefined : bytes);
  } catch {
    if (!response.headersSent) end(404, 'no such file');
  }
}

const isOwnName = (host: string | undefined): boolean => /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host ?? '');

/** The file that an address names, links followed; undefined for one that is not inside the folder. */
async function fileOf(root: string, url: string): Promise<string | undefined> {
  try {
    const path = decodeURIComponent(url.split(/[?#]/)[0] ?? '/');
    if (path.includes('\0') || path.includes('\\') || path.split('/').includes('..')) return undefined;
    const file = await realpath(join(root, path.endsWith('/') ? `${path}index.html` : path));
    return file.startsWith(root + sep) ? file : undefined;
  } catch {
    return undefined;
  }
}
