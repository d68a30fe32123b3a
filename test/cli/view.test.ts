import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ViewOptions, viewAction } from '../../src/cli/actions/view.ts';
import type { Io } from '../../src/cli/io.ts';
import { nodeIo } from '../../src/cli/node-io.ts';
import { CONTENT_SECURITY_POLICY, type Serving, serveFolder } from '../../src/cli/static-server.ts';
import { whySkipped } from '../web/e2e/browser.ts';

let folder: string;
let serving: Serving;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'textpoke-view-'));
  mkdirSync(join(folder, 'page/assets'), { recursive: true });
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  writeFileSync(join(folder, 'page/index.html'), '<!doctype html>');
  for (const name of ['a.js', 'a.css', 'a.wasm', 'a.elf', 'a.S', 'a b.svg']) writeFileSync(join(folder, 'page/assets', name), name);
  symlinkSync(join(folder, 'secret.txt'), join(folder, 'page/assets/link.js'));
  serving = await serveFolder(join(folder, 'page'), 0);
});
afterAll(async () => {
  await serving.close();
  rmSync(folder, { recursive: true });
});

/** Asks with a path exactly as it is given. */
function ask(path: string, options: { readonly method?: string; readonly headers?: Record<string, string> } = {}) {
  return new Promise<{ status: number; type: string; policy: string; body: string }>((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: serving.port, path, ...options }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          type: response.headers['content-type'] ?? '',
          policy: String(response.headers['content-security-policy']),
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    sent.on('error', reject);
    sent.end();
  });
}

describe('the server of the page', () => {
  test.each([
    ['/', 'text/html; charset=utf-8'],
    ['/?x=1', 'text/html; charset=utf-8'],
    ['/assets/a.js', 'text/javascript; charset=utf-8'],
    ['/assets/a.css', 'text/css; charset=utf-8'],
    ['/assets/a.wasm', 'application/wasm'],
    ['/assets/a.elf', 'application/octet-stream'],
    ['/assets/a.S', 'text/plain; charset=utf-8'],
    ['/assets/a%20b.svg', 'image/svg+xml'],
  ])('%s is %s', async (path, type) => {
    expect(await ask(path)).toMatchObject({ status: 200, type, policy: CONTENT_SECURITY_POLICY });
  });

  test.each([
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/assets/../../secret.txt',
    '/assets/..%5c..%5csecret.txt',
    '//etc/passwd',
    '/assets/link.js',
    '/assets/',
    '/assets',
    '/%',
    '/%00',
    '/none',
  ])('%s is not there', async (path) => {
    const { status, body, policy } = await ask(path);
    expect([status, body]).toEqual([404, 'no such file\n']);
    expect(policy).toBe(CONTENT_SECURITY_POLICY);
  });

  test('only reads, and only under its own name', async () => {
    expect((await ask('/', { method: 'POST' })).status).toBe(405);
    expect(await ask('/', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
    expect((await ask('/', { headers: { host: 'elsewhere.example' } })).status).toBe(403);
    expect((await ask('/', { headers: { host: `localhost:${serving.port}` } })).status).toBe(200);
  });

  test('a port in use is an error that says what to do', async () => {
    await expect(serveFolder(join(folder, 'page'), serving.port)).rejects.toMatchObject({
      code: 'E_USAGE',
      message: `port ${serving.port} is in use`,
      hint: '--port 0 takes one that is free',
    });
  });
});

describe('textpoke view', () => {
  /** The real files, and what is said on stdout. */
  function saying(): { readonly io: Io; said(): string } {
    const out: string[] = [];
    const io: Io = { ...nodeIo(() => false), stdout: (text) => void out.push(String(text)), stderr: () => {} };
    return { io, said: () => out.join('') };
  }
  const flags = { json: false, quiet: false, port: 0, token: undefined, scenario: undefined } as unknown as ViewOptions;
  const RACE = 'tp1_AyDJUVKWAxwIAgEDAQEFAQICAQEEAADh1g';

  test('a wrong token or name is said before anything is served', async () => {
    const { io } = saying();
    await expect(viewAction({ ...flags, token: RACE.replace('VKWA', 'VKWB') }, io)).rejects.toMatchObject({ code: 'E_TOKEN' });
    await expect(viewAction({ ...flags, scenario: 'F99' }, io)).rejects.toMatchObject({ code: 'E_SCENARIO' });
  });

  test.each([
    [{ token: RACE }, `#t=${RACE}`],
    [{ scenario: 'f1' }, '#s=ftrace/late-handler'],
    [{}, ''],
  ])('prints the address of %o, or that the page is not built', async (what, place) => {
    const { io, said } = saying();
    const ended = viewAction({ ...flags, ...what }, io, Promise.resolve());
    if (whySkipped === undefined) {
      expect(await ended).toBe(0);
      expect(said()).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/(#\S+)?\n$/);
      expect(
        said()
          .trim()
          .replace(/^http:\/\/127\.0\.0\.1:\d+\//, ''),
      ).toBe(place);
    } else await expect(ended).rejects.toMatchObject({ code: 'E_FILE', hint: 'npm run build:web' });
  });
});
