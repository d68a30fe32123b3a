import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BrowserContext, chromium } from 'playwright-core';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** The page as `npm run build:web` makes it. */
export const PAGE = fileURLToPath(new URL('../../../dist/web', import.meta.url));

/** Why there is no end-to-end test here; undefined where there can be. */
export const whySkipped: string | undefined = !existsSync(CHROMIUM)
  ? `there is no ${CHROMIUM}`
  : existsSync(join(PAGE, 'index.html'))
    ? undefined
    : 'the page is not built: npm run build:web';

/** A browser of its own, with nothing of another one's in it. */
export async function startBrowser(): Promise<{ readonly context: BrowserContext; close(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'textpoke-browser-'));
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: CHROMIUM,
    headless: true,
    viewport: { width: 1280, height: 800 },
    colorScheme: 'light',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  return {
    context,
    close: async () => {
      await context.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
