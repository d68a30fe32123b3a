import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Fields } from '../../src/dap/fields.ts';
import { VERBS } from '../../src/dap/repl.ts';
import { LAUNCH_ARGUMENTS, namesTarget, readTarget, readWishes } from '../../src/dap/target.ts';
import { EVENT_KINDS } from '../../src/debug/timeline/queries.ts';

const docs = readFileSync('docs/dap.md', 'utf8');
const section = (title: string): string => docs.slice(docs.indexOf(`## ${title}`)).split('\n## ')[0]!;
const codeOf = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map((m) => m[1]!);

test('the table of launch arguments has each argument, and no other', () => {
  const rows = section('Launch arguments').matchAll(/^\| (`[^|]+) \|/gm);
  expect([...rows].flatMap((row) => codeOf(row[1]!)).sort()).toEqual([...LAUNCH_ARGUMENTS].sort());
});

test('the configurations that it shows are read', () => {
  const [, launch] = [...docs.matchAll(/```json\n([\s\S]*?)```/g)].map((m) => JSON.parse(m[1]!));
  const kinds = launch.configurations.map((configuration: object) => {
    const fields = new Fields(configuration, 'launch');
    readWishes(fields);
    return namesTarget(fields) ? readTarget(fields).what.kind : 'attach';
  });
  expect(kinds).toEqual(['scenario', 'token', 'program', 'attach']);
});

test('each verb of the console and each kind of event is there', () => {
  const text = section('Debug console');
  const named = codeOf(text).map((code) => code.split(' ')[0]);
  for (const verb of Object.keys(VERBS)) if (verb !== 'help') expect(named).toContain(verb);
  for (const kind of EVENT_KINDS) expect(text).toMatch(new RegExp(`\\b${kind}\\b`));
});
