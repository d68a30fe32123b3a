import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CHECK_TITLES } from '../../src/explore/violation.ts';
import { callTo } from '../../src/patch/instructions.ts';
import { CATALOGUE, FAMILIES } from '../../src/scenario/catalogue.ts';
import { FAMILY_TITLES } from '../../src/scenario/families.ts';
import { labWorld } from '../../src/scenario/lab-world.ts';
import { defineScenario } from '../../src/scenario/scenario.ts';
import { root } from '../../tools/bootstrap.mjs';
import { textpoke } from './recording-io.ts';

const images = ['lab', ...CATALOGUE.flatMap((s) => (typeof s.image === 'string' ? [s.image] : []))];
const files = Object.fromEntries(
  [...new Set(images)].map((name) => {
    const path = join(root, `fixtures/${name}/${name}.elf`);
    return [path, readFileSync(path)];
  }),
);

/** A scenario of somebody else: a call is changed by one store while another core runs it, with or without waiting for that core. */
const mine = defineScenario({
  name: 'mine/one-store',
  title: 'one store',
  story: 'CPU0 stores a call over a NOP.',
  scope: 'one-victim',
  variants: [
    { name: 'no-sync', title: 'nothing makes CPU1 serialize', expected: 'violation', mutant: 'one store: no SYNC' },
    { name: 'harmless', title: 'nobody patches', expected: 'ok', mutant: 'one store: none' },
  ],
  build(image, variant, cell, engine) {
    const world = labWorld(image, cell, { engine });
    world.wantedWitnesses = [];
    const site = world.lab.symbol('site_nop_q0_insn');
    const bytes = callTo(site, world.lab.symbol('target_b'));
    const old = world.lab.peek(site, 5);
    const value =
      bytes.reduceRight((word, byte) => (word << 8n) | BigInt(byte), 0n) | (BigInt(world.lab.peek(site + 5n, 1)[0] as number) << 40n);
    if (variant.name === 'no-sync') {
      world.sites.push({ name: 'my_site', address: site, versions: [old, bytes], final: 1 });
      world.add({
        core: 0,
        entry: 'patcher_stub',
        *patcher() {
          yield { do: 'store', address: world.lab.alias(site), bytes: 4, value: value & 0xffff_ffffn, what: 'my_site' };
          yield { do: 'store', address: world.lab.alias(site + 4n), bytes: 1, value: (value >> 32n) & 0xffn, what: 'my_site' };
        },
      });
    }
    world.add({ core: 1, entry: 'victim_main', calls: ['site_nop_q0'] });
    return world;
  },
});
const modules = {
  'mine.mjs': { mine, all: [mine], other: 3 },
  'empty.mjs': { nothing: 1 },
  'two.mjs': { mine, more: [{ ...mine, name: 'mine/other' }] },
};

async function run(line: string) {
  const { exit, stdout, stderr } = await textpoke(line.split(' '), { files, modules });
  return { exit, stdout: stdout(), stderr: stderr() };
}
const tooWide = (text: string, columns: number): string[] => text.split('\n').filter((l) => l.length > columns || l !== l.trimEnd());

describe('list', () => {
  test('every family has a heading with what it is about, every scenario a line below it', async () => {
    const { exit, stdout } = await run('list');
    expect(exit).toBe(0);
    expect(FAMILIES.filter((family) => FAMILY_TITLES[family] === undefined)).toEqual([]);
    for (const family of FAMILIES) expect(stdout).toContain(`${family}: ${FAMILY_TITLES[family]}\n`);
    const lines = stdout.split('\n');
    for (const s of CATALOGUE) {
      const line = lines.findIndex(
        (l) =>
          l
            .slice(2, 31)
            .split(/ +/)
            .includes(s.name.split('/')[1] as string) && l.includes(s.title.slice(0, 20)),
      );
      expect(line, s.name).toBeGreaterThan(lines.findIndex((l) => l.startsWith(`${s.name.split('/')[0]}:`)));
    }
    expect(tooWide(stdout, 80)).toEqual([]);
  });

  test('one family, or the scenarios of a file', async () => {
    expect((await run('list text-poke')).stdout).not.toContain('late-handler');
    expect((await run('list mine.mjs')).stdout).toMatch(/^mine\n +one-store +one store\n\n/);
  });
});

describe('explain', () => {
  test.each(CATALOGUE.map((s) => s.name).filter((name) => name !== 'text-poke/straddling'))(
    'the story of %s fits 76 columns',
    async (name) => {
      const { exit, stdout } = await run(`explain ${name}`);
      expect(exit).toBe(0);
      expect(tooWide(stdout, 76)).toEqual([]);
      expect(stdout).toMatch(/^actors .*^bytes\n.*^variants, /ms);
    },
  );

  test('actors and bytes are those of the worlds', async () => {
    const { stdout } = await run('explain F1');
    expect(stdout).toMatch(/^ {2}CPU0 {4}patcher_stub: a patcher in TypeScript/m);
    expect(stdout).toContain('  CPU0    patcher_tpa_main   (guest-final-sync, guest-no-final-sync)\n');
    expect(stdout).toContain('  CPU1    victim_main, calls traced_by_a\n');
    expect(stdout).toMatch(/^ {4}old {2}e8( [0-9a-f]{2}){4} {2}call ftrace_stub$/m);
    expect(stdout).toMatch(/^ {4}new {2}e8( [0-9a-f]{2}){4} {2}call target_b$/m);
  });
});

describe('scenarios of a file', () => {
  test('explore finds, prints the flag that replay needs, and replay takes it', async () => {
    const found = await run('explore mine.mjs --variant no-sync');
    expect(found.exit).toBe(1);
    const [, token = '', flags] = /replay {3}textpoke replay (tp1_[\w-]+)(.*)$/m.exec(found.stdout) ?? [];
    expect(flags).toBe(' --scenarios mine.mjs');
    expect((await run(`replay ${token} --scenarios mine.mjs`)).exit).toBe(1);
    expect((await run(`explain ${token} --scenarios mine.mjs`)).stdout).toContain('mine/one-store no-sync');
    expect(await run(`replay ${token}`)).toMatchObject({ exit: 125, stderr: expect.stringContaining('--scenarios FILE') });
  });

  test('they are known beside the catalogue, by name', async () => {
    expect((await run('explore mine/one-store --scenarios mine.mjs --variant no-sync')).exit).toBe(1);
    expect((await run('explore F1 --scenarios mine.mjs --variant no-final-sync --victims 1')).exit).toBe(1);
    const { exit, stdout } = await run('matrix mine.mjs --smoke');
    expect(exit).toBe(0);
    expect(stdout).toMatch(/^ {2}mine\/one-store no-sync +1 intel-sdm tso FAIL .*\n.* harmless .* OK .*\n\n2 rows/m);
  });

  test.each([
    ['explore none.mjs', 'cannot read none.mjs'],
    ['explore empty.mjs', 'empty.mjs exports no scenario'],
    ['explore two.mjs', 'several scenarios: name one'],
    ['explore mine.mjs --scenarios two.mjs', 'one file of scenarios at a time'],
    ['explore mine/one-stor --scenarios mine.mjs', 'did you mean mine/one-store'],
    ['step fixtures/run/hello.elf', 'a program alone is for textpoke run, gdb and dap'],
  ])('%s is refused', async (line, message) => {
    const { exit, stderr } = await run(line);
    expect(exit).toBeGreaterThanOrEqual(128);
    expect(stderr).toContain(message);
  });
});

describe('matrix', () => {
  test('a name that is too long for its column has a line of its own', async () => {
    const long = { ...mine, name: 'mine/a-store-that-nobody-waits-for' };
    const { exit, stdout } = await textpoke(['matrix', 'long.mjs', '--smoke'], { files, modules: { 'long.mjs': { long } } });
    expect(exit).toBe(0);
    expect(stdout()).toMatch(/^ {2}mine\/a-store-that-nobody-waits-for no-sync\n {31}1 intel-sdm tso FAIL code-race found /m);
    expect(tooWide(stdout(), 80)).toEqual([]);
  });

  test('several families are tallied one by one', async () => {
    const { stdout } = await run('matrix B09 mine --scenarios mine.mjs --smoke');
    expect(stdout).toMatch(
      /\n {2}mine +2 rows +\d+ states: as recorded\n {2}text-poke +2 rows .*: as recorded\n4 rows, .*: each verdict is as recorded\n/,
    );
  });
});

describe('mutants', () => {
  test('who is killed by what, who survives, and which checks nobody tried', async () => {
    const { exit, stdout } = await run('mutants mine.mjs');
    expect(exit).toBe(0);
    expect(stdout).toMatch(/^ {2}one store: no SYNC\n {6}killed by code-race in mine\/one-store no-sync, 1 intel-sdm tso\n {6}tp1_/);
    expect(stdout).toContain('  one store: none\n      survives, as recorded in mine/one-store harmless');
    expect(stdout).toMatch(/^ {2}code-race {7}1 {2}unsynch/m);
    for (const check of Object.keys(CHECK_TITLES).filter((c) => c !== 'code-race'))
      expect(stdout).toMatch(new RegExp(`^ {2}${check} .* NO MUTANT$`, 'm'));
    expect(stdout).toMatch(/\n2 mutants: 1 killed, 1 survive, each as recorded\n$/);
    expect(tooWide(stdout, 80)).toEqual([]);
  });

  test('a mutant that survives against the record makes it 1', async () => {
    const wrong = { ...mine, variants: mine.variants.map((v) => ({ ...v, expected: 'violation' as const })) };
    const { exit, stdout } = await textpoke(['mutants', 'wrong.mjs'], { files, modules: { 'wrong.mjs': { wrong } } });
    expect(exit).toBe(1);
    expect(stdout()).toContain('! one store: none\n      survives: recorded is violation');
    expect(stdout()).toContain('1 not as recorded');
  });
});
