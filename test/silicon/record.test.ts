import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code, Decoder } from 'iced-x86';
import { afterAll, describe, expect, test } from 'vitest';
import { coverage } from '../../src/cli/isa-coverage.ts';
import { encode, rows } from '../../src/isa/encodings.ts';
import { root } from '../../tools/build-fixtures.ts';
import { classOf, whyLeftOut } from '../../tools/record-silicon/classes.ts';
import { whyNotHere } from '../../tools/record-silicon/harness.ts';
import { chance } from '../../tools/record-silicon/values.ts';
import { runVectors } from '../../tools/silicon/run.ts';
import { TARGETS } from '../../tools/silicon/targets.ts';
import { VectorDirectory } from '../../tools/silicon/vectors.ts';

const folder = mkdtempSync(join(tmpdir(), 'textpoke-test-record-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const choices = (seed: number) => {
  const random = chance(seed);
  const memory = () => ({ base: random(16), index: random(4), scale: 2, displacement: random(999) }) as const;
  return { random, register: () => random(16), inMemory: () => random(2) === 0, memory };
};

describe('encodings', () => {
  test('bytes are of the row that they were made for', () => {
    const free = choices(1);
    let spelt = 0;
    for (const row of rows()) {
      const bytes = encode(row, free);
      if (bytes === undefined) continue;
      spelt++;
      const decoder = new Decoder(64, bytes, 0);
      const iced = decoder.decode();
      expect([iced.code, iced.length], Code[row.code]).toEqual([row.code, bytes.length]);
      iced.free();
      decoder.free();
    }
    expect(spelt).toBeGreaterThan(2000);
  });

  test('nothing is recorded that asks the kernel or is of the thread that records', () => {
    const recorded = rows().filter((row) => classOf(row, Code[row.code]!) !== undefined);
    expect(recorded.length).toBeGreaterThan(1500);
    const dangerous = /^(syscall|sysenter|int\d?|into|iret.|retf.?|wr[fg]sbase|l[defgs]s|lss|s[gi]dt)$/;
    expect(recorded.map((row) => row.mnemonic).filter((name) => dangerous.test(name))).toEqual([]);
    expect(recorded.filter((row) => row.privileged !== (classOf(row, Code[row.code]!) === 'priv'))).toEqual([]);
    expect(recorded.map((row) => Code[row.code]!).filter((name) => /far|^Mov_Sreg|^Pop[wq]_[FG]S/i.test(name))).toEqual([]);
  });

  test('every encoding that runs is recorded, or there is a reason', () => {
    const bySpelling = new Map(rows().map((row) => [Code[row.code]!, row]));
    const run = coverage()
      .filter((entry) => entry.run > 0)
      .flatMap(({ codes }) => codes);
    const open = run.filter((code) => {
      const row = bySpelling.get(code)!;
      return classOf(row, code) === undefined && whyLeftOut(row, code) === undefined;
    });
    expect(open).toEqual([]);
    expect(run.length).toBeGreaterThan(2000);
  });
});

test.skipIf(whyNotHere() !== undefined)('what this CPU does is recorded, and judged', () => {
  const args = ['tsx', 'tools/record-silicon/main.ts', '--out', folder, '--class', 'bitcond', 'muldiv', '--count', '60'];
  const done = spawnSync('npx', args, { cwd: root, encoding: 'utf8' });
  expect(done.stdout + done.stderr).toMatch(/bitcond +\d+ recorded/);
  expect(done.status).toBe(0);
  const vectors = new VectorDirectory(folder);
  expect(vectors.classes).toEqual(['bitcond', 'muldiv']);
  for (const name of vectors.classes) {
    const records = vectors.read(name);
    expect(records.length).toBeGreaterThan(40);
    const result = runVectors(TARGETS.interpreter!(), records);
    expect(result.failures.map((f) => [f.vector.id, f.differences])).toEqual([]);
    expect(result.passed).toBe(records.length);
  }
});
