import { bitsOf, extended, inMemoryOrder, pick, quadword, type Random } from './values.ts';

/** Tests of what saves and restores the state of the x87 FPU, SSE and AVX: the state before, and images in memory. */

type Overrides = Map<string, string>;

const LEGACY = 512;
const HEADER = 64;
const AVX = 256;
/** x87, SSE, AVX. */
const COMPONENTS = 7;
/** Components that a processor which records may have besides: AVX-512. Nothing asks for them. */
const OTHER = 0xe0n;
const COMPACT = 1n << 63n;
/** A bit of MXCSR that AMD alone has. */
const MISALIGNED_MASK = 0x20000n;
const MXCSR_AT = 24;
export const MXCSR_MASK_AT = 28;

/** Bytes of the operand of an instruction that saves or restores state; undefined for every other. */
export function imageBytes(codeName: string): number | undefined {
  const environment = /^F(?:n?stenv|ldenv|n?save|rstor)_m(\d+)byte$/.exec(codeName);
  if (environment !== null) return Number(environment[1]);
  if (/^Fx(save|rstor)/.test(codeName)) return LEGACY;
  return /^X(save|rstor)/.test(codeName) ? LEGACY + HEADER + AVX : undefined;
}

/** What its address is a multiple of. */
const imageAlignment = (codeName: string): number => (codeName.startsWith('X') ? 64 : codeName.startsWith('Fx') ? 16 : 1);

const pointer = (random: Random): bigint => (random(4) === 0 ? bitsOf(random, 16) : bitsOf(random, random(3) === 0 ? 32 : 47));

const isPending = (control: number, status: number): boolean => (status & ~control & 0x3f) !== 0;
const withSummary = (control: number, status: number): number => (status & 0x7f7f) | (isPending(control, status) ? 0x8080 : 0);

/** AMD keeps them for an exception that is pending alone; where none is they are zero, of which there is only one account. */
const pointers = (random: Random, pending: boolean) => ({
  opcode: pending ? bitsOf(random, 11) : 0n,
  instruction: pending ? pointer(random) : 0n,
  data: pending ? pointer(random) : 0n,
});

/** Registers of all components, some of them as new; EDX:EAX asks for any of them. */
export function setState(random: Random, overrides: Overrides): void {
  const zero = (bytes: number): string => '00'.repeat(bytes);
  const newX87 = random(5) === 0;
  const word = (name: string): number => Number.parseInt(overrides.get(name)!, 16);
  if (random(2) === 0) {
    overrides.set('fcw', (word('fcw') & ~(1 << random(6))).toString(16));
    overrides.set('fsw', withSummary(word('fcw'), word('fsw') | random(64)).toString(16));
  }
  const { opcode, instruction, data } = pointers(random, !newX87 && isPending(word('fcw'), word('fsw')));
  for (const [name, value] of Object.entries({ fop: opcode, fip: instruction, fdp: data })) overrides.set(name, value.toString(16));
  if (newX87) {
    overrides.set('fcw', '37f');
    overrides.set('fsw', '0');
    overrides.set('ftw', '0');
    for (let n = 0; n < 8; n++) overrides.set(`st${n}`, zero(10));
  }
  const kind = random(5);
  for (let n = 0; n < 16 && kind < 3; n++) {
    const low = kind === 1 ? zero(16) : inMemoryOrder(quadword(random), 8) + inMemoryOrder(quadword(random), 8);
    const high = kind === 0 ? zero(16) : kind === 1 ? inMemoryOrder(quadword(random), 8) + zero(8) : zero(16);
    overrides.set(`y${n}`, kind === 2 ? zero(32) : low + high);
  }
  const low = random(3) === 0 ? BigInt(COMPONENTS) : bitsOf(random, 32) & ~OTHER;
  overrides.set('rax', ((random(2) === 0 ? bitsOf(random, 32) << 32n : 0n) | low).toString(16));
  overrides.set('rdx', (random(2) === 0 ? 0n : bitsOf(random, 64)).toString(16));
}

const junk = (random: Random, bytes: number): string => Array.from({ length: bytes }, () => inMemoryOrder(bitsOf(random, 8), 1)).join('');

/** A control word and a status word, whose summary of exceptions need not be right. */
function controlAndStatus(random: Random): readonly [number, number] {
  const control = (random(0x10000) & 0xffc0) | (random(2) === 0 ? 0x3f : random(64));
  const status = random(0x10000) & (random(2) === 0 ? 0xffc0 : 0xffff);
  return [control, random(4) === 0 ? status : withSummary(control, status)];
}

/** What FLDENV or FRSTOR loads: words of 2 or 4 bytes, then eight registers where there is room. */
function environment(random: Random, bytes: number): string {
  const field = bytes === 14 || bytes === 94 ? 2 : 4;
  const [control, status] = controlAndStatus(random);
  const text = [control, status, random(0x10000)].map((word) => inMemoryOrder(BigInt(word), 2) + junk(random, field - 2)).join('');
  const { opcode, instruction, data } = pointers(random, isPending(control, status));
  const last =
    field === 2
      ? [instruction, bitsOf(random, 16), data, bitsOf(random, 16)]
      : [instruction, bitsOf(random, 16) | (opcode << 16n), data, bitsOf(random, 32)];
  const registers = bytes > 28 ? Array.from({ length: 8 }, () => inMemoryOrder(extended(random), 10)).join('') : '';
  return text + last.map((value) => inMemoryOrder(BigInt.asUintN(8 * field, value), field)).join('') + registers;
}

function mxcsr(random: Random): bigint {
  if (random(10) === 0) return bitsOf(random, 32) & ~MISALIGNED_MASK;
  return random(3) === 0 ? bitsOf(random, 16) : 0x1f80n | (bitsOf(random, 2) << 13n);
}

function legacy(random: Random): string {
  const [control, status] = controlAndStatus(random);
  const { opcode, instruction, data } = pointers(random, isPending(control, status));
  const words = [BigInt(control), BigInt(status), bitsOf(random, 16), opcode];
  const addresses = [instruction, data].map((value) => inMemoryOrder(value, 8)).join('');
  const registers = Array.from({ length: 8 }, () => inMemoryOrder(extended(random), 10) + junk(random, 6)).join('');
  const head = words.map((word) => inMemoryOrder(word, 2)).join('') + addresses + inMemoryOrder(mxcsr(random), 4) + junk(random, 4);
  return head + registers + junk(random, LEGACY - MXCSR_AT - 8 - 128);
}

/** XSTATE_BV and XCOMP_BV as they should be, now and then not. */
function header(random: Random): string {
  const present = bitsOf(random, 3);
  const odd = (): bigint => (random(12) === 0 ? (1n << BigInt(random(64))) & ~OTHER : 0n);
  const kind = random(4);
  const layout = kind < 2 ? 0n : kind === 2 ? COMPACT | present | bitsOf(random, 3) : COMPACT | bitsOf(random, 3);
  const rest =
    random(8) === 0 ? junk(random, 16) + junk(random, 32) : random(8) === 0 ? '00'.repeat(8) + junk(random, 40) : '00'.repeat(48);
  return inMemoryOrder(present | odd(), 8) + inMemoryOrder(layout | odd(), 8) + rest;
}

/** What stands in memory before the instruction: an image where it restores one. */
export function imageFor(random: Random, codeName: string): string | undefined {
  const bytes = imageBytes(codeName);
  if (bytes === undefined) return undefined;
  // No mask that is stored has all bits.
  if (/^F?xsave/i.test(codeName)) return junk(random, MXCSR_MASK_AT) + 'ff'.repeat(4);
  if (/save|stenv/i.test(codeName)) return junk(random, bytes);
  if (codeName.startsWith('F') && !codeName.startsWith('Fx')) return environment(random, bytes);
  if (codeName.startsWith('Fx')) return legacy(random);
  return legacy(random) + header(random) + junk(random, AVX);
}

/** An address for it near `at`: of the alignment that it must have, nearly always; of an end of memory any part of the image is beyond. */
export function imagePlace(random: Random, codeName: string, at: bigint): bigint {
  if (random(20) === 0) return pick(random, [at, at - (at % 16n), at - (at % 16n) + 8n]);
  const alignment = BigInt(imageAlignment(codeName));
  const back = random(3) === 0 ? BigInt(random(imageBytes(codeName)!)) : 0n;
  const place = at - back - ((at - back) % alignment);
  // XRSTOR: AVX's part is asked for on AMD also where it is not loaded. Its header is beyond the page instead.
  const beyond = place % 4096n;
  const isSplit =
    codeName.startsWith('Xrstor') && beyond <= 4096n - BigInt(LEGACY + HEADER) && beyond > 4096n - BigInt(LEGACY + HEADER + AVX);
  return isSplit ? place + BigInt(AVX) : place;
}
