import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { root } from '../../tools/build-fixtures.ts';

const run = (tool: string, ...args: string[]) => spawnSync('npx', ['tsx', `tools/${tool}`, ...args], { cwd: root, encoding: 'utf8' });

test.each([
  ['conformance-silicon.ts', '--engine', /unknown engine 'nope'/],
  ['record-silicon/main.ts', '--class', /there is no class 'nope'/],
  ['differential-engines.ts', '--count', /--count wants a whole number, not 'nope'/],
  ['bench/main.ts', '--rounds', /--rounds wants a whole number of at least 1, not 'nope'/],
])(
  '%s has a help, and says what is wrong with a command line',
  (tool, flag, message) => {
    const help = run(tool, '--help');
    expect([help.status, help.stdout]).toEqual([0, expect.stringMatching(/^usage: npm run /)]);
    const directory = tool.startsWith('conformance') ? ['fixtures/silicon'] : [];
    const wrong = run(tool, ...directory, flag, 'nope');
    expect([wrong.status, wrong.stdout]).toEqual([129, '']);
    expect(wrong.stderr).toMatch(message);
  },
  60_000,
);
