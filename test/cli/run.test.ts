import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { smallElf, withField } from '../image/small-elf.ts';
import { textpoke, type World } from './recording-io.ts';

const fixtures = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'fixtures/run');
const fixture = (name: string): Uint8Array => readFileSync(join(fixtures, `${name}.elf`));
const files = Object.fromEntries(
  ['hello', 'counter', 'fault', 'loop', 'selfmod', 'avx512', 'numbers'].map((name) => [`${name}.elf`, fixture(name)]),
);

/** `textpoke run` with these arguments: exit code and what was written. */
async function run(line: string, world: World = {}) {
  const { exit, stdout, stderr } = await textpoke(['run', ...line.split(' ')], { files, ...world });
  return { exit, stdout: stdout(), stderr: stderr() };
}

/** The events of a run with `--json`. */
async function events(line: string, world: World = {}) {
  const { exit, stdout } = await run(`${line} --json`, world);
  return {
    exit,
    list: stdout
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text) as Record<string, unknown>),
  };
}

describe.each(['interpreter', 'reference'])('programs under the %s', (engine) => {
  test('serial output and how each core ended', async () => {
    const { exit, stdout, stderr } = await run(`hello.elf --cores 2 --engine ${engine}`);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^hello from core 0\nhello from core 1\ncore 0: exit 0, \d+ instructions\ncore 1: exit 0, \d+ instructions\n$/);
    expect(exit).toBe(0);
  });

  test('cores share memory, locked', async () => {
    const { exit, stdout } = await run(`counter.elf --cores 4 --quiet --engine ${engine}`);
    expect([exit, stdout]).toEqual([0, 'sum 4000\n']);
  });

  test('code that rewrites itself', async () => {
    expect((await run(`selfmod.elf --quiet --engine ${engine}`)).stdout).toBe('before: 1\nafter: 2\n');
  });

  test('a jump into unmapped memory', async () => {
    const { exit, stdout } = await run(`fault.elf --engine ${engine}`);
    expect(exit).toBe(1);
    expect(stdout).toMatch(
      /^core 0: #PF at 0x7ffffffff000, cr2 0x7ffffffff000 \(instruction fetch, page not present\), \d+ instructions\n {3}return address on its stack: main\+0x[0-9a-f]+ \(0x[0-9a-f]+\) fixtures\/run\/fault\.c:8\n$/,
    );
  });

  test('an instruction of a feature that is not there', async () => {
    const { exit, stdout, stderr } = await run(`avx512.elf --engine ${engine}`);
    expect([exit, stderr]).toEqual([1, '']);
    expect(stdout).toMatch(
      /^core 0: #UD at main \(0x[0-9a-f]+\) fixtures\/run\/avx512\.c:8: 62 f1 7c 48 58 c1 \(vaddps\) needs AVX512F, which CPUID does not report, 1 instruction\n/,
    );
  });

  test('floating point of ordinary compiled code', async () => {
    const { exit, stdout } = await run(`numbers.elf --quiet --engine ${engine}`);
    // As the same source says when it is compiled for the host.
    expect(stdout).toBe('sqrt(2) * 10^15 1414213562373095\ne * 10^18 2718281828459045235\ndot product 5208332\nbelow 44\n');
    expect(exit).toBe(0);
  });
});

describe('budgets', () => {
  test('a guest that loops for ever spends the default budget', async () => {
    const { exit, stdout, stderr } = await run('loop.elf');
    expect(exit).toBe(125);
    expect(stdout).toMatch(/^core 0: still running at main.* fixtures\/run\/loop\.c:8, 100 000 000 instructions\n$/);
    expect(stderr).toMatch(
      /^error: 100 000 000 instructions are spent with 1 of 1 core still running {3}\[E_BUDGET\]\n {3}core 0 at main .*loop\.c:8\n {3}hint: give more with --max-steps/,
    );
  });

  test('exactly so many instructions, also when other cores have ended', async () => {
    const { exit, list } = await events('loop.elf --cores 3 --max-steps 2_500');
    expect(exit).toBe(125);
    expect(list.filter((e) => e.type === 'core').map((e) => [e.core, e.how, e.instructions])).toEqual([
      [0, 'running', 1000],
      [1, 'running', 1000],
      [2, 'running', 500],
    ]);
    expect(list.find((e) => e.type === 'end')).toMatchObject({ cause: 'budget', instructions: 2500, exit: 125 });
    expect(list.at(-1)).toMatchObject({ type: 'error', code: 'E_BUDGET', exit: 125 });
  });

  test('a program that ends with its last step has ended', async () => {
    const { list } = await events('hello.elf');
    const { instructions } = list.find((e) => e.type === 'end') as { instructions: number };
    expect((await run(`hello.elf --max-steps ${instructions}`)).exit).toBe(0);
    expect((await run(`hello.elf --max-steps ${instructions - 1}`)).exit).toBe(125);
  });

  test('time, and ^C', async () => {
    let clock = 0;
    const late = await run('loop.elf --max-seconds 2', { now: () => (clock += 500) });
    expect(late.exit).toBe(125);
    expect(late.stderr).toMatch(/^error: 2 seconds are spent with 1 of 1 core still running/);
    let asked = 0;
    const stopped = await run('loop.elf', { interrupted: () => asked++ > 2 });
    expect(stopped.exit).toBe(130);
    expect(stopped.stdout).toMatch(/^core 0: still running/);
  });

  test('a ^C that comes while it runs is heard, because it listens now and then', async () => {
    let clock = 0;
    let came = false;
    const world = {
      now: () => (clock += 1),
      listen: async () => {
        came = true;
      },
      interrupted: () => came,
    };
    expect((await run('loop.elf', world)).exit).toBe(130);
    expect(clock).toBeGreaterThan(50);
  });
});

describe('flat binaries', () => {
  // mov $9, %al; out %al, $0xf4
  const code = Uint8Array.of(0xb0, 9, 0xe6, 0xf4);
  const world = { files: { 'code.bin': code, code, 'two.bin': Uint8Array.of(0xf4, ...code) } };

  test('by name or by --base, with an entry behind the base', async () => {
    expect((await run('code.bin', world)).stdout).toBe('core 0: exit 9, 2 instructions\n');
    expect(await run('code --base 400000', world)).toMatchObject({ exit: 1, stdout: 'core 0: exit 9, 2 instructions\n' });
    expect((await run('two.bin --base 0x400000', world)).stdout).toBe('core 0: halted, 1 instruction\n');
    expect((await run('two.bin --base 0x400000 --entry 0x400001', world)).stdout).toBe('core 0: exit 9, 2 instructions\n');
  });

  test.each([
    ['code', 128, 'E_ELF', '--base 0x100000'],
    ['code --base 0x400000 --entry 0x500000', 128, 'E_IMAGE', 'the entry defaults to the base'],
    ['code --base 0x400000 --entry main', 128, 'E_IMAGE', 'use an address'],
    ['code --base 0x4000000', 128, 'E_IMAGE', '--max-memory'],
    ['code --base 0x3fff000', 128, 'E_IMAGE', 'overlaps the stacks'],
    ['code --base zebra', 129, 'E_USAGE', 'hexadecimal'],
  ])('%s', async (line, exit, code, text) => {
    const found = await run(line, world);
    expect(found.exit).toBe(exit);
    expect(found.stderr).toContain(`[${code}]`);
    expect(found.stderr).toContain(text);
  });
});

describe('entries', () => {
  test('a symbol or an address', async () => {
    // main returns to nothing when it is entered directly: what is on top of the stack is zero.
    expect((await run('hello.elf --entry main')).stdout).toMatch(
      /^hello from core 0\ncore 0: #PF at 0x0, cr2 0x0 \(instruction fetch, page not present\)/,
    );
    expect((await run('hello.elf --entry 0x400000')).exit).toBe(0);
    expect((await run('hello.elf --entry _start')).exit).toBe(0);
  });

  test.each([
    ['mian', "there is no symbol 'mian'", 'did you mean main?'],
    ['0x90000000', 'the entry 0x90000000 is not in executable memory', 'its code is at 0x400000'],
    ['serial_lock', 'is not in executable memory', 'its code is at 0x400000'],
  ])('%s', async (entry, message, hint) => {
    const { exit, stderr } = await run(`hello.elf --entry ${entry}`);
    expect(exit).toBe(128);
    expect(stderr).toContain(message);
    expect(stderr).toContain('[E_IMAGE]');
    expect(stderr).toContain(`hint: ${hint}`);
  });
});

describe('bad images', () => {
  const far = { address: 0x401000n, physical: 0x8000000n, bytes: [0xf4] };
  const images: Record<string, Uint8Array> = {
    'empty.elf': new Uint8Array(0),
    'three.elf': Uint8Array.of(0x7f, 0x45, 0x4c),
    'short.img': new Uint8Array(300),
    'cut.elf': fixture('hello').slice(0, 5000),
    'header.elf': fixture('hello').slice(0, 40),
    'text.elf': new TextEncoder().encode('int main(void) { return 0; }'),
    'bits32.elf': withField(fixture('hello'), 4, 1, 1n),
    'arm.elf': withField(fixture('hello'), 18, 2, 183n),
    'entry.elf': smallElf({ entry: 0x900000n }),
    'data-entry.elf': smallElf({ loads: [{ address: 0x401000n, bytes: [0xf4], flags: 6 }] }),
    'far.elf': smallElf({ loads: [far] }),
    'skew.elf': smallElf({ loads: [{ address: 0x401000n, physical: 0x402010n, bytes: [0xf4] }] }),
    'stack.elf': smallElf({ loads: [{ address: 0x401000n, bytes: [0xf4], memorySize: 0x3bfe000n }] }),
    'alias.elf': smallElf({
      loads: [
        { address: 0x401000n, bytes: [0xf4] },
        { address: 0x3ff0000n, physical: 0x500000n, bytes: [1], flags: 6 },
      ],
    }),
    'page.elf': smallElf({
      loads: [
        { address: 0x401000n, bytes: [0xf4] },
        { address: 0x401800n, physical: 0x500800n, bytes: [1], flags: 6 },
      ],
    }),
    'huge.elf': smallElf({ loads: [{ address: 0x401000n, bytes: [0xf4], memorySize: 1n << 40n }] }),
  };

  test.each([
    ['empty.elf', 'E_ELF', 'the file is empty'],
    ['three.elf', 'E_ELF', 'not an ELF file'],
    ['header.elf', 'E_ELF', 'cut short'],
    ['cut.elf', 'E_ELF', 'cut short'],
    ['text.elf', 'E_ELF', 'not an ELF file'],
    ['short.img', 'E_ELF', '55 aa at the end of its first 512 bytes'],
    ['bits32.elf', 'E_ELF', 'x32 ABI'],
    ['arm.elf', 'E_ELF', 'x86-64'],
    ['entry.elf', 'E_ELF', 'entry 0x900000 is outside every loaded segment'],
    ['data-entry.elf', 'E_ELF', 'not executable'],
    ['far.elf', 'E_IMAGE', 'a segment needs physical memory up to 0x8000001, and RAM ends at 0x4000000'],
    ['skew.elf', 'E_IMAGE', 'the same offset in their page'],
    ['stack.elf', 'E_IMAGE', 'overlaps the stacks and tables'],
    ['alias.elf', 'E_IMAGE', 'overlaps the stacks and tables'],
    ['page.elf', 'E_IMAGE', 'two segments want the page at 0x401000'],
    ['huge.elf', 'E_ELF', '1 GiB'],
    ['none.elf', 'E_FILE', 'no such file'],
  ])('%s', async (name, code, text) => {
    const { exit, stdout, stderr } = await run(name, { files: images });
    expect([exit, stdout]).toEqual([128, '']);
    expect(stderr).toContain(`[${code}]`);
    expect(stderr).toContain(text);
    // What, where and what next. A test's own file system gives no hint.
    if (name !== 'none.elf') expect(stderr.split('\n')).toHaveLength(4);
  });

  test('more RAM makes room', async () => {
    expect((await run('far.elf --max-memory 200M', { files: images })).exit).toBe(0);
    expect((await run('stack.elf --max-memory 66M', { files: images })).exit).toBe(0);
  });

  test('every damaged header field is an error or a run, never a crash', async () => {
    const good = smallElf({ loads: [{ address: 0x401000n, bytes: [0xf4] }] });
    for (let offset = 0; offset < 64 + 56; offset++) {
      for (const value of [0n, 0x7fn, 0xffn]) {
        const { exit, stderr } = await run('x.elf --max-steps 100', { files: { 'x.elf': withField(good, offset, 1, value) } });
        expect([0, 1, 125, 128]).toContain(exit);
        expect(stderr).not.toContain('E_INTERNAL');
      }
    }
  });
});

describe('flags', () => {
  test.each([
    ['--cores 0', '--cores wants a whole number from 1'],
    ['--cores x', "not 'x'"],
    ['--cores 16', 'at most 15 cores'],
    ['--max-steps 0', '--max-steps wants a whole number of at least 1'],
    ['--max-seconds 0', 'greater than 0'],
    ['--max-memory 0', 'greater than 0'],
    ['--max-memory 1G', 'at most 256 MiB'],
    ['--max-memory 64K', 'cannot hold the stacks'],
    ['--fetch zen3', "'run' has no flag '--fetch'"],
    ['--memory tso', "'run' has no flag '--memory'"],
    ['--engine refrence', 'did you mean reference?'],
    ['--seed 2', "'run' has no flag '--seed'"],
    ['--base 0x1000', 'an ELF file says itself'],
    ['--core 2', 'did you mean --cores?'],
  ])('%s', async (flags, text) => {
    const { exit, stdout, stderr } = await run(`hello.elf ${flags}`);
    expect([exit, stdout]).toEqual([129, '']);
    expect(stderr).toContain('[E_USAGE]');
    expect(stderr).toContain(text);
  });

  test('as many cores as a machine has', async () => {
    expect((await run('hello.elf --cores 15')).exit).toBe(0);
  });

  test('no file', async () => {
    expect((await textpoke(['run'])).exit).toBe(129);
  });
});

describe('events', () => {
  test('serial text by its core, cores, end', async () => {
    const { exit, list } = await events('hello.elf --cores 2');
    expect(exit).toBe(0);
    expect(list.map((e) => e.type)).toEqual(['serial', 'serial', 'core', 'core', 'end']);
    expect(list[1]).toEqual({ v: 1, type: 'serial', core: 1, text: 'hello from core 1\n' });
    expect(list[2]).toMatchObject({ core: 0, how: 'exited', code: 0, text: 'exit 0' });
    expect(list[4]).toMatchObject({ cause: 'ended', exit: 0 });
  });

  test('an exception with its parts', async () => {
    const { list } = await events('fault.elf');
    expect(list[0]).toMatchObject({ how: 'exception', vector: 14, errorCode: '0x10', rip: '0x7ffffffff000', cr2: '0x7ffffffff000' });
  });
});
