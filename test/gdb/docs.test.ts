import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EVENT_KINDS } from '../../src/debug/timeline/queries.ts';
import { VERBS } from '../../src/gdb/monitor/monitor.ts';
import { registerFile } from '../../src/gdb/registers.ts';
import { Client } from './client.ts';
import { serve } from './session.ts';

const docs = readFileSync('docs/gdb.md', 'utf8');

test('every monitor verb, kind of event and register of our own is in docs/gdb.md', () => {
  for (const { name } of VERBS) expect(docs, name).toMatch(new RegExp(`\`(?:monitor )?${name}\\b`));
  for (const kind of EVENT_KINDS) expect(docs, kind).toContain(`\`${kind}\``);
  const { registers, inG } = registerFile(64);
  for (const { name } of registers.slice(inG)) expect(docs, name).toContain(`\`${name}\``);
});

/** Lines that gdb showed, however it shows their beginning. */
const plain = (text: string): string[] => text.split('\n').map((line) => line.replace(/^\(gdb\) |^\+/, '').trim());

test('what it prints is what the page says', async () => {
  const printed = /```console\n\$ textpoke gdb (.*)\n([\s\S]*?)```/.exec(docs);
  const served = await serve([...(printed?.[1] ?? '').split(' '), '--once']);
  const client = await Client.connect(served.port);
  await client.ask('D;1');
  await served.ended;
  expect(served.stdout().replaceAll(String(served.port), '3333')).toBe(printed?.[2]);
});

test('what the page shows is what gdb shows', () => {
  const [, session = ''] = [...docs.matchAll(/```console\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
  const golden = new Set(plain(readFileSync(new URL('./golden/f1-oops-to-cause.txt', import.meta.url), 'utf8')));
  expect(plain(session).length).toBeGreaterThan(20);
  expect(plain(session).filter((line) => !golden.has(line))).toEqual([]);
});

test('the macro of the page is the one that is tested', () => {
  const macro = /```gdb\n([\s\S]*?)```/.exec(docs)?.[1] ?? '';
  expect(macro).toContain('define');
  expect(readFileSync(new URL('./scripts/macros.gdb', import.meta.url), 'utf8')).toContain(macro);
});

test('each script has its golden transcript', () => {
  const names = (folder: string): string[] =>
    readdirSync(new URL(`./${folder}/`, import.meta.url))
      .map((name) => name.replace(/\.\w+$/, ''))
      .sort();
  expect(names('golden')).toEqual(names('scripts'));
});
