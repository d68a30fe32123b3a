import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { imageFromContents } from '../../src/image/boot-image.ts';
import type { Image } from '../../src/image/image.ts';
import { BareMachine, type BareOptions } from '../../src/kernel/bare.ts';
import { endText } from '../../src/kernel/bare-report.ts';
import { type BareResult, runBare } from '../../src/kernel/bare-run.ts';
import type { EngineName } from '../../src/machine/machine.ts';

const ENGINES: readonly EngineName[] = ['reference', 'interpreter', 'region'];

function imageOf(name: string): Image {
  const path = new URL(`../../fixtures/boot/${name}`, import.meta.url);
  return imageFromContents(new Uint8Array(readFileSync(path)), `fixtures/boot/${name}`) as Image;
}

function boot(image: Image, options: Partial<BareOptions> = {}): { serial: string[]; result: BareResult; bare: BareMachine } {
  let text = '';
  const serial = (_: number, byte: number): void => {
    text += String.fromCharCode(byte);
  };
  const bare = new BareMachine(image, { cores: 1, ramBytes: 16 << 20, serial, ...options });
  const result = runBare(bare, { maxInstructions: 2_000_000 });
  return { serial: text.trimEnd().split('\n'), result, bare };
}

const endsOf = ({ bare, result }: ReturnType<typeof boot>): string[] => result.cores.map(({ end }) => endText(bare.image, end));

/** What a guest writes. QEMU 7.2 with SeaBIOS, and with GRUB 2.06 for multiboot 2, gives the same, save for the ends of memory maps and command lines. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  'modes.img': [
    'real mode',
    'protected mode, 32 bits',
    'PAE paging',
    'compatibility mode',
    '64-bit mode 1',
    'compatibility mode',
    'protected mode, 16 bits',
    'real mode',
  ],
  'loader.img': [
    'stage 1',
    'stage 2',
    'kernel: 32 bits',
    'memory from 1 MiB on',
    'paging',
    '#PF at demand, supervisor write, not present',
    '42 was stored',
    '#BP',
    '3 interrupts',
    'task: system calls work',
    'polite task ended with 3',
    '#PF at kernel, user read, not permitted',
    'nosy task ended with 14',
    '#GP of a task',
    'bold task ended with 13',
    'done',
  ],
  'services.img': [
    '11 coprocessor 0002 ',
    '12 ok ',
    '13/00 ok 007f ',
    '13/08 ok 003f ',
    '13/15 ok 0003 ',
    '13/41 ok aa55 0001 ',
    '13/42 ok ok ',
    '13/42 beyond the end no ',
    '13/48 ok 0200 ',
    '13/03, 13/02 ok ok 1234 ',
    '13/ee no 0001 ',
    '15/e820 ok 0014 0000 0001 ',
    '15/e801 ok 3c00 ',
    '15/88 ok ok ',
    '15/2401, 15/2402 ok ok 0001 ',
    '15/86 ok ',
    '15/87 ok moved ',
    '15/c9 no ',
    '16/01 ok ',
    '16/02, 16/12 0000 0000 ',
    '1a/00 0000 ',
    '1a/02 ok ',
    '10/0f 5003 ',
    '10/02, 10/03 0305',
  ],
  'multiboot1.elf': [
    'multiboot 0x2badb002',
    'command line: a=1 b',
    'memory 0x0 to 0x9fbff',
    'reserved 0x9fc00 to 0x9ffff',
    'reserved 0xf0000 to 0xfffff',
    'memory 0x100000 to 0x1ffffff',
    '4 MiB pages: 7',
    '#BP',
    '#DE',
    '#UD',
    '#PF at 0x80001234, error code 0',
    'done',
  ],
  'multiboot2.elf': [
    'multiboot 0x36d76289',
    'command line: a=1 b',
    'memory 0x0 to 0x9fbff',
    'reserved 0x9fc00 to 0x9ffff',
    'reserved 0xf0000 to 0xfffff',
    'memory 0x100000 to 0x1ffffff',
    '64 bits: 0x12345678900000',
  ],
};

describe.each(ENGINES)('a PC under %s', (engine) => {
  it.each(Object.keys(EXPECTED))('boots %s', (name) => {
    const run = boot(imageOf(name), { engine, ramBytes: 32 << 20, commandLine: 'a=1 b' });
    // E801 stops at 16 MiB, which 32 MiB are beyond.
    expect(run.serial).toEqual(EXPECTED[name]);
    expect(endsOf(run)).toEqual(['exit 0']);
  });

  it('starts other processors in real mode, which go to 64-bit mode', () => {
    const run = boot(imageOf('smp.img'), { engine, cores: 4 });
    expect(run.serial).toEqual(['processors in 64-bit mode: 3 14']);
    expect(endsOf(run)).toEqual(['exit 0', 'halted', 'halted', 'halted']);
  });
});

describe('a PC', () => {
  it('leaves other processors where nobody starts them', () => {
    expect(endsOf(boot(imageOf('modes.img'), { cores: 2 }))).toEqual(['exit 0', 'not started: it waits for INIT and a startup IPI']);
  });

  /** A boot sector of these bytes. */
  const sector = (code: string, size = 512): Image => {
    const bytes = new Uint8Array(size);
    bytes.set(code.split(' ').map((b) => Number.parseInt(b, 16)));
    bytes.set([0x55, 0xaa], 510);
    return imageFromContents(bytes, 'sector.img') as Image;
  };

  it('starts a boot sector as a BIOS does', () => {
    const { machine } = new BareMachine(sector('f4'), { cores: 1, ramBytes: 4 << 20, serial: () => {} });
    const core = machine.cores[0]!;
    expect([core.linearRip, core.codeSize, core.get('cs'), core.gpr(2), core.rflags]).toEqual([0x7c00n, 16, 0n, 0x80n, 0x202]);
    expect(machine.readPhysical(0x413, 2)).toBe(639n);
  });

  it('takes an image of a floppy disk as one', () => {
    const { machine } = new BareMachine(sector('f4', 1474560), { cores: 1, ramBytes: 4 << 20, serial: () => {} });
    expect(machine.cores[0]!.gpr(2)).toBe(0n);
  });

  it.each([
    ['an exception of real mode that nobody handles', '90 0f 0b', '#UD at 0x7c01'],
    ['a division by zero', '31 c9 f7 f1', '#DE at 0x7c02'],
    ['an access beyond a segment', '66 b8 00 00 01 00 67 8b 00', '#GP at 0x7c06'],
    ['HLT with interrupts off', 'fa f4', 'halted'],
    ['HLT that nothing will ever end', 'f4 eb fd', 'halted'],
    ['a wait for a key', 'b4 00 cd 16', 'halted'],
    ['a reset by the keyboard controller', 'b0 fe e6 64', 'reset'],
    ['a reset by port CF9h', 'ba f9 0c b0 06 ee', 'reset'],
    [
      'a triple fault',
      'fa 0f 01 1e 40 7c 0f 20 c0 0c 01 0f 22 c0 0f 0b',
      'triple fault at 0x7c0e: fault 13 during the delivery of a double fault',
    ],
  ])('ends with %s', (_name, code, text) => {
    expect(endsOf(boot(sector(code)))).toEqual([text]);
  });

  it('lets INT n of a vector that faults have be a call', () => {
    // int 6 returns: ah=0e, al='x', int 10h
    expect(boot(sector('cd 06 b8 78 0e cd 10 fa f4')).serial).toEqual(['x']);
  });

  it('interrupts by its timer once that is programmed', () => {
    // cli; int 8's vector = 7c20; sti; PIT counter 0 to mode 2, 1000; hlt; hlt; write [500]; cli; hlt
    const code =
      'fa c7 06 20 00 24 7c c7 06 22 00 00 00 b0 34 e6 43 b0 e8 e6 40 b0 03 e6 40 fb f4 f4 a0 00 05 e6 f4 90 90 90 ' +
      // inc byte [500]; out 20h, 20h; iret
      'fe 06 00 05 b0 20 e6 20 cf';
    const run = boot(sector(code));
    expect(endsOf(run)).toEqual(['exit 2']);
    expect(run.bare.machine.ticks).toBeGreaterThan(16_000n);
  });

  it('refuses an image that does not fit', () => {
    const options = { cores: 1, ramBytes: 1 << 20, serial: () => {} };
    expect(() => new BareMachine(sector('f4'), options)).toThrow(/at least 2 MiB/);
    expect(() => new BareMachine(imageOf('multiboot1.elf'), { ...options, ramBytes: 2 << 20, commandLine: 'x'.repeat(8000) })).toThrow(
      /command line is too long/,
    );
  });

  it('goes back to a place of its run with its devices', () => {
    const image = imageOf('services.img');
    const text: string[] = [];
    const bare = new BareMachine(image, {
      cores: 1,
      ramBytes: 16 << 20,
      serial: (_, byte, index) => {
        text[index] = String.fromCharCode(byte);
      },
    });
    runBare(bare, { maxInstructions: 4_000 });
    const state = bare.pc!.state;
    runBare(bare, { maxInstructions: 100 });
    bare.pc!.state = state;
    expect(bare.pc!.state).toEqual(state);
  });
});
