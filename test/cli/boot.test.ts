import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../../tools/bootstrap.mjs';
import { textpoke } from './recording-io.ts';

const fixture = (name: string): Uint8Array => readFileSync(join(root, 'fixtures', name));

/** A sector of code: in hexadecimal, at 7c00h. */
function sector(code: string, signed = true): Uint8Array {
  const bytes = new Uint8Array(512);
  bytes.set(code.split(' ').map((byte) => Number.parseInt(byte, 16)));
  if (signed) bytes.set([0x55, 0xaa], 510);
  return bytes;
}

// mov ax, b800h; mov ds, ax; mov byte [160], 'h'; mov byte [162], 'i'; hlt
const DRAWS = 'fa b8 00 b8 8e d8 c6 06 a0 00 68 c6 06 a2 00 69 f4';

const files = {
  'disk.img': sector(DRAWS),
  'plain.img': sector(DRAWS, false),
  'hello.elf': fixture('run/hello.elf'),
  'kernel.elf': fixture('boot/multiboot1.elf'),
  'modes.elf': fixture('boot/modes.elf'),
};

async function run(line: string) {
  const { exit, stdout, stderr } = await textpoke(['run', ...line.split(' ')], { files });
  return { exit, stdout: stdout(), stderr: stderr() };
}

describe('textpoke run of what boots', () => {
  test('shows the screen where that is asked', async () => {
    const { exit, stdout } = await run('disk.img --screen');
    expect(stdout).toBe('| \n| hi\ncore 0: halted, 6 instructions\n');
    expect(exit).toBe(0);
  });

  test('tells events', async () => {
    const { stdout } = await run('disk.img --screen --json --cores 2');
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events).toHaveLength(4);
    expect(events[0]).toMatchObject({ lines: ['', 'hi'] });
    expect(events[2]).toMatchObject({ core: 1, how: 'waiting', text: 'not started: it waits for INIT and a startup IPI' });
  });

  test('a program of 32 bits alone starts as a kernel does', async () => {
    const { exit, stdout } = await run('modes.elf --entry protected');
    // The 32-bit part of the sector loads a segment register, and there is no GDT.
    expect(stdout).toMatch(/^core 0: triple fault at protected\+0x[0-9a-f]+ .* fixtures\/boot\/modes.S:/);
    expect(exit).toBe(1);
  });

  test.each([
    ['plain.img --boot', 128, 'bytes 510 and 511 are not 55 aa'],
    ['plain.img', 128, 'not an ELF file'],
    ['disk.img --entry 0x7c10', 129, 'starts there'],
    ['disk.img --boot --base 0x1000', 129, 'leave --base out'],
    ['hello.elf --command-line x', 129, 'only a multiboot kernel is told a command line'],
    ['disk.img --command-line x', 129, 'only a multiboot kernel is told a command line'],
    ['hello.elf --screen', 129, 'only what boots has a screen'],
    ['kernel.elf --max-memory 1M', 129, 'at least 2 MiB'],
  ])('refuses %s', async (line, exit, message) => {
    const result = await run(line);
    expect(result.stderr).toContain(message);
    expect(result.exit).toBe(exit);
  });
});

test('dis reads code of 16 and 32 bits', async () => {
  const text = async (bits: string): Promise<string> => (await textpoke(['dis', '--bits', bits, 'b8 34 12 00 00 40'], { files })).stdout();
  expect(await text('16')).toContain('mov $0x1234,%ax');
  expect(await text('32')).toMatch(/mov \$0x1234,%eax\n.*inc %eax/);
  expect((await textpoke(['dis', '--bits', '8', '90'], { files })).exit).toBe(129);
});
