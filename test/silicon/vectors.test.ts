import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { TextpokeError } from '../../src/error.ts';
import { RegionTarget } from '../../tools/silicon/region-target.ts';
import { runVectors } from '../../tools/silicon/run.ts';
import { TARGETS } from '../../tools/silicon/targets.ts';
import { VectorDirectory } from '../../tools/silicon/vectors.ts';

const folder = mkdtempSync(join(tmpdir(), 'textpoke-test-vectors-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const backgrounds = readFileSync('fixtures/silicon/bg.json');

let made = 0;
/** A directory of these files; register files are those of the fixtures unless something else is said. */
function directory(files: Readonly<Record<string, string | Uint8Array>>): VectorDirectory {
  const path = mkdtempSync(join(folder, `${made++}-`));
  for (const [name, contents] of Object.entries({ 'bg.json': backgrounds, ...files })) writeFileSync(join(path, name), contents);
  return new VectorDirectory(path);
}

function errorOf(work: () => unknown): TextpokeError {
  try {
    work();
  } catch (error) {
    if (error instanceof TextpokeError) return error;
    throw error;
  }
  return expect.unreachable('it was read');
}

/** ADD EAX, EBX. */
const ADD = {
  id: 'mine/1',
  b: '01d8',
  ip: '20000000',
  g: 0,
  in: { rax: '1', rbx: '2', fl: '202' },
  out: { rax: '3', rip: '20000002', fl: '206' },
};
/** INC EAX of 32-bit code. */
const INC = {
  id: 'mine/2',
  b: '40',
  s: '23.2b.2b.2b.0.0',
  ip: '20000000',
  g: 1,
  in: { rax: '7' },
  out: { rax: '8', rip: '20000001' },
  uf: 'fff',
};

describe('vectors that somebody has written', () => {
  test.each(['mine.jsonl', 'mine.jsonl.gz'])('are read and run on every engine: %s', (name) => {
    const text = `${JSON.stringify(ADD)}\n\n${JSON.stringify(INC)}\n`;
    const vectors = directory({ [name]: name.endsWith('.gz') ? gzipSync(text) : text });
    expect(vectors.classes).toEqual(['mine']);
    for (const create of Object.values(TARGETS)) expect(runVectors(create(), vectors.read('mine'))).toMatchObject({ total: 2, passed: 2 });
    expect(vectors.read('mine', 'mine/2').map((v) => v.id)).toEqual(['mine/2']);
  });

  test('what regions do not take is named as the code that it is', () => {
    const target = new RegionTarget();
    runVectors(target, directory({ 'mine.jsonl': `${JSON.stringify(ADD)}\n${JSON.stringify(INC)}` }).read('mine'));
    expect(target.summary()).toBe('1 of 2 ran in a region; the interpreter ran inc 1');
  });

  test('one that is wrong fails, and says how', () => {
    const wrong = { ...ADD, out: { ...ADD.out, rax: '4' } };
    const { failures } = runVectors(TARGETS.interpreter!(), directory({ 'mine.jsonl': JSON.stringify(wrong) }).read('mine'));
    expect(failures.flatMap((f) => f.differences)).toEqual([{ what: 'rax', expected: '4', got: '3' }]);
  });

  test.each([
    ['garbage', 'the line is no JSON'],
    ['[]', 'the line is no JSON object'],
    [{ id: 'x' }, 'b is nothing: it must be the bytes of an instruction in hexadecimal'],
    [{ ...ADD, b: '01d' }, 'b is "01d"'],
    [{ ...ADD, ip: '0x20000000' }, 'ip is "0x20000000": it must be an address in hexadecimal'],
    [{ ...ADD, g: 32 }, 'g is 32: it must be the number of a register file of bg.json, less than 32'],
    [{ ...ADD, s: '23.2b' }, 's is "23.2b"'],
    [{ ...ADD, in: { raxx: '1' } }, "there is no register 'raxx' (in)"],
    [{ ...ADD, out: { rax: 3 } }, 'out.rax is 3: it must be a number in hexadecimal'],
    [{ ...ADD, in: { y0: '00' } }, 'in.y0 is "00": it must be 32 bytes in hexadecimal'],
    [{ ...ADD, m: [['10000000', 'f']] }, 'm is [["10000000","f"]]'],
    [{ ...ADD, x: { v: 14 } }, 'x is {"v":14}'],
    [{ ...ADD, steps: -1 }, 'steps is -1'],
    [{ ...ADD, flags: '1' }, "there is no key 'flags'"],
  ])('a record that cannot be is refused with its line: %s', (record, message) => {
    const line = typeof record === 'string' ? record : JSON.stringify(record);
    const vectors = directory({ 'mine.jsonl': `${JSON.stringify(ADD)}\n${line}\n` });
    const error = errorOf(() => vectors.read('mine'));
    expect(error).toMatchObject({ code: 'E_FILE', exitCode: 128, message: expect.stringContaining(message) });
    expect(error.where).toMatch(/mine\.jsonl:2$/);
    expect(error.hint).toContain('fixtures/silicon/README.md');
  });

  test('a file that is none and register files that are none are refused', () => {
    expect(errorOf(() => directory({ 'mine.jsonl.gz': 'garbage' }).read('mine'))).toMatchObject({ code: 'E_FILE', exitCode: 128 });
    expect(errorOf(() => directory({ 'mine.jsonl': '', 'bg.json': '{' })).message).toBe('bg.json is no JSON');
    expect(errorOf(() => directory({ 'mine.jsonl': '', 'bg.json': '[{}]' })).message).toMatch(/^bg\.json has no register files/);
    const file = join(folder, 'alone.jsonl');
    writeFileSync(file, '');
    expect(errorOf(() => new VectorDirectory(file))).toMatchObject({ code: 'E_USAGE', hint: expect.stringMatching(/name the directory/) });
    expect(errorOf(() => new VectorDirectory(mkdtempSync(join(folder, 'empty-')))).message).toMatch(/no vector files/);
  });
});
