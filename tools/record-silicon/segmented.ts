import { Code } from 'iced-x86';
import { GPR_NAMES } from '../../src/isa/core-state.ts';
import { decode } from '../../src/isa/decode.ts';
import { encode, isGather, type MemoryPlace, RM16, type Row } from '../../src/isa/encodings.ts';
import { modeOf } from '../../src/isa/mode.ts';
import { boundsOf, descriptorOf, FLAT_CODE, FLAT_DATA, LDT, LONG_CODE, ldtSelector, SEGMENT_ORDER, sizesOf } from '../silicon/segments.ts';
import { narrowed } from '../silicon/vectors.ts';
import { setMxcsr, setX87 } from './floats.ts';
import type { Background, Test } from './generate.ts';
import { imageBytes, imageFor, imagePlace, setState } from './images.ts';
import { notesOf, statusMaskOf, undefinedFlagsOf } from './undefined.ts';
import { bitsOf, extended, inMemoryOrder, pick, quadword, type Random } from './values.ts';

/** Tests of 16- and 32-bit code: random segments, and offsets inside, at the ends of and beyond them. */

const CODE = 0x20000000;
const CODE_BYTES = 0x2000;
const DATA = 0x10000000;
const DATA_BYTES = 0x10000;
const [RAX, RCX, RBX, RSP, RBP, RSI, RDI] = [0, 1, 3, 4, 5, 6, 7];
const ARITHMETIC = 0x8d5n;
const ALWAYS = 0x202n;
const DF = 0x400n;

/** Entries of the table that a stack may be in, by its size, that anything may be read through, and that code may be in. */
const STACKS = { 32: [2, 4, 6, 9, 12, 15], 16: [3, 5, 7] } as const;
const READABLE = [2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 0, 1];
const CODES = { 32: [0, 0, 0, 10], 16: [1, 1, 1, 11] } as const;
/** Prefixes that name a segment, by its number. */
const OVERRIDES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];
const [SS, DS, ES] = [2, 3, 0];

function layout(random: Random, size: 16 | 32): number[] {
  const any = (): number => (random(16) === 0 ? 0 : ldtSelector(pick(random, READABLE)));
  const flat = size === 32 && random(3) === 0;
  const stack = random(5) === 0 ? (size === 16 ? 32 : 16) : size;
  if (flat) return [FLAT_CODE, FLAT_DATA, FLAT_DATA, FLAT_DATA, any(), any()];
  return [ldtSelector(pick(random, CODES[size])), ldtSelector(pick(random, STACKS[stack])), any(), any(), any(), any()];
}

/** An offset in a segment: mostly where memory is, now and then at its ends or outside. */
function offsetIn(random: Random, selector: number, addressSize: number): number {
  const d = descriptorOf(selector);
  const wrap = (offset: number): number => (addressSize === 16 ? offset & 0xffff : offset >>> 0);
  if (d === undefined || d.absent) return wrap(random(0x8000));
  const { low, high } = boundsOf(d);
  const [start, bytes] = d.kind === 'code' ? [CODE, CODE_BYTES] : [DATA, DATA_BYTES];
  const first = (start - d.base) >>> 0;
  const [from, to] = [Math.max(low, first > high ? 0 : first), Math.min(high, first + bytes - 1)];
  const kind = random(24);
  if (kind === 0) return wrap(to + 1 - random(40));
  if (kind === 1) return wrap(to + random(0x2000));
  if (kind === 2) return wrap(from + random(40) - 20);
  if (kind === 3) return wrap(high + 1 - random(20));
  if (kind === 4) return wrap(((first + 0x5000) & ~0xfff) - random(40));
  const at = from + 64 + random(Math.max(1, to - from - 256));
  return wrap(kind < 14 ? at & ~31 : at);
}

const linear = (selector: number, offset: number): number => ((descriptorOf(selector)?.base ?? 0) + offset) >>> 0;

/** An offset that code may be at, in the segment of `selector`; now and then not. */
const codeOffset = (random: Random, selector: number): number =>
  random(6) === 0 ? random(0x10000) : ((selector === FLAT_CODE || selector === LONG_CODE ? CODE : 0) + random(CODE_BYTES)) >>> 0;

const littleEndian = (value: number, bytes: number): string => inMemoryOrder(BigInt(value >>> 0) & ((1n << BigInt(8 * bytes)) - 1n), bytes);

/**
 * A selector to be loaded. Those of 64-bit code are for CS alone, and not `from16`, a stack of 16 bits: the kernel left another upper half in RSP, where 64-bit code's stack would be.
 */
function selectorToLoad(random: Random, code: boolean, from16 = false): number {
  const kind = random(12);
  // Of a null selector the return to the handler would clear the RPL.
  if (kind === 0) return 0;
  if (kind === 1) return Number(bitsOf(random, 16)) | 0x1000;
  if (kind === 2) return code ? pick(random, [FLAT_CODE, from16 ? FLAT_CODE : LONG_CODE]) : FLAT_DATA;
  if (kind === 3) return ldtSelector(random(LDT.length)) & ~random(4);
  return ldtSelector(code ? pick(random, [0, 1, 10, 11, 14]) : random(LDT.length));
}

/** A random test of a row of 16- or 32-bit code; undefined where the choice cannot be spelt or compared. */
export function generateSegmented(row: Row, kind: string, number: number, random: Random, files: readonly Background[]): Test | undefined {
  const size = row.codeSize as 16 | 32;
  const segments = layout(random, size);
  const selectorOf = (n: number): number => segments[SEGMENT_ORDER.indexOf(n as 0)]!;
  const { stackSize } = sizesOf(segments);
  const mode = modeOf(size, stackSize);
  const background = random(files.length);
  const file = files[background]!;
  const overrides = new Map<string, string>();
  const gpr = (n: number): bigint => narrowed(n, BigInt(`0x${overrides.get(GPR_NAMES[n]!) ?? file.gpr[n]!}`));
  /** The upper half of a register is anything where addresses have 16 bits. */
  const setGpr = (n: number, value: number, bits = 32): void => {
    const kept = bits === 16 ? gpr(n) & 0xffff0000n : 0n;
    overrides.set(GPR_NAMES[n]!, (kept | BigInt.asUintN(bits, BigInt(value))).toString(16));
  };
  const memory: [bigint, string][] = [];
  const fill = (at: number, bytes = 80): void => {
    const text = Array.from({ length: bytes / 8 }, () => inMemoryOrder(quadword(random), 8)).join('');
    memory.push([BigInt(Math.max(0, at - 16)), text]);
  };
  const put = (selector: number, offset: number, text: string): void => void memory.push([BigInt(linear(selector, offset)), text]);
  const gather = isGather(row);
  const flat = segments[0] === FLAT_CODE;
  const addressSize = random(flat ? 8 : 3) === 0 ? (size === 16 ? 32 : 16) : size;
  const named: number[] = [];
  let place: MemoryPlace | undefined;
  const encoded = encode(row, {
    random,
    register: () => {
      const n = random(8);
      named.push(n);
      return n;
    },
    inMemory: () => random(2) === 0,
    addressSize: () => addressSize,
    memory: () => {
      place = placeOf(random, gather ? 32 : addressSize, gather);
      return place;
    },
  });
  if (encoded === undefined) return undefined;
  const image = imageBytes(Code[row.code]!);
  let imageAt: bigint | undefined;
  // EAX asks for components.
  if (image !== undefined && (place?.base === RAX || place?.index === RAX)) return undefined;
  const code = [...encoded];
  const name = row.mnemonic;
  const codeName = Code[row.code]!;
  const isString = kind === 'string';
  const moffs = codeName.includes('moffs');
  const xlat = name.startsWith('xlat');
  const overridden = (place !== undefined || isString || moffs || xlat) && random(4) === 0 ? random(6) : undefined;
  const through = (usual: number): number => selectorOf(overridden ?? usual);
  const repeated = isString && random(3) > 0;
  if (repeated) code.unshift(random(2) === 0 ? 0xf3 : 0xf2);
  if (overridden !== undefined) code.unshift(OVERRIDES[overridden]!);
  if (/^(aam|aad)$/.test(name)) code[code.length - 1] = pick(random, [0, 10, 10, 16, random(256), random(256)]);
  const far = /_ptr16/.test(codeName);
  if (far) {
    const selector = selectorToLoad(random, true, name === 'call' && stackSize === 16);
    const offset = codeOffset(random, selector);
    const bytes = code.length - (/1632/.test(codeName) ? 6 : 4);
    const text = [offset & 0xff, (offset >> 8) & 0xff, (offset >> 16) & 0xff, offset >>> 24].slice(0, /1632/.test(codeName) ? 4 : 2);
    code.splice(bytes, code.length, ...text, selector & 0xff, selector >> 8);
  }
  const wide = /_rel32_32|_rel16/.exec(codeName);
  if (wide !== null && random(3) > 0) {
    const displacement = random(0x800) - 0x400;
    const bytes = wide[0] === '_rel16' ? 2 : 4;
    code.splice(code.length - bytes, bytes, ...[0, 8, 16, 24].slice(0, bytes).map((shift) => (displacement >> shift) & 0xff));
  }
  if (moffs) {
    const bytes = addressSize / 8;
    const offset = offsetIn(random, through(DS), addressSize);
    code.splice(code.length - bytes, bytes, ...[0, 8, 16, 24].slice(0, bytes).map((shift) => (offset >>> shift) & 0xff));
    fill(linear(through(DS), offset));
  }
  const decoded = decode(Uint8Array.from(code), mode);
  if (decoded.kind !== 'instruction') return undefined;
  const operandBytes = decoded.instruction.size === 16 ? 2 : 4;
  // Behind MOV to SS a single step does not end; to CS it is #UD.
  if (/^Mov_Sreg/.test(codeName) && [1n, 2n].includes(decoded.fields.immediate)) return undefined;
  if (/^(push|pop|enter|leave|call|ret)/.test(name)) {
    for (const n of [RSP, RBP]) {
      const at = offsetIn(random, selectorOf(SS), stackSize);
      setGpr(n, at, stackSize);
      fill(linear(selectorOf(SS), at), 112);
    }
    const top = Number(gpr(RSP) & (stackSize === 16 ? 0xffffn : 0xffffffffn));
    const far = name === 'retf';
    const selector = far ? selectorToLoad(random, true) : segments[0]!;
    if (/^ret/.test(name)) put(selectorOf(SS), top, littleEndian(codeOffset(random, selector), operandBytes));
    if (far) put(selectorOf(SS), top + operandBytes, littleEndian(selector | 3, 2));
    if (/^Pop[wd]_[DEFG]S$/.test(codeName)) put(selectorOf(SS), top, littleEndian(selectorToLoad(random, false), 2));
  }
  if (/^(call|jmp)$/.test(name)) for (const n of named) setGpr(n, codeOffset(random, segments[0]!));
  if (/^Mov_Sreg/.test(codeName)) for (const n of named) setGpr(n, selectorToLoad(random, false), 16);
  if (isString) {
    for (const [n, usual] of [
      [RSI, DS],
      [RDI, ES],
    ] as const) {
      const at = offsetIn(random, n === RSI ? through(usual) : selectorOf(usual), addressSize);
      setGpr(n, at, addressSize);
      fill(linear(n === RSI ? through(usual) : selectorOf(usual), at), 160);
    }
    setGpr(RCX, random(12), addressSize);
  }
  if (xlat) {
    const at = offsetIn(random, through(DS), addressSize);
    setGpr(RBX, at - Number(gpr(0) & 0xffn), addressSize);
    fill(linear(through(DS), at));
  }
  if (image !== undefined) {
    setX87(random, overrides);
    setMxcsr(random, overrides);
    setState(random, overrides);
  }
  if (place !== undefined) {
    const bits = gather ? 32 : addressSize;
    const usual = place.base === RBP || (place.base === RSP && bits === 32) ? SS : DS;
    const anywhere = offsetIn(random, through(usual), bits);
    // Bases are multiples of 64.
    const at = image === undefined ? anywhere : Number(BigInt.asUintN(bits, imagePlace(random, codeName, BigInt(anywhere))));
    // AMD goes on at the start of the segment, where the manual has #GP, or anything.
    if (image !== undefined && at + image > 2 ** bits) return undefined;
    // AMD asks for all of it, even where a component is not loaded from it.
    const { high } = descriptorOf(through(usual)) === undefined ? { high: 0 } : boundsOf(descriptorOf(through(usual))!);
    if (image !== undefined && codeName.startsWith('Xrstor') && at <= high && at + image - 1 > high) return undefined;
    fill(linear(through(usual), at), image === undefined ? 192 : image + 64 - (image % 8));
    const operand = imageFor(random, codeName);
    if (image !== undefined) imageAt = BigInt(linear(through(usual), at));
    if (operand !== undefined) put(through(usual), at, operand);
    if (/^(call|jmp)$/.test(name)) {
      const selector = /_m16/.test(codeName) ? selectorToLoad(random, true, name === 'call' && stackSize === 16) : segments[0]!;
      put(through(usual), at, littleEndian(codeOffset(random, selector), operandBytes));
      if (/_m16/.test(codeName)) put(through(usual), at + (/_m1632/.test(codeName) ? 4 : 2), littleEndian(selector, 2));
    }
    if (/^l[defgs]s$/.test(name) || /^Mov_Sreg/.test(codeName)) {
      const skipped = /^Mov/.test(codeName) ? 0 : operandBytes;
      put(through(usual), at + skipped, littleEndian(selectorToLoad(random, false), 2));
    }
    if (name === 'bound') {
      const low = random(0x8000) - 0x4000;
      put(through(usual), at, littleEndian(low, operandBytes) + littleEndian(low + random(0x4000), operandBytes));
      for (const n of named) if (random(2) === 0) setGpr(n, low + random(0x4000) - 0x800);
    }
    if (gather) {
      const wideIndex = /vm64|qp|qd|qq/.test(codeName);
      const indexes = Array.from({ length: wideIndex ? 4 : 8 }, () =>
        inMemoryOrder(BigInt.asUintN(wideIndex ? 64 : 32, BigInt(random(24) - 2)), wideIndex ? 8 : 4),
      ).join('');
      overrides.set(`y${place.index}`, indexes);
    }
    if (place.base !== undefined) {
      const index = place.index === undefined || gather ? 0 : Number(gpr(place.index)) * 2 ** place.scale;
      setGpr(place.base, at - place.displacement - index, bits);
    }
  }
  let flags = (bitsOf(random, 16) & ARITHMETIC) | ALWAYS;
  if (isString && random(3) === 0) flags |= DF;
  overrides.set('fl', flags.toString(16));
  if (/x87|mmx/.test(kind)) {
    overrides.set('ftw', (random(3) > 0 ? 0xff : random(256)).toString(16));
    overrides.set('fsw', ((random(8) << 11) | (pick(random, [0, 1, 4, 5, 0x40, 0x45]) << 8)).toString(16));
    overrides.set('fcw', ((random(4) << 10) | (pick(random, [0, 2, 3, 3]) << 8) | 0x7f).toString(16));
    for (let n = 0; n < 8; n++) overrides.set(`st${n}`, inMemoryOrder(extended(random), 10));
  }
  if (/sse|avx/.test(kind)) overrides.set('mx', ((random(4) << 13) | 0x1f80).toString(16));
  const undefinedFlags = undefinedFlagsOf(row, Uint8Array.from(code), gpr(RCX), mode);
  if (undefinedFlags === undefined) return undefined;
  const start = flat ? CODE : 0;
  const atEnd = random(40) === 0;
  return {
    id: `${codeName}/${number}`,
    row,
    code: Uint8Array.from(code),
    segments,
    rip: BigInt(start + (atEnd ? CODE_BYTES - random(code.length + 1) : 0x400 + random(0x800))),
    background,
    overrides,
    memory,
    repeats: gather || repeated,
    ...(imageAt !== undefined && { image: imageAt }),
    isUndefined: false,
    undefinedFlags,
    statusMask: kind === 'x87' ? statusMaskOf(name) : undefined,
    notes: [...notesOf(name), ...(/^popa/.test(name) ? ['partial'] : [])],
  };
}

function placeOf(random: Random, addressSize: 16 | 32, gather: boolean): MemoryPlace {
  if (addressSize === 16) {
    const [base, index] = pick(random, RM16);
    return { base, ...(index !== undefined && { index }), scale: 0, displacement: random(2) === 0 ? random(256) - 128 : random(0x10000) };
  }
  const base = random(8);
  const index = gather
    ? random(8)
    : random(3) === 0
      ? pick(
          random,
          [0, 1, 2, 3, 5, 6, 7].filter((n) => n !== base),
        )
      : undefined;
  const scale = random(4) as 0 | 1 | 2 | 3;
  return {
    base,
    ...(index !== undefined && { index }),
    scale,
    displacement: random(2) === 0 ? random(256) - 128 : random(0x20000) - 0x10000,
  };
}
