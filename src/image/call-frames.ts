import { ByteReader } from './byte-reader.ts';
import type { ElfSection } from './elf.ts';

/** How the caller's frame is found at one address (DWARF 5 section 6.4.1). Registers go by their encoding number. */
export interface FrameRow {
  /** The canonical frame address is this register plus the offset: what RSP is when the function has returned. */
  readonly register: number;
  readonly offset: number;
  /** Where the return address lies, from the canonical frame address. */
  readonly returnAt: number;
  /** Where the caller's registers were saved, from there, too. */
  readonly saved: ReadonlyMap<number, number>;
}

/** Functions whose frames the image describes. */
interface Described {
  readonly start: bigint;
  readonly end: bigint;
  readonly common: Common;
  readonly program: Uint8Array;
}

/** What frames of a compilation unit have in common: a CIE. */
interface Common {
  readonly codeAlignment: bigint;
  readonly dataAlignment: bigint;
  readonly returnColumn: number;
  readonly program: Uint8Array;
  /** `.eh_frame`: addresses are relative to where they stand, and of four bytes. */
  readonly relative: boolean;
  readonly augmented: boolean;
}

const SHF_COMPRESSED = 0x800n;
const DAMAGED = 'the debug information is damaged: build the file again, or strip it with strip -g';
/** DW_EH_PE_pcrel | DW_EH_PE_sdata4: how compilers write addresses in `.eh_frame`. */
const RELATIVE_FOUR_BYTES = 0x1b;
/** Encoding numbers of the registers in DWARF's order (System V ABI, AMD64 supplement, "DWARF Register Number Mapping"). */
const ENCODING = [0, 2, 1, 3, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15] as const;

/** How to find callers: the call frame information of an image. Functions that it does not describe are unknown. */
export class CallFrames {
  static readonly empty = new CallFrames([]);
  readonly #described: readonly Described[];

  private constructor(described: readonly Described[]) {
    this.#described = [...described].sort((a, b) => (a.start < b.start ? -1 : 1));
  }

  /** Reads `.debug_frame` and `.eh_frame`. Damage is `E_ELF` with the offset in the section; what is of an unknown kind is passed over. */
  static read(sections: readonly ElfSection[], where: string): CallFrames {
    const described = ['.debug_frame', '.eh_frame'].flatMap((name) => {
      const section = sections.find((s) => s.name === name && (s.flags & SHF_COMPRESSED) === 0n);
      return section === undefined ? [] : readSection(section, `${where}: ${name}`);
    });
    return new CallFrames(described);
  }

  /** The row for an address; undefined where nothing is described, or in an expression. */
  rowAt(address: bigint): FrameRow | undefined {
    const found = this.#described.findLast((d) => d.start <= address && address < d.end);
    return found === undefined ? undefined : rowOf(found, address);
  }
}

function readSection(section: ElfSection, where: string): Described[] {
  const reader = new ByteReader(section.bytes, where);
  const eh = section.name === '.eh_frame';
  const commons = new Map<number, Common | undefined>();
  const out: Described[] = [];
  while (reader.position < section.bytes.length) {
    const start = reader.position;
    reader.end = section.bytes.length;
    const length = reader.u32('the length of an entry');
    // A terminator, and the 64-bit format, which no compiler writes for x86-64.
    if (length === 0 || length === 0xffffffff) break;
    const end = reader.position + length;
    if (end > section.bytes.length) throw reader.error(`an entry of 0x${length.toString(16)} bytes is longer than the section`, DAMAGED);
    reader.end = end;
    const at = reader.position;
    const id = reader.u32('a CIE pointer');
    if (id === (eh ? 0 : 0xffffffff)) commons.set(start, readCommon(reader, eh));
    else {
      const common = commons.get(eh ? at - id : id);
      if (common !== undefined) out.push(readDescribed(reader, common, section.address));
    }
    reader.position = end;
  }
  return out;
}

function readCommon(reader: ByteReader, eh: boolean): Common | undefined {
  const version = reader.u8('the version');
  const augmentation = reader.cstring('the augmentation');
  if (augmentation !== '' && augmentation !== 'zR') return undefined;
  if (version >= 4) reader.take(2, 'the sizes of an address and a segment');
  const codeAlignment = reader.uleb('the code alignment');
  const dataAlignment = reader.sleb('the data alignment');
  const returnColumn = version === 1 ? reader.u8('the return column') : Number(reader.uleb('the return column'));
  const augmented = augmentation === 'zR';
  if (augmented) {
    reader.uleb('the length of the augmentation');
    if (reader.u8('the encoding of addresses') !== RELATIVE_FOUR_BYTES) return undefined;
  } else if (eh) return undefined;
  return { codeAlignment, dataAlignment, returnColumn, augmented, relative: augmented, program: rest(reader) };
}

function readDescribed(reader: ByteReader, common: Common, section: bigint): Described {
  const at = reader.position;
  const from = common.relative ? section + BigInt(at) + BigInt(reader.u32('an address') | 0) : reader.u64('an address');
  const size = common.relative ? BigInt(reader.u32('a size')) : reader.u64('a size');
  if (common.augmented) reader.take(Number(reader.uleb('the length of the augmentation')), 'the augmentation');
  const start = BigInt.asUintN(64, from);
  return { start, end: start + size, common, program: rest(reader) };
}

const rest = (reader: ByteReader): Uint8Array => reader.bytes.subarray(reader.position, reader.end);

/** Rules while a program runs: DWARF's register numbers. */
interface Rules {
  register: number;
  offset: number;
  saved: Map<number, number>;
  /** The canonical frame address is an expression. */
  unknown: boolean;
}

function rowOf({ start, common, program }: Described, address: bigint): FrameRow | undefined {
  const rules: Rules = { register: 7, offset: 8, saved: new Map(), unknown: false };
  execute(common.program, common, rules, undefined, start, undefined);
  const initial = new Map(rules.saved);
  execute(program, common, rules, initial, start, address);
  const returnAt = rules.saved.get(common.returnColumn);
  const register = ENCODING[rules.register];
  if (rules.unknown || register === undefined || returnAt === undefined) return undefined;
  const saved = [...rules.saved].flatMap(([n, at]) => (ENCODING[n] === undefined ? [] : [[ENCODING[n] as number, at] as const]));
  return { register, offset: rules.offset, returnAt, saved: new Map(saved) };
}

/** Runs call frame instructions (section 6.4.2) up to those for addresses behind `until`. */
function execute(
  program: Uint8Array,
  { codeAlignment, dataAlignment }: Common,
  rules: Rules,
  initial: ReadonlyMap<number, number> | undefined,
  start: bigint,
  until: bigint | undefined,
): void {
  const reader = new ByteReader(program, 'a call frame program');
  const kept: Rules[] = [];
  let at = start;
  const number = (): number => Number(reader.uleb('an operand'));
  const scaled = (n: bigint): number => Number(n * dataAlignment);
  const restore = (register: number): void => {
    const first = initial?.get(register);
    if (first === undefined) rules.saved.delete(register);
    else rules.saved.set(register, first);
  };
  /** False: the address lies before here. */
  const advance = (by: number): boolean => {
    at += BigInt(by) * codeAlignment;
    return until === undefined || at <= until;
  };
  while (reader.position < program.length) {
    const opcode = reader.u8('an instruction');
    const low = opcode & 0x3f;
    if (opcode >> 6 === 1) {
      if (!advance(low)) return;
      continue;
    }
    if (opcode >> 6 === 2) {
      rules.saved.set(low, scaled(reader.uleb('an offset')));
      continue;
    }
    if (opcode >> 6 === 3) {
      restore(low);
      continue;
    }
    switch (opcode) {
      case 0x00:
        break;
      case 0x02:
        if (!advance(reader.u8('a distance'))) return;
        break;
      case 0x03:
        if (!advance(reader.u16('a distance'))) return;
        break;
      case 0x04:
        if (!advance(reader.u32('a distance'))) return;
        break;
      case 0x05:
        rules.saved.set(number(), scaled(reader.uleb('an offset')));
        break;
      case 0x06:
        restore(number());
        break;
      // DW_CFA_undefined, DW_CFA_same_value: nothing is saved.
      case 0x07:
      case 0x08:
        rules.saved.delete(number());
        break;
      case 0x0a:
        kept.push({ ...rules, saved: new Map(rules.saved) });
        break;
      case 0x0b:
        Object.assign(rules, kept.pop());
        break;
      case 0x0c:
        rules.register = number();
        rules.offset = number();
        rules.unknown = false;
        break;
      case 0x0d:
        rules.register = number();
        break;
      case 0x0e:
        rules.offset = number();
        break;
      case 0x11:
        rules.saved.set(number(), scaled(reader.sleb('an offset')));
        break;
      // DW_CFA_GNU_args_size says nothing about frames.
      case 0x2e:
        number();
        break;
      default:
        // An expression, or something newer: the frame is not known.
        rules.unknown = true;
        return;
    }
  }
}
