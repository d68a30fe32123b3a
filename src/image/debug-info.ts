import { ByteReader } from './byte-reader.ts';
import type { ElfSection } from './elf.ts';

/** An entry of `.debug_info` (DWARF 5 section 2.1): what of it says where variables are and how their types are laid out. */
export interface DebugEntry {
  readonly tag: number;
  /** Values by attribute: numbers, strings, offsets of other entries in the section, bytes of expressions. */
  readonly attributes: ReadonlyMap<number, number | bigint | string | Uint8Array>;
  readonly children: readonly DebugEntry[];
}

const DAMAGED = 'the debug information is damaged: build the file again, or strip it with strip -g';
const SHF_COMPRESSED = 0x800n;
const DW_UT_COMPILE = 1;

/** Tells that an entry uses a form that is not read. */
class UnknownForm extends Error {}

/**
 * The entries of `.debug_info` by their offsets: units of DWARF 5 that compilers write into an executable (32-bit format). Other units, and what is
 * behind a form that is not known, are passed over; names are a convenience. Damage is `E_ELF` with the offset in the section.
 */
export function readDebugInfo(sections: readonly ElfSection[], where = 'ELF'): Map<number, DebugEntry> {
  const read = (name: string): ByteReader => {
    const section = sections.find((s) => s.name === name && (s.flags & SHF_COMPRESSED) === 0n);
    return new ByteReader(section?.bytes ?? new Uint8Array(0), `${where}: ${name}`);
  };
  const reader = read('.debug_info');
  const parts = { reader, abbreviations: read('.debug_abbrev'), line: read('.debug_line_str'), plain: read('.debug_str') };
  const entries = new Map<number, DebugEntry>();
  while (reader.position < reader.bytes.length) readUnit(parts, entries);
  return entries;
}

interface Parts {
  readonly reader: ByteReader;
  readonly abbreviations: ByteReader;
  readonly line: ByteReader;
  readonly plain: ByteReader;
}

/** Section 7.5.3: the shape of an entry. */
interface Abbreviation {
  readonly tag: number;
  readonly hasChildren: boolean;
  readonly attributes: readonly { readonly name: number; readonly form: number; readonly constant: number }[];
}

function readUnit(parts: Parts, entries: Map<number, DebugEntry>): void {
  const { reader } = parts;
  const start = reader.position;
  reader.end = reader.bytes.length;
  const length = reader.u32('the unit length');
  const end = reader.position + length;
  if (end > reader.bytes.length) throw reader.error(`a unit of 0x${length.toString(16)} bytes is longer than the section`, DAMAGED);
  reader.end = end;
  const isKnown = reader.u16('the version') === 5 && reader.u8('the unit type') === DW_UT_COMPILE;
  const addressSize = isKnown ? reader.u8('the address size') : 0;
  if (addressSize === 8 || addressSize === 4) {
    const shapes = readAbbreviations(parts.abbreviations, reader.u32('the abbreviation offset'));
    try {
      while (reader.position < end && readEntry(parts, { start, addressSize }, shapes, entries) !== undefined);
    } catch (error) {
      if (!(error instanceof UnknownForm)) throw error;
    }
  }
  reader.position = end;
}

function readAbbreviations(reader: ByteReader, offset: number): Map<number, Abbreviation> {
  const shapes = new Map<number, Abbreviation>();
  reader.position = offset;
  for (;;) {
    const code = Number(reader.uleb('an abbreviation code'));
    if (code === 0) return shapes;
    const tag = Number(reader.uleb('a tag'));
    const hasChildren = reader.u8('DW_CHILDREN') !== 0;
    const attributes: { name: number; form: number; constant: number }[] = [];
    for (;;) {
      const name = Number(reader.uleb('an attribute'));
      const form = Number(reader.uleb('a form'));
      if (name === 0 && form === 0) break;
      attributes.push({ name, form, constant: form === DW_FORM.implicitConst ? Number(reader.sleb('a constant')) : 0 });
    }
    shapes.set(code, { tag, hasChildren, attributes });
  }
}

interface Unit {
  /** Offset in the section, from where references count. */
  readonly start: number;
  readonly addressSize: 4 | 8;
}

/** One entry with all below it; undefined for the null entry that ends a list. */
function readEntry(
  parts: Parts,
  unit: Unit,
  shapes: ReadonlyMap<number, Abbreviation>,
  entries: Map<number, DebugEntry>,
): DebugEntry | undefined {
  const { reader } = parts;
  const at = reader.position;
  const code = Number(reader.uleb('an abbreviation code'));
  if (code === 0) return undefined;
  const shape = shapes.get(code);
  if (shape === undefined) throw reader.error(`there is no abbreviation ${code}`, DAMAGED, at);
  const attributes = new Map<number, number | bigint | string | Uint8Array>();
  for (const { name, form, constant } of shape.attributes) attributes.set(name, readForm(parts, unit, form, constant));
  const children: DebugEntry[] = [];
  const entry = { tag: shape.tag, attributes, children };
  entries.set(at, entry);
  if (!shape.hasChildren) return entry;
  for (;;) {
    const child = readEntry(parts, unit, shapes, entries);
    if (child === undefined) return entry;
    children.push(child);
  }
}

/** DWARF 5 section 7.5.6, those that GCC and GAS write. */
const DW_FORM = {
  addr: 0x01,
  data2: 0x05,
  data4: 0x06,
  data8: 0x07,
  string: 0x08,
  data1: 0x0b,
  sdata: 0x0d,
  strp: 0x0e,
  udata: 0x0f,
  ref4: 0x13,
  refUdata: 0x15,
  secOffset: 0x17,
  exprloc: 0x18,
  flagPresent: 0x19,
  data16: 0x1e,
  lineStrp: 0x1f,
  implicitConst: 0x21,
} as const;

function readForm({ reader, line, plain }: Parts, unit: Unit, form: number, constant: number): number | bigint | string | Uint8Array {
  const what = 'an attribute';
  const bytes = (size: number): Uint8Array => {
    const at = reader.take(size, what);
    return reader.bytes.subarray(at, at + size);
  };
  const stringAt = (strings: ByteReader): string => {
    strings.position = reader.u32(what);
    return strings.cstring('a string');
  };
  switch (form) {
    case DW_FORM.addr:
      return unit.addressSize === 4 ? BigInt(reader.u32(what)) : reader.u64(what);
    case DW_FORM.data8:
      return reader.u64(what);
    case DW_FORM.data1:
      return reader.u8(what);
    case DW_FORM.data2:
      return reader.u16(what);
    case DW_FORM.data4:
    case DW_FORM.secOffset:
      return reader.u32(what);
    case DW_FORM.sdata:
      return Number(reader.sleb(what));
    case DW_FORM.udata:
      return Number(reader.uleb(what));
    case DW_FORM.string:
      return reader.cstring(what);
    case DW_FORM.strp:
      return stringAt(plain);
    case DW_FORM.lineStrp:
      return stringAt(line);
    case DW_FORM.ref4:
      return unit.start + reader.u32(what);
    case DW_FORM.refUdata:
      return unit.start + Number(reader.uleb(what));
    case DW_FORM.exprloc:
      return bytes(Number(reader.uleb(what)));
    case DW_FORM.data16:
      return bytes(16);
    case DW_FORM.flagPresent:
      return 1;
    case DW_FORM.implicitConst:
      return constant;
    default:
      throw new UnknownForm();
  }
}
