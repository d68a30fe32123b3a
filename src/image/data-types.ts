import { type DebugEntry, readDebugInfo } from './debug-info.ts';
import type { ElfSection } from './elf.ts';

/** How a type is laid out, as far as names of its parts need it. */
export type DataType =
  | { readonly kind: 'struct'; readonly name: string; readonly size: number; readonly members: readonly Member[] }
  | { readonly kind: 'array'; readonly of: DataType; readonly size: number }
  /** `to` is a function, for a thing that is not laid out may refer to itself. */
  | { readonly kind: 'pointer'; readonly size: number; readonly to: () => DataType | undefined }
  | { readonly kind: 'scalar'; readonly size: number };

export interface Member {
  /** Empty for an anonymous union or struct. */
  readonly name: string;
  /** In bytes. */
  readonly offset: number;
  readonly type: DataType;
}

const DW_TAG = {
  arrayType: 0x01,
  enumerationType: 0x04,
  member: 0x0d,
  pointerType: 0x0f,
  structureType: 0x13,
  typedef: 0x16,
  unionType: 0x17,
  subrangeType: 0x21,
  baseType: 0x24,
  constType: 0x26,
  variable: 0x34,
  volatileType: 0x35,
} as const;
const DW_AT = {
  location: 0x02,
  name: 0x03,
  byteSize: 0x0b,
  upperBound: 0x2f,
  count: 0x37,
  memberLocation: 0x38,
  declaration: 0x3c,
  specification: 0x47,
  type: 0x49,
} as const;
const DW_OP_ADDR = 0x03;
const POINTER_BYTES = 8;

/** The types of an image's variables, out of its debug information. */
export class DataTypes {
  readonly #entries: ReadonlyMap<number, DebugEntry>;
  readonly #variables = new Map<bigint, DataType>();
  readonly #types = new Map<number, DataType | undefined>();
  /** Whole definitions by name: a file may know no more than that there is such a struct. */
  readonly #structs = new Map<string, number>();

  constructor(entries: ReadonlyMap<number, DebugEntry>) {
    this.#entries = entries;
    for (const [at, entry] of entries) {
      const name = entry.attributes.get(DW_AT.name);
      if (entry.tag === DW_TAG.structureType && typeof name === 'string' && !entry.attributes.has(DW_AT.declaration))
        if (!this.#structs.has(name)) this.#structs.set(name, at);
    }
    for (const entry of entries.values()) {
      const address = entry.tag === DW_TAG.variable ? addressOf(entry) : undefined;
      const type = address === undefined ? undefined : this.#typeOf(entry);
      if (address !== undefined && type !== undefined) this.#variables.set(address, type);
    }
  }

  static read(sections: readonly ElfSection[], where: string): DataTypes {
    return new DataTypes(readDebugInfo(sections, where));
  }

  /** The type of the variable that starts at a linear address. */
  variable(address: bigint): DataType | undefined {
    return this.#variables.get(address);
  }

  /** Every variable with its linear address. */
  variables(): Iterable<readonly [bigint, DataType]> {
    return this.#variables;
  }

  /** A struct by its name. */
  struct(name: string): DataType | undefined {
    const at = this.#structs.get(name);
    return at === undefined ? undefined : this.#type(at);
  }

  #typeOf(entry: DebugEntry): DataType | undefined {
    const at = entry.attributes.get(DW_AT.type);
    if (typeof at === 'number') return this.#type(at);
    const specification = entry.attributes.get(DW_AT.specification);
    const declared = typeof specification === 'number' ? this.#entries.get(specification) : undefined;
    return declared === undefined ? undefined : this.#typeOf(declared);
  }

  #type(at: number): DataType | undefined {
    if (!this.#types.has(at)) this.#types.set(at, this.#build(at));
    return this.#types.get(at);
  }

  #build(at: number): DataType | undefined {
    const entry = this.#entries.get(at);
    if (entry === undefined) return undefined;
    const size = number(entry, DW_AT.byteSize);
    switch (entry.tag) {
      case DW_TAG.structureType:
      case DW_TAG.unionType:
        return this.#struct(entry);
      case DW_TAG.arrayType:
        return this.#array(entry);
      case DW_TAG.pointerType:
        return { kind: 'pointer', size: POINTER_BYTES, to: () => this.#typeOf(entry) };
      case DW_TAG.baseType:
      case DW_TAG.enumerationType:
        return { kind: 'scalar', size: size ?? 0 };
      case DW_TAG.typedef:
      case DW_TAG.constType:
      case DW_TAG.volatileType:
        return this.#typeOf(entry);
      default:
        return undefined;
    }
  }

  #struct(entry: DebugEntry): DataType | undefined {
    const name = entry.attributes.get(DW_AT.name);
    if (entry.attributes.has(DW_AT.declaration)) {
      const whole = typeof name === 'string' ? this.#structs.get(name) : undefined;
      return whole === undefined ? undefined : this.#type(whole);
    }
    const members = entry.children.flatMap((child): Member[] => {
      const type = child.tag === DW_TAG.member ? this.#typeOf(child) : undefined;
      const called = child.attributes.get(DW_AT.name);
      return type === undefined
        ? []
        : [{ name: typeof called === 'string' ? called : '', offset: number(child, DW_AT.memberLocation) ?? 0, type }];
    });
    return { kind: 'struct', name: typeof name === 'string' ? name : '', size: number(entry, DW_AT.byteSize) ?? 0, members };
  }

  /** An array of arrays is one entry with a range for each dimension, the outermost first. */
  #array(entry: DebugEntry): DataType | undefined {
    const element = this.#typeOf(entry);
    if (element === undefined) return undefined;
    const counts = entry.children
      .filter((c) => c.tag === DW_TAG.subrangeType)
      .map((c) => number(c, DW_AT.count) ?? (number(c, DW_AT.upperBound) ?? -1) + 1);
    return counts.reduceRight<DataType>((of, count) => ({ kind: 'array', of, size: of.size * count }), element);
  }
}

function number(entry: DebugEntry, attribute: number): number | undefined {
  const value = entry.attributes.get(attribute);
  return typeof value === 'number' ? value : typeof value === 'bigint' ? Number(BigInt.asUintN(53, value)) : undefined;
}

function addressOf(entry: DebugEntry): bigint | undefined {
  const location = entry.attributes.get(DW_AT.location);
  if (!(location instanceof Uint8Array) || location.length !== 1 + POINTER_BYTES || location[0] !== DW_OP_ADDR) return undefined;
  return new DataView(location.buffer, location.byteOffset).getBigUint64(1, true);
}

/**
 * What `size` bytes inside a variable are called, behind the variable's name: `.vec[2].addr`, `[1]`, `.text[0..3]`, nothing for all of it; of several
 * members the first. Undefined where there is padding.
 */
export function partOf(type: DataType, offset: number, size: number): { readonly name: string; readonly type: DataType } | undefined {
  switch (type.kind) {
    case 'struct': {
      for (const member of type.members) {
        if (offset < member.offset || offset >= member.offset + member.type.size) continue;
        const part = partOf(member.type, offset - member.offset, size);
        if (part !== undefined) return { ...part, name: `${member.name === '' ? '' : `.${member.name}`}${part.name}` };
      }
      return undefined;
    }
    case 'array': {
      const each = type.of.size;
      if (each === 0) return undefined;
      const first = Math.floor(offset / each);
      if (type.of.kind === 'scalar' && size > each) {
        const last = Math.min(Math.ceil((offset + size) / each), type.size / each) - 1;
        return { name: first === 0 && (last + 1) * each === type.size ? '' : `[${first}..${last}]`, type };
      }
      const part = partOf(type.of, offset % each, size);
      return part === undefined ? undefined : { ...part, name: `[${first}]${part.name}` };
    }
    default:
      return offset === 0 ? { name: '', type } : undefined;
  }
}

/** Every pointer inside a variable: how far it is from the variable's start, in bytes, and its type. */
export function* pointersIn(type: DataType, offset = 0): Generator<{ readonly offset: number; readonly to: () => DataType | undefined }> {
  if (type.kind === 'pointer') yield { offset, to: type.to };
  else if (type.kind === 'struct') for (const member of type.members) yield* pointersIn(member.type, offset + member.offset);
  else if (type.kind === 'array' && type.of.kind !== 'scalar')
    for (let at = 0; at < type.size; at += type.of.size) yield* pointersIn(type.of, offset + at);
}
