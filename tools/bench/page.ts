// npx tsx tools/bench/page.ts [STEPS]: what the built page costs. Bytes until its first paint, and frames a second while a long run is scrolled, zoomed
// and scrubbed, in Chromium.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { serveFolder } from '../../src/cli/static-server.ts';
import { imageFromElf } from '../../src/image/image.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner, smokeCell } from '../../src/scenario/matrix.ts';
import { variantOf } from '../../src/scenario/scenario.ts';
import { tokenOf } from '../../src/web/emulator/session.ts';
import { PAGE, startBrowser, whySkipped } from '../../test/web/e2e/browser.ts';

/** Frames that are looked at for each row. */
const FRAMES = 120;

/** A run in which a guest patcher waits for an answer that nobody gives it: as long as one likes. */
function longToken(steps: number): string {
  const runner = new CellRunner((name) => imageFromElf(readFileSync(new URL(`../../fixtures/${name}/${name}.elf`, import.meta.url)), name));
  const scenario = scenarioOf('ftrace/late-handler');
  const variant = variantOf(scenario, 'guest-no-final-sync');
  const cell = smokeCell(scenario);
  const knowledge = runner.learned(scenario, variant.name, cell);
  return tokenOf(
    runner,
    { scenario, variant, cell, knowledge },
    Array.from({ length: steps }, () => 0),
  );
}

/** Frames a second while `change` is done once a frame: median, and the slowest of twenty. */
async function measure(page: Page, name: string, change: string): Promise<void> {
  // As text: what a compiler adds to functions is not there in the page.
  const times = await page.evaluate<number[]>(`(async () => {
    const frames = ${FRAMES};
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const out = [];
    let last = await frame();
    for (let n = 0; n < frames; n++) {
      ${change};
      const now = await frame();
      out.push(now - last);
      last = now;
    }
    return out;
  })()`);
  const sorted = [...times].sort((a, b) => a - b);
  const at = (part: number): string => (1000 / (sorted[Math.floor(sorted.length * part)] ?? 1)).toFixed(0);
  console.log(`${name.padEnd(34)} ${at(0.5).padStart(4)} median ${at(0.95).padStart(5)} slowest of twenty`);
}

function sizes(): void {
  const gzip = (file: string): number => gzipSync(readFileSync(join(PAGE, file)), { level: 9 }).length;
  const assets = readdirSync(join(PAGE, 'assets')).map((file) => `assets/${file}`);
  const first = ['index.html', ...assets.filter((file) => /\/index-.*\.(js|css)$/.test(file))];
  const later = assets.filter((file) => /\.(js|wasm)$/.test(file) && !first.includes(file));
  const sum = (files: readonly string[]): string => `${(files.reduce((n, file) => n + gzip(file), 0) / 1000).toFixed(0)} kB`;
  console.log(`gzip until the first paint: ${sum(first)} (goal: 300 kB), then the emulator: ${sum(later)}\n`);
}

const steps = Number(process.argv[2] ?? 100_000);
if (whySkipped !== undefined) {
  console.error(whySkipped);
  process.exit(1);
}
sizes();
const serving = await serveFolder(PAGE, 0);
const browser = await startBrowser();
try {
  const page = await browser.context.newPage();
  // What is measured is the page: scripts of the measurement need what its policy refuses.
  await page.context().route('**/*', async (route) => {
    const response = await route.fetch();
    const headers = response.headers();
    delete headers['content-security-policy'];
    const body = await response.body();
    const isPage = (headers['content-type'] ?? '').startsWith('text/html');
    const text = isPage ? body.toString().replace(/<meta[^>]*Content-Security-Policy[^>]*>/s, '') : undefined;
    await route.fulfill({ response, headers, body: text ?? body });
  });
  const start = performance.now();
  await page.goto(`${serving.url}#t=${longToken(steps)}&at=0`);
  await page.getByTestId('state-hash').waitFor({ timeout: 120_000 });
  console.log(`${steps} steps, opened in ${((performance.now() - start) / 1000).toFixed(1)} s; frames a second (goal: 30)`);
  await measure(page, 'nothing moves', '');
  await measure(page, 'the list is scrolled, 3 rows a frame', "document.querySelector('.list').scrollTop += 75");
  await measure(
    page,
    'the list is scrolled end to end',
    "const l = document.querySelector('.list'); l.scrollTop = (l.scrollHeight * n) / frames",
  );
  const key = (k: string): string => `dispatchEvent(new KeyboardEvent('keydown', { key: '${k}' }))`;
  await measure(page, 'the lanes are zoomed', `${key('w')}; if (n % 30 === 29) ${key('f')}`);
  await measure(page, 'the lanes are panned', key('d'));
  await measure(page, 'the run is stepped', key('ArrowRight'));
  await measure(
    page,
    'the run is scrubbed end to end',
    "const s = document.querySelector('.scrubber'); s.value = (s.max * n) / frames; s.dispatchEvent(new Event('input', { bubbles: true }))",
  );
} finally {
  await browser.close();
  await serving.close();
}
