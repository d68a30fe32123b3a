import type { Image } from '../image/image.ts';
import { Activity, GPR_NAMES, IF, RAX, RBX, RDX, RSP, type StateWord } from '../isa/core-state.ts';
import { initApic } from '../machine/apic.ts';
import type { Core } from '../machine/core.ts';
import type { Machine } from '../machine/machine.ts';
import { startInProtectedMode, startInRealMode } from '../machine/start-state.ts';
import { MULTIBOOT_MAGIC, multibootInfo } from './multiboot-info.ts';
import { extendedKb, memoryMap, PC } from './pc-layout.ts';
import { BIOS_ROM } from './pc-rom.ts';

/** A PC as its BIOS, or a multiboot loader, leaves it to what it boots. */

const SECTOR_BYTES = 512;
const STACK_TOP = 0x7c00;
const BOOT_SECTOR_SIGNATURE = 0xaa55;
/** What EDX says after a reset and INIT: family 6. */
const FAMILY = 0x600;

/** Fields at the start of the ROM that say where its parts are: `fixtures/boot/bios.S`. */
const ROM_AT = PC.high - BIOS_ROM.length;
const ROM_SEGMENT = 0xf000;
const HEADER = { parameters: 4, ignored: 8, master: 10, slave: 12, vectors: 14, count: 32 } as const;
const SLAVE_VECTORS = 0x70;

/** Geometry of floppy disks by their size in sectors: cylinders, heads, sectors, and the type that INT 13h AH=8 tells. */
const FLOPPIES: ReadonlyMap<number, readonly [number, number, number, number]> = new Map([
  [720, [40, 2, 9, 1]],
  [1440, [80, 2, 9, 3]],
  [2400, [80, 2, 15, 2]],
  [2880, [80, 2, 18, 4]],
  [5760, [80, 2, 36, 6]],
]);

interface Drive {
  readonly number: number;
  readonly cylinders: number;
  readonly heads: number;
  readonly sectors: number;
  readonly type: number;
  readonly total: number;
}

function driveOf(disk: Uint8Array | undefined): Drive {
  const total = Math.ceil((disk?.length ?? 0) / SECTOR_BYTES);
  const floppy = FLOPPIES.get(total);
  if (floppy !== undefined) {
    const [cylinders, heads, sectors, type] = floppy;
    return { number: 0, cylinders, heads, sectors, type, total };
  }
  const heads = total > 1024 * 16 * 63 ? 255 : 16;
  return { number: 0x80, cylinders: Math.min(1024, Math.max(1, Math.ceil(total / (heads * 63)))), heads, sectors: 63, type: 0, total };
}

const field = (at: number): number => (BIOS_ROM[at] as number) | ((BIOS_ROM[at + 1] as number) << 8);
const linear = (offset: number): number => (ROM_SEGMENT << 4) + offset;

/** Linear addresses to which the vectors lead that the BIOS does nothing about. An exception that comes there is one that nobody handles. */
export const BIOS_STUBS: ReadonlySet<bigint> = new Set(
  [HEADER.ignored, HEADER.master, HEADER.slave].map((at) => BigInt(linear(field(at)))),
);

/** Writes the ROM, the interrupt vectors and the BIOS data area. */
function buildMemory(machine: Machine, ramBytes: number, drive: Drive): void {
  const view = (at: number, bytes: number): DataView => {
    const memory = machine.peek(at, bytes);
    return new DataView(memory.buffer, memory.byteOffset, bytes);
  };
  // Nothing is in the sockets of other ROMs.
  machine.peek(0xc0000, PC.high - 0xc0000).fill(0xff);
  machine.peek(ROM_AT, BIOS_ROM.length).set(BIOS_ROM);
  const parameters = view(linear(field(HEADER.parameters)), field(HEADER.parameters + 2));
  parameters.setUint8(0, drive.number);
  parameters.setUint8(1, drive.heads);
  parameters.setUint8(2, drive.sectors);
  parameters.setUint8(3, drive.type);
  parameters.setUint16(4, drive.cylinders, true);
  const map = memoryMap(ramBytes);
  parameters.setUint16(6, map.length, true);
  parameters.setUint32(8, drive.total, true);
  parameters.setUint32(12, extendedKb(ramBytes), true);
  map.forEach(({ start, bytes, type }, n) => {
    parameters.setUint32(16 + 20 * n, start, true);
    parameters.setUint32(16 + 20 * n + 8, bytes, true);
    parameters.setUint32(16 + 20 * n + 16, type, true);
  });
  const vectors = view(0, PC.data);
  for (let n = 0; n < 256; n++) {
    const own = n < HEADER.count ? field(HEADER.vectors + 2 * n) : undefined;
    const slave = n >= SLAVE_VECTORS && n < SLAVE_VECTORS + 8;
    vectors.setUint16(4 * n, own ?? field(slave ? HEADER.slave : HEADER.ignored), true);
    vectors.setUint16(4 * n + 2, ROM_SEGMENT, true);
  }
  const data = view(PC.data, 0x100);
  const word = (at: number, value: number): void => data.setUint16(at, value, true);
  word(0x00, 0x3f8);
  word(0x0e, PC.extendedData >>> 4);
  // One serial line, a colour screen of 80 columns, an FPU, and the floppy drive.
  word(0x10, 0x222 | (drive.type === 0 ? 0 : 1));
  word(0x13, PC.extendedData >>> 10);
  data.setUint8(0x49, 3);
  word(0x4a, 80);
  word(0x60, 0x0607);
  word(0x63, 0x3d4);
  data.setUint8(0x75, drive.type === 0 ? 1 : 0);
  data.setUint8(0x84, 24);
  machine.peek(PC.extendedData, 1).fill((PC.lowEnd - PC.extendedData) >>> 10);
  const screen = view(PC.screen, 80 * 25 * 2);
  for (let n = 0; n < 80 * 25; n++) screen.setUint16(2 * n, 0x0720, true);
}

const SCREEN = { columns: 80, rows: 25 } as const;

/** The text on the screen of a PC, a line a row, up to the last that is not empty. What is not ASCII is a dot. */
export function screenText(machine: Machine): readonly string[] {
  const cells = machine.peek(PC.screen, SCREEN.columns * SCREEN.rows * 2);
  const lines = Array.from({ length: SCREEN.rows }, (_, row) =>
    Array.from({ length: SCREEN.columns }, (_, column) => {
      const code = cells[(row * SCREEN.columns + column) * 2] as number;
      return code === 0 ? ' ' : code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : '.';
    })
      .join('')
      .trimEnd(),
  );
  return lines.slice(0, lines.findLastIndex((line) => line !== '') + 1);
}

/** Values of a core's words after INIT (SDM Vol. 3, "Processor State After Power-up, Reset, or INIT"), save for those that depend on where it starts. */
const AFTER_INIT: Partial<Record<StateWord, number | bigint>> = {
  cr2: 0,
  cr3: 0,
  cr8: 0,
  xcr0: 1,
  ldtr: 0,
  ldtrBase: 0,
  ldtrLimit: 0xffff,
  tr: 0,
  trBase: 0,
  trLimit: 0xffff,
  dr0: 0,
  dr1: 0,
  dr2: 0,
  dr3: 0,
  dr6: 0xffff0ff0,
  dr7: 0x400,
  pat: 0x0007040600070406n,
  activity: Activity.running,
};

function enterRealMode(machine: Machine, core: Core, cs: number, ip: number): void {
  for (const [word, value] of Object.entries(AFTER_INIT) as [StateWord, number | bigint][]) core.set(word, value);
  GPR_NAMES.forEach((_, n) => core.setGpr(n, n === RDX ? BigInt(FAMILY) : 0n));
  startInRealMode(machine, core, cs, ip);
}

/** INIT and a startup IPI: real mode at the page that the IPI names (SDM Vol. 3, "MP Initialization Protocol Algorithm"). */
export function startProcessor(machine: Machine, core: Core, vector: number): void {
  enterRealMode(machine, core, vector << 8, 0);
}

/**
 * Builds a PC around an image that is loaded: core 0 at the boot sector in real mode, or at a kernel's entry in 32-bit protected mode; the other cores wait for
 * INIT and a startup IPI.
 */
export function buildPc(
  machine: Machine,
  image: Image,
  ramBytes: number,
  { entry, commandLine }: { entry: bigint; commandLine: string },
): void {
  const boot = image.boot as NonNullable<Image['boot']>;
  const drive = driveOf(boot.kind === 'disk' ? boot.disk : undefined);
  buildMemory(machine, ramBytes, drive);
  for (const core of machine.cores) {
    enterRealMode(machine, core, 0, STACK_TOP);
    initApic(core);
    if (core.index > 0) core.setSmall('activity', Activity.waitForSipi);
  }
  const first = machine.cores[0] as Core;
  first.setGpr(RSP, BigInt(STACK_TOP));
  if (boot.kind === 'disk') {
    first.rflags = IF;
    first.setGpr(RAX, BigInt(BOOT_SECTOR_SIGNATURE));
    first.setGpr(RDX, BigInt(drive.number));
    return;
  }
  const version = boot.header?.version ?? 1;
  const info = multibootInfo(version, ramBytes, commandLine);
  machine.peek(PC.info, info.length).set(info);
  startInProtectedMode(machine, first, Number(entry));
  first.setGpr(RAX, BigInt(MULTIBOOT_MAGIC[version]));
  first.setGpr(RBX, BigInt(PC.info));
}
