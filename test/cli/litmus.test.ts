import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../tools/bootstrap.mjs';
import { textpoke } from './recording-io.ts';

const path = join(root, 'fixtures/lab/lab.elf');
const SB =
  'X86_64 SB\n{ int64_t 0:rax; }\n P0 | P1 ;\n movq $1,(x) | movq $1,(y) ;\n movq (y),%rax | movq (x),%rax ;\nexists (0:rax=0 /\\ 1:rax=0)\n';
const MP =
  'X86_64 MP\n{ 0:rdi=alias(P1:S); 0:rax=instr:"movl $2,%ebx"; }\n P0 | P1 ;\n movq %rax,(%rdi) | S: movl $1,%ebx ;\n | .skip 3,0x90 ;\nexists (1:rbx=1)\n';
const files = {
  'code/MP.litmus': MP,
  [path]: readFileSync(path),
  'tests/SB.litmus': SB,
  'tests/more/arm.litmus': 'AArch64 A\n{}\nP0;\nNOP;\n',
  'tests/README': 'no test',
  'bare/README': 'no test',
  'known/oracle.json': JSON.stringify({
    tests: [{ file: 'a/SB.litmus', herd_seconds: 0.06 }, { file: 'a/none.litmus', herd_seconds: 0.01 }, { file: 'b' }],
  }),
  'known/tests/a/SB.litmus': SB,
  'known/tests/SB2.litmus': SB,
  'known/more/oracle.json': 'another oracle',
};

async function run(line: string) {
  const { exit, stdout, stderr } = await textpoke(line.split(' '), { files });
  return { exit, stdout: stdout(), stderr: stderr() };
}

test('a test prints its states and the line that scripts look at', async () => {
  const { exit, stdout } = await run('litmus tests/SB.litmus');
  expect(exit).toBe(0);
  expect(stdout).toContain('States 4\n0:rax=0; 1:rax=0;\n');
  expect(stdout).toContain('\nObservation SB Sometimes 1 3\n');
  expect((await run('litmus tests/SB.litmus --memory sc')).stdout).toContain('Observation SB Never 0 3');
});

test('a folder stands for its tests; one that cannot run is told, and the others run', async () => {
  const { exit, stdout } = await run('litmus tests');
  expect(exit).toBe(129);
  expect(stdout).toContain('Test SB Allowed');
  expect(stdout).toContain('Test tests/more/arm.litmus not run: a litmus test for AArch64, not for x86');
});

test('of several tests what they cost is told to people, next to herd7 where that is known', async () => {
  const { stdout, stderr } = await run('litmus known');
  expect(stdout).not.toContain('CPU');
  // The clock of the test stands still.
  expect(stderr).toContain('CPU time  0.00 s for 2 tests: mean 0.0 ms, median 0.0 ms\n');
  expect(stderr).toContain('known/tests/a/SB.litmus 0.0 ms (herd7 60.0 ms)');
  expect((await run('litmus known --quiet')).stderr).toBe('');
  expect((await run('litmus tests/SB.litmus')).stderr).toBe('');
});

test('as events', async () => {
  const { stdout } = await run('litmus tests/SB.litmus --json');
  expect(JSON.parse(stdout)).toMatchObject({
    type: 'litmus',
    test: 'SB',
    observation: 'Sometimes',
    positive: 1,
    negative: 3,
    complete: true,
  });
});

test('a test that writes code runs under every policy, or under the one that is asked for', async () => {
  const { exit, stdout } = await run('litmus code/MP.litmus');
  expect([exit, stdout.match(/^Observation MP@\S+ Sometimes 1 1/gm)]).toEqual([0, expect.objectContaining({ length: 5 })]);
  expect((await run('litmus code/MP.litmus --fetch strict')).stdout).toContain('\nFlag code-race\n');
  const events = (await run('litmus code/MP.litmus --json')).stdout.trim().split('\n');
  expect(events.map((line) => JSON.parse(line)).map(({ fetch, codeRace }) => [fetch, codeRace])).toEqual([
    ['coherent', false],
    ['zen3', false],
    ['amd-apm', false],
    ['intel-sdm', true],
    ['strict', true],
  ]);
});

test('a search that its budget ends is not an answer', async () => {
  const { exit, stdout } = await run('litmus tests/SB.litmus --max-steps 3');
  expect([exit, stdout]).toEqual([125, expect.stringContaining('Incomplete: step budget of 3 spent')]);
});

test.each([
  ['litmus bare', 'there is no litmus test in bare'],
  ['litmus nothing', 'no such file'],
  ['litmus tests/more/arm.litmus', 'for AArch64'],
])('%s is refused', async (line, message) => {
  const { exit, stderr } = await run(line);
  expect(exit).toBeGreaterThan(125);
  expect(stderr).toContain(message);
});
