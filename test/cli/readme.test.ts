import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { CHECK_TITLES } from '../../src/explore/violation.ts';
import { FETCH_POLICY_NAMES } from '../../src/machine/policy/index.ts';
import { root } from '../../tools/bootstrap.mjs';
import { outputs } from '../../tools/build-fixtures.ts';
import { textpoke } from './recording-io.ts';

const readme = readFileSync(join(root, 'README.md'), 'utf8');
const all = (pattern: RegExp): string[] => [...new Set([...readme.matchAll(pattern)].map((found) => found[1] ?? ''))];

describe('the README', () => {
  const files = Object.fromEntries(
    outputs()
      .filter((path) => path.endsWith('.elf'))
      .map((path) => [join(root, path), readFileSync(join(root, path))] as const),
  );

  test.each(all(/\b(tp1_[\w-]+)/g))('its token %s replays to a violation', async (token) => {
    const { exit, stdout } = await textpoke(['replay', token], { files });
    expect([exit, stdout()]).toEqual([1, expect.stringContaining('VIOLATION')]);
  });

  const ofHelp = readdirSync(join(root, 'src/cli/verbs')).flatMap((verb) => [
    ...readFileSync(join(root, 'src/cli/verbs', verb), 'utf8').matchAll(/\btp1_[\w-]+/g),
  ]);

  test.each([...new Set(ofHelp.map(([token]) => token))])('the token %s of a help text replays', async (token) => {
    const { exit, stdout } = await textpoke(['replay', token], { files });
    expect([exit, stdout()]).toEqual([1, expect.stringContaining('VIOLATION')]);
  });

  test('names files and folders that are there', () => {
    const paths = all(/`?\b((?:src|test|tools|fixtures)\/[\w./-]*[\w/])/g).filter((path) => !/<|\/$/.test(path));
    expect(paths.length).toBeGreaterThan(20);
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test('names scripts, headings and links that are there', () => {
    const scripts = all(/npm run (?:-s )?([\w:]+)/g);
    expect(scripts.filter((name) => !Object.hasOwn(packageJson.scripts, name))).toEqual([]);
    const headings = all(/^#+ (.*)$/gm).map((heading) => heading.toLowerCase().replaceAll(' ', '-'));
    expect(headings).toContain('limits');
    expect(all(/\]\(#([\w-]+)\)/g).filter((anchor) => !headings.includes(anchor))).toEqual([]);
  });

  test('says what every fetch policy and every check is', () => {
    for (const name of FETCH_POLICY_NAMES) expect(readme).toMatch(new RegExp(`^\\| \`${name}\``, 'm'));
    const table = readme.slice(readme.indexOf('| check |'), readme.indexOf('`code-race` decides'));
    for (const check of Object.keys(CHECK_TITLES)) expect(table).toMatch(new RegExp(`(?<!\\w)${check}(?!\\w)`));
  });
});
