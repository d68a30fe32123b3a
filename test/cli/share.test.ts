import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sayShare } from '../../src/cli/report.ts';
import type { Share } from '../../src/explore/share.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { variantOf } from '../../src/scenario/scenario.ts';
import { root } from '../../tools/bootstrap.mjs';
import { textpoke } from './recording-io.ts';

const path = join(root, 'fixtures/livepatch/livepatch.elf');
const files = { [path]: readFileSync(path) };

const scenario = scenarioOf('L4');
const say = (share: Share | undefined) => sayShare({ scenario, variant: variantOf(scenario, 'lw2'), share });
const counted = (violating: bigint, through: bigint) => say({ kind: 'counted', all: through, through, violating });

test('all and none are said only where they are meant', () => {
  const paths = 'paths through "f called in the WINDOW"';
  expect(counted(1n, 3n)).toBe(`lw2: of 3 ${paths} 1 end in a violation (33 %)`);
  expect(counted(12_345n, 12_345n)).toBe(`lw2: of 12 345 ${paths} 12 345 end in a violation (100 %)`);
  expect(counted(0n, 12n)).toContain('(none)');
  expect(counted(99_999n, 100_000n)).toContain('(> 99.9 %)');
  expect(counted(1n, 10n ** 40n)).toContain('(< 1e-9 %)');
  expect(say({ kind: 'uncounted', why: 'step budget of 3 spent' })).toBe(`lw2: ${paths} not counted: step budget of 3 spent`);
  expect(say(undefined)).toBeUndefined();
});

test('explore prints the share of a scenario that asks for it, as text and as an event', async () => {
  const args = ['explore', 'L4', '--variant', 'lw3', '--fetch', 'coherent', '--memory', 'sc'];
  const text = (await textpoke(args, { files })).stdout();
  expect(text).toMatch(/^share {4}lw3: of .*\send\s+in\s+a\s+violation\s+\(100\s%\)$/ms);
  const events = (await textpoke([...args, '--json'], { files })).stdout().trim().split('\n');
  const { share } = JSON.parse(events.at(-1) as string);
  expect(share).toMatchObject({ kind: 'counted', violating: share.through });
  const unasked = (await textpoke(['explore', 'L3', '--variant', 'lw1'], { files })).stdout();
  expect(unasked).toMatch(/^FAIL/m);
  expect(unasked).not.toMatch(/^share/m);
});
