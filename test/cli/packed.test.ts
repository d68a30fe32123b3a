import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { root } from '../../tools/bootstrap.mjs';

// The package as another program gets it: packed, unpacked into its node_modules with the dependencies of package.json and no others.
const work = mkdtempSync(join(tmpdir(), 'textpoke-packed-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}${stdout}`);
  return stdout;
}

const PROGRAM = `
import { readFileSync } from 'node:fs';
import { CellRunner, findToken, imageFromElf, recordTrace, scenarioOf, variantOf } from 'textpoke';

const lab = new URL(import.meta.resolve('textpoke/fixtures/lab/lab.elf'));
const image = imageFromElf(readFileSync(lab), 'lab.elf');
const runner = new CellRunner(() => image);
const scenario = scenarioOf('F1');
const cell = { victims: 1, fetch: 'intel-sdm', memory: 'tso' };
const settle = (name) => runner.run(scenario, variantOf(scenario, name), cell);

const proof = settle('final-sync');
const race = settle('no-final-sync');
const found = findToken(race.token, () => image);
const world = runner.maker(found.scenario, found.variant.name, found.cell)();
world.begin(race.knowledge);
const trace = recordTrace(world, found.content.answers);
console.log(JSON.stringify([proof.verdict, proof.coverage.kind, race.verdict, trace.violations.map((v) => v.check)]));
`;

test('another program explores a scenario with the packed package', { timeout: 60_000 }, () => {
  run('npm', ['pack', '--silent', '--pack-destination', work], root);
  const tarball = readdirSync(work).find((name) => name.endsWith('.tgz')) ?? '';
  const modules = join(work, 'node_modules');
  mkdirSync(modules);
  run('tar', ['xzf', join(work, tarball), '-C', modules], work);
  run('mv', ['package', 'textpoke'], modules);
  for (const name of Object.keys(packageJson.dependencies)) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  writeFileSync(join(work, 'settle.mjs'), PROGRAM);
  expect(JSON.parse(run(process.execPath, ['settle.mjs'], work))).toEqual(['ok', 'exhaustive', 'violation', ['I1']]);
});
