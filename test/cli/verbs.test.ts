import { describe, expect, test } from 'vitest';
import { textpoke } from './recording-io.ts';

describe('dis', () => {
  test('one line for each instruction, branches with their address', async () => {
    const { exit, stdout } = await textpoke(['dis', '0f1f440000', 'e8 fb 00 00 00', '0xcc', '--address', '0x401130']);
    expect(exit).toBe(0);
    expect(stdout().split('\n')).toEqual([
      '  401130:  0f 1f 44 00 00                  nopl (%rax,%rax)',
      '  401135:  e8 fb 00 00 00                  call 0x401235',
      '  40113a:  cc                              int3',
      '',
    ]);
  });

  test('what is no instruction is said, and decoding goes on', async () => {
    const { exit, stdout } = await textpoke(['dis', '06', '90', 'e8 01'], {});
    expect(exit).toBe(0);
    expect(stdout()).toMatch(/06 +\(bad\)\n.*90 +nop\n.*e8 01 +\(ends inside an instruction\)\n$/);
  });

  test('syntax, standard input, events', async () => {
    expect((await textpoke(['dis', '--syntax', 'intel'], { stdin: '48 8b 05 10 00 00 00\n' })).stdout()).toContain('mov rax, [rip+0x10]');
    const { stdout } = await textpoke(['dis', 'e8fbffffff', '--address', 'ffffffff81000000', '--json']);
    expect(JSON.parse(stdout())).toEqual({
      v: 1,
      type: 'instruction',
      address: '0xffffffff81000000',
      bytes: 'e8fbffffff',
      text: 'call 0xffffffff81000000',
      valid: true,
    });
  });

  test.each([
    ['0f 1', '3 hex digits are not a whole number of bytes'],
    ['0f xy', "'x' is not a hex digit"],
    [' ', 'no bytes to disassemble'],
  ])("'%s' is refused", async (hex, message) => {
    const { exit, stderr } = await textpoke(['dis', hex]);
    expect(exit).toBe(129);
    expect(stderr()).toContain(message);
  });
});

describe('asm', () => {
  test('prints the bytes of each line', async () => {
    const { exit, stdout, stderr } = await textpoke(['asm', 'call 0x401200', 'nopl 8(%rax)', 'int3', '--address', '0x401130']);
    expect(stderr()).toBe('');
    expect(exit).toBe(0);
    expect(stdout()).toMatch(
      /^ {2}401130: {2}e8 cb 00 00 00 +call 0x401200\n {2}401135: {2}0f 1f 40 08 +nopl 8\(%rax\)\n {2}401139: {2}cc +int3\n$/,
    );
  });

  test('takes a file and says where an error is', async () => {
    const files = { 'a.s': 'nop\nfrob %rax\n' };
    const { exit, stderr } = await textpoke(['asm', '--file', 'a.s'], { files });
    expect(exit).toBe(128);
    expect(stderr()).toMatch(/\[E_ASM\]\n {3}a\.s:2:/);
    expect((await textpoke(['asm', '--file', 'none.s'])).exit).toBe(128);
  });

  test('nothing, or two sources, is wrong usage', async () => {
    expect((await textpoke(['asm'])).stderr()).toContain('nothing to assemble');
    expect((await textpoke(['asm', 'nop', '--file', 'a.s'])).exit).toBe(129);
    const other = await textpoke(['asm', 'nop', '--bits', '16']);
    expect([other.exit, other.stderr()]).toEqual([129, expect.stringMatching(/asm makes 64-bit code alone.*\n.*--bits 16\n.*\.code16/)]);
    expect((await textpoke(['asm', '.code32', 'nop'])).stderr()).toMatch(/64-bit code alone[^\n]*\n[^\n]*1:1\n[^\n]*GNU as/);
    expect((await textpoke(['asm', 'nop', '--bits', '64'])).exit).toBe(0);
  });
});

describe('cc', () => {
  test.each([
    [['my.c', '-o', 'my.elf'], 128, 'gcc cannot be started', 'install gcc and binutils'],
    [['my.o', '-o', 'my.elf'], 129, "'my.o' is no .c, .S or .lds", 'textpoke cc my.c'],
    [['my.lds', '-o', 'my.elf'], 129, 'it takes sources', 'textpoke cc my.c'],
    [['my.c'], 129, "required option '-o, --output <FILE>' not specified", 'textpoke cc --help'],
  ])('%j without a compiler', async (args, code, what, next) => {
    const { exit, stdout, stderr } = await textpoke(['cc', ...args]);
    expect([exit, stdout()]).toEqual([code, '']);
    expect(stderr()).toContain(what);
    expect(stderr()).toContain(next);
  });
});

describe('doctor', () => {
  test('--isa says which instructions run', async () => {
    const text = await textpoke(['doctor', '--isa']);
    expect(text.exit).toBe(0);
    expect(text.stdout()).toMatch(/^AVX2 +\d+ +\d+ +\d+/m);
    const json = await textpoke(['doctor', '--isa', '--json']);
    const line = json
      .stdout()
      .split('\n')
      .find((one) => one.includes('"mnemonic":"vzeroupper"'));
    expect(JSON.parse(line ?? '')).toEqual({
      v: 1,
      type: 'instruction',
      mnemonic: 'vzeroupper',
      features: 'AVX',
      baseline: true,
      encodings: 1,
      run: 1,
      regions: 1,
    });
  });

  test('says what is there and what is lost without it', async () => {
    const bare = await textpoke(['doctor']);
    expect(bare.exit).toBe(0);
    expect(bare.stdout()).toMatch(/^ok +iced-x86 /m);
    expect(bare.stdout()).toMatch(/^absent +gcc +fixtures cannot be rebuilt$/m);
    const full = await textpoke(['doctor', '--json'], {
      programs: { gcc: 'gcc (Some) 12.2.0\nmore\n', '/sbin/ldconfig': ' libunicorn.so.2 (x)' },
    });
    const checks = full
      .stdout()
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect(checks).toContainEqual({ v: 1, type: 'check', name: 'gcc', present: true, needed: false, detail: 'gcc (Some) 12.2.0' });
    expect(checks).toContainEqual({ v: 1, type: 'check', name: 'libunicorn', present: true, needed: false, detail: 'libunicorn.so.2' });
  });
});
