import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { GOLDEN_GDB, gdb, gdbVersion, script, serve } from './session.ts';

const names = readdirSync(new URL('./scripts/', import.meta.url))
  .filter((name) => name.endsWith('.gdb'))
  .map((name) => name.replace(/\.gdb$/, ''))
  .sort();

if (gdbVersion !== GOLDEN_GDB) console.warn(`gdb ${GOLDEN_GDB} is not here (${gdbVersion}): its sessions are not tested`);

/** Compares with the golden transcript; `TEXTPOKE_ACCEPT=1` writes it instead. */
function expectGolden(name: string, text: string): void {
  const path = new URL(`./golden/${name}.txt`, import.meta.url);
  if (process.env.TEXTPOKE_ACCEPT === '1') writeFileSync(path, text);
  const hint = 'TEXTPOKE_ACCEPT=1 npx vitest run test/gdb writes it, then read the diff';
  expect(existsSync(path), `golden/${name}.txt is missing: ${hint}`).toBe(true);
  expect(text, `golden/${name}.txt differs: ${hint}`).toBe(readFileSync(path, 'utf8'));
}

describe.skipIf(gdbVersion !== GOLDEN_GDB)('sessions of gdb', () => {
  test.each(names)('%s', async (name) => {
    const { args, lines } = script(name);
    const served = await serve([...args, '--once']);
    const transcript = await gdb(served.port, lines);
    expect(await served.ended).toBe(0);
    expectGolden(name, transcript);
  });
});
