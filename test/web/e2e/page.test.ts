import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CONTENT_SECURITY_POLICY, type Serving, serveFolder } from '../../../src/cli/static-server.ts';
import { replayToken } from '../../../src/debug/replay.ts';
import { imageFromElf } from '../../../src/image/image.ts';
import { scenarioOf } from '../../../src/scenario/catalogue.ts';
import { CellRunner, smokeCell } from '../../../src/scenario/matrix.ts';
import { variantOf } from '../../../src/scenario/scenario.ts';
import { PAGE, startBrowser, whySkipped } from './browser.ts';

if (whySkipped !== undefined) console.warn(`end-to-end tests of the page are skipped: ${whySkipped}`);

/** The run of F1 without the last SYNC that the README shows. */
const RACE = 'tp1_AyDJUVKWAxwIAgEDAQEFAQICAQEEAADh1g';
const WAIT = { timeout: 30_000 };

const runner = new CellRunner((name) =>
  imageFromElf(readFileSync(new URL(`../../../fixtures/${name}/${name}.elf`, import.meta.url)), name),
);

describe.skipIf(whySkipped !== undefined)('the page in Chromium', () => {
  let serving: Serving;
  let browser: Awaited<ReturnType<typeof startBrowser>>;
  let context: BrowserContext;
  let page: Page;
  const troubles: string[] = [];
  const elsewhere: string[] = [];

  beforeAll(async () => {
    serving = await serveFolder(PAGE, 0);
    browser = await startBrowser();
    ({ context } = browser);
    context.on('page', listen);
    page = await context.newPage();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await serving?.close();
  });
  // Errors of the page, refusals of its policy and requests to anywhere else.
  afterEach(() => {
    expect(troubles.splice(0)).toEqual([]);
    expect(elsewhere.splice(0)).toEqual([]);
  });
  function listen(on: Page): void {
    on.on('pageerror', (error) => troubles.push(error.message));
    on.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') troubles.push(message.text());
    });
    on.on('request', (request) => {
      if (!request.url().startsWith(serving.url)) elsewhere.push(request.url());
    });
  }

  /** Opens an address anew. */
  async function open(hash: string): Promise<void> {
    await page.goto('about:blank');
    await page.goto(serving.url + hash);
  }
  const openRun = async (hash: string): Promise<void> => {
    await open(hash);
    await page.getByTestId('state-hash').waitFor(WAIT);
  };
  const outcome = (on = page): Promise<string> => on.getByTestId('outcome').innerText();
  const position = (): Promise<string> => page.locator('#goto').inputValue();
  const at = async (n: number): Promise<void> => {
    await page.getByRole('heading', { name: `What can happen at @${n}`, exact: true }).waitFor(WAIT);
  };

  /** What axe finds that is serious or worse. */
  async function serious(): Promise<string[]> {
    await page.evaluate(readFileSync(`${dirname(createRequire(import.meta.url).resolve('axe-core'))}/axe.min.js`, 'utf8'));
    const found = await page.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: AxeFinding[] }> } };
      return (await axe.run()).violations;
    });
    return found
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.html).join(' ')}`);
  }
  interface AxeFinding {
    readonly id: string;
    readonly impact: string;
    readonly nodes: readonly { readonly html: string }[];
  }

  test('the catalogue is there at once, is searched, and takes a token', async () => {
    await open('');
    await page.getByRole('link', { name: /F1 late-handler/ }).waitFor(WAIT);
    await page.keyboard.press('/');
    await page.keyboard.type('ghost int3');
    await expect.poll(() => page.getByRole('link', { name: /F8 ghost-int3/ }).count()).toBe(1);
    expect(await page.getByRole('link', { name: /F1 late-handler/ }).count()).toBe(0);
    await page.locator('#query').fill(`replay   textpoke replay ${RACE}`);
    await page.keyboard.press('Enter');
    await page.getByTestId('state-hash').waitFor(WAIT);
    expect(await outcome()).toContain('claimed by nobody');
  });

  test('open a token, scrub to the bug, step back, change a choice, see it hold, share the link', async () => {
    await openRun(`#t=${RACE}`);
    // A run that breaks is opened where it does.
    expect(await position()).toBe('@27');
    await page.getByRole('slider', { name: 'Position in the run' }).fill('20');
    await at(20);
    await page.keyboard.press('b');
    await at(27);
    await page.keyboard.press('ArrowLeft');
    await at(26);
    await page.keyboard.press('Shift+ArrowLeft');
    await at(23);
    await page.keyboard.press('Shift+ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    await at(20);
    await expect.poll(() => page.url()).toContain(`#t=${RACE}&at=20`);
    expect(await outcome()).toContain('unclaimed #BP (I1)');

    await page.getByRole('button', { name: /^Take instead: CPU2 fetches ftrace_call/ }).click();
    await expect.poll(() => outcome(), WAIT).toContain('holds');
    expect(await page.getByText('Another order from @20 on.').count()).toBe(1);
    await page.getByRole('button', { name: 'Copy link' }).click();
    const link = page.url();
    expect(link).toMatch(/#t=tp1_[\w-]+&at=20/);
    expect(link).not.toContain(RACE);

    const other = await context.newPage();
    await other.goto(link);
    await other.getByTestId('state-hash').waitFor(WAIT);
    expect(await outcome(other)).toContain('holds');
    expect(await other.locator('#goto').inputValue()).toBe('@20');
    await other.close();

    await page.goBack();
    await expect.poll(() => outcome(), WAIT).toContain('unclaimed #BP (I1)');
  });

  test.each([
    ['F1', 'no-final-sync'],
    ['F1', 'final-sync'],
    ['F2', 'unprotected'],
    ['F6', undefined],
    ['jump-label/forms', undefined],
    ['kprobes/reenter-bug', undefined],
  ])('%s %s: the same token, the same trace and hash as in Node', async (name, wanted) => {
    const scenario = scenarioOf(name);
    const variant = variantOf(scenario, wanted ?? scenario.variants.find((v) => v.expected === 'violation')?.name ?? '');
    const { Session, continuedToken } = await sessions();
    const cell = smokeCell(scenario);
    const token = runner.run(scenario, variant, cell).token ?? continuedToken(runner, scenario, variant, cell);
    const { trace, world } = replayToken(runner, token);
    const hash = world.machine.hash();
    world.release();
    // The page and its workers stay: what one run left behind must not be seen in the next.
    if (!page.url().startsWith(serving.url)) await open('');
    await page.evaluate((address) => {
      location.hash = address;
    }, `#t=${token}&at=0`);
    await expect.poll(() => page.getByTestId('hash').innerText(), WAIT).toBe(hash);
    await page.keyboard.press('End');
    await at(trace.steps.length);
    expect(await page.getByTestId('state-hash').innerText()).toBe(hash);
    // And going back to the start is the start.
    await page.keyboard.press('Home');
    await at(0);
    const session = Session.open(runner, token);
    const { texts, text } = session.view();
    for (let n = 0; n < Math.min(8, trace.steps.length); n++)
      expect(await page.locator(`#step-${n}`).innerText()).toContain(texts[text[n]!]);
    expect(await page.getByTestId('state-hash').innerText()).toBe(session.world.machine.hash());
    session.release();
  });

  test('a variant is searched in the browser, and whether it can break from a place', async () => {
    await open('#s=F1');
    await page.getByRole('button', { name: 'Try every order of final-sync' }).click();
    await page.getByText('OK no violation in any order that the models allow').waitFor(WAIT);
    await page.getByRole('button', { name: 'Find the race in no-final-sync' }).click();
    await page.getByTestId('state-hash').waitFor(WAIT);
    expect(await outcome()).toContain('unclaimed #BP (I1)');
    await page.getByText('came before').first().waitFor(WAIT);
    await page.keyboard.press('Home');
    await at(0);
    await page.getByRole('button', { name: 'Can it break from here?' }).click();
    await page.getByText(/FAIL unclaimed #BP/).waitFor(WAIT);
    // Back leads to the race, not to its search.
    await page.goBack();
    await page.getByRole('heading', { name: /a late #BP handler finds nothing in progress/ }).waitFor(WAIT);
  });

  test('a search can be cancelled', async () => {
    await open('#s=F1');
    // With four victims it takes some seconds.
    await page.getByLabel('victims').selectOption('4');
    await page.getByRole('button', { name: 'Try every order of guest-final-sync' }).click();
    await page.getByText(/searching F1 guest-final-sync: \d/).waitFor(WAIT);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await expect.poll(() => page.getByRole('button', { name: 'Cancel' }).count()).toBe(0);
    await page.getByLabel('victims').selectOption('1');
    await page.getByRole('button', { name: 'Try every order of final-sync' }).click();
    await page.getByText('OK no violation in any order that the models allow').waitFor(WAIT);
  });

  test('a bad token says what, where and what next, and nothing is lost', async () => {
    await openRun(`#t=${RACE}&at=20`);
    for (const [bad, what] of [
      [RACE.replace('VKWA', 'VKWB'), 'checksum mismatch'],
      ['tp1_', 'not a token'],
      ['tp2_AAAA', 'a token starts with tp1_'],
    ]) {
      await page.evaluate((hash) => {
        location.hash = hash;
      }, `#t=${bad}`);
      const alert = page.getByRole('alert');
      await expect.poll(() => alert.innerText(), WAIT).toContain(what);
      expect(await alert.innerText()).toContain(bad);
      expect(await alert.innerText()).toContain('copy the whole token');
      expect(await position()).toBe('@20');
    }
    await open(`#t=${RACE}&at=99`);
    await expect.poll(() => page.getByRole('alert').innerText(), WAIT).toContain('the run has no @99');
    await open('#s=F99');
    await expect.poll(() => page.getByRole('alert').innerText(), WAIT).toContain("there is no race 'F99'");
    expect(await page.getByRole('link', { name: /F1 late-handler/ }).count()).toBe(1);
  });

  test('steps by instruction inside a step, and one CPU alone', async () => {
    await openRun(`#t=${RACE}&at=20`);
    await page.keyboard.press('.');
    await expect.poll(() => position()).toBe('@20+1');
    await page.getByText('Inside a step others see nothing of it').waitFor(WAIT);
    await expect.poll(() => page.url()).toContain('at=20+1');
    await page.keyboard.press(',');
    await at(20);
    await page.keyboard.press('3');
    expect(await page.getByRole('option', { name: /^@7 / }).count()).toBe(0);
    await page.keyboard.press('ArrowRight');
    await at(21);
    await page.keyboard.press('ArrowRight');
    await at(22);
    await page.keyboard.press('0');
    await page.keyboard.press('/');
    await page.keyboard.type('modifying_ftrace_code');
    await page.keyboard.press('Enter');
    await at(26);
  });

  test.each([
    ['light', 1280, 800],
    ['dark', 1280, 800],
    ['light', 360, 800],
  ] as const)('axe finds nothing serious: %s, %i pixels wide; nothing is wider than the page', async (colorScheme, width, height) => {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height });
    const wide = (): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth);
    await open('');
    await page.getByRole('link', { name: /F1 late-handler/ }).waitFor(WAIT);
    expect(await serious()).toEqual([]);
    expect(await wide()).toBe(width);
    await open('#s=F1');
    await page.getByRole('button', { name: 'Find the race in no-final-sync' }).waitFor(WAIT);
    expect(await serious()).toEqual([]);
    expect(await wide()).toBe(width);
    await openRun(`#t=${RACE}&at=26`);
    await page.getByText('came before').first().waitFor(WAIT);
    expect(await serious()).toEqual([]);
    expect(await wide()).toBe(width);
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor(WAIT);
    expect(await serious()).toEqual([]);
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  test('runs from any folder of a host', async () => {
    const host = await serveFolder(dirname(PAGE), 0);
    const other = await browser.context.newPage();
    elsewhere.splice(0);
    await other.goto(`${host.url}web/#t=${RACE}&at=3`);
    await other.getByTestId('state-hash').waitFor(WAIT);
    expect(await outcome(other)).toContain('unclaimed #BP');
    expect(elsewhere.splice(0).filter((url) => !url.startsWith(host.url))).toEqual([]);
    await other.close();
    await host.close();
  });

  test('its policy allows WebAssembly and no eval', async () => {
    const policy = (await (await fetch(serving.url)).text()).match(/http-equiv="Content-Security-Policy"\s+content="([^"]*)"/)?.[1];
    expect(CONTENT_SECURITY_POLICY).toContain(policy);
    expect(policy).toContain("'wasm-unsafe-eval'");
    expect(policy).not.toMatch(/'unsafe-(eval|inline)'/);
  });

  /** Parts of the emulator behind the page, in Node. */
  async function sessions() {
    const { Session, beginWorld, continued, tokenOf } = await import('../../../src/web/emulator/session.ts');
    const continuedToken = (
      ...[r, scenario, variant, cell]: [
        CellRunner,
        ReturnType<typeof scenarioOf>,
        ReturnType<typeof variantOf>,
        ReturnType<typeof smokeCell>,
      ]
    ): string => {
      const ground = { scenario, variant, cell, knowledge: r.learned(scenario, variant.name, cell) };
      return tokenOf(r, ground, continued(beginWorld(r, ground), []));
    };
    return { Session, continuedToken };
  }
});
