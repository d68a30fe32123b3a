import type { Site } from '../explore/site.ts';
import { effectOf, INT3 } from '../explore/site.ts';
import type { World } from '../explore/world.ts';
import { type DataType, partOf, pointersIn } from '../image/data-types.ts';
import type { ImageSymbol } from '../image/image.ts';
import { Vector } from '../isa/core-state.ts';
import { DIRECT_MAP_BASE, PRIVATE, PRIVATE_AT, PRIVATE_STRIDE } from '../kernel/layout.ts';
import { disassemble } from './disassemble.ts';

/** Bytes as `e8 ab 0a 00 00`. */
export const hexBytes = (bytes: Iterable<number>): string => [...bytes].map((b) => b.toString(16).padStart(2, '0')).join(' ');

/** `#BP` for 3; a vector that is no exception of the architecture is `vector 0x..`. */
export function exceptionName(vector: number): string {
  const found = Object.entries(Vector).find(([, number]) => number === vector);
  return found === undefined ? `vector 0x${vector.toString(16)}` : found[0] === 'NMI' ? 'NMI' : `#${found[0]}`;
}

/** The mnemonics of jcc by condition. */
const CONDITIONS = ['jo', 'jno', 'jb', 'jae', 'je', 'jne', 'jbe', 'ja', 'js', 'jns', 'jp', 'jnp', 'jl', 'jge', 'jle', 'jg'] as const;

/** What `kfree` leaves in memory, a byte of it (POISON_FREE). */
const POISON = 0x6bn;
/** Bytes of one value are told one by one up to here. */
const FEW_BYTES = 4;

/** Says addresses and values of one world in the words of its image and its sites. */
export class Names {
  readonly #world: World;
  readonly #notes: ReadonlyMap<number, string>;
  readonly #reasons: ReadonlyMap<number, string>;
  /** Types of slab objects by their first address, as far as pointers to them told. */
  readonly #pointees = new Map<bigint, DataType>();

  constructor(world: World) {
    this.#world = world;
    // Whatever the image exports: families have notes and reasons of their own.
    const numbered = (prefix: string): Map<number, string> =>
      new Map(
        world.lab.image.symbols
          .filter((s) => s.name.startsWith(`ABI_${prefix}_`))
          .map((s) => [Number(BigInt.asIntN(64, s.address)), s.name.slice(5 + prefix.length)] as const),
      );
    this.#notes = numbered('NOTE');
    this.#reasons = numbered('DIE');
  }

  /** The site that a linear address lies in. */
  siteAt(address: bigint): Site | undefined {
    return this.#world.sites.find((s) => address >= s.address && address < s.address + BigInt(s.versions[0]!.length));
  }

  /** The site that holds a physical address. */
  siteOf(physical: number): Site | undefined {
    return this.siteAt(this.#world.lab.linear(physical));
  }

  /** A line of an instruction cache by its physical address, with the sites that it holds. */
  line(physical: number): string {
    const { sites, lab } = this.#world;
    const inside = (site: Site, line: number): boolean => {
      const at = lab.physical(site.address);
      return at < line + 64 && line < at + site.versions[0]!.length;
    };
    const names = sites.filter((s) => inside(s, physical)).map((s) => s.name);
    return `0x${physical.toString(16)}${names.length === 0 ? '' : ` (${names.join(', ')})`}`;
  }

  /** A place in code: a site by its name, else `function+0x12`. */
  code(address: bigint): string {
    const found = this.#world.lab.image.symbolAt(address);
    if (found?.symbol.name === 'slab') return this.#object(address, found.offset, 0);
    const site = this.siteAt(address);
    if (site === undefined) return this.#world.lab.image.describe(address);
    return address === site.address ? site.name : `${site.name}+${address - site.address}`;
  }

  /** A message with the names of sites and of slab objects in place of the image's symbols for them. */
  plain(message: string): string {
    const { image } = this.#world.lab;
    const slab = message.replace(/\bslab(?:\+0x([0-9a-f]+))?(?=[ ,;:)]|$)/g, (all, hex = '0') => {
      const offset = Number.parseInt(hex, 16);
      return image.hasSymbol('slab') ? this.#object(image.symbol('slab').address + BigInt(offset), offset, 1) : all;
    });
    return this.#world.sites.reduce((text, s) => text.replaceAll(image.describe(s.address), s.name), slab);
  }

  /** The function that holds an address, without the offset. */
  functionAt(address: bigint): string {
    return this.#world.lab.image.symbolAt(address)?.symbol.name ?? this.code(address);
  }

  /** Memory by its physical address: `modifying_ftrace_code`, `site[1..4]`, `text_poke_array.vec[0].addr`, `text_poke_array_refs[1]`. */
  data(physical: number, size: number): string {
    const linear = this.#world.lab.linear(physical);
    const site = this.siteAt(linear) ?? this.siteAt(linear + BigInt(size - 1));
    if (site !== undefined) {
      const first = Number(linear - site.address);
      return size === 1 ? `${site.name}[${first}]` : `${site.name}[${first}..${first + size - 1}]`;
    }
    const core = Math.floor((physical - PRIVATE_AT) / PRIVATE_STRIDE);
    if (core >= 0 && core < this.#world.machine.cores.length)
      return this.#private(physical - PRIVATE_AT - core * PRIVATE_STRIDE, core, size);
    const word = this.#world.words.get(linear);
    if (word !== undefined) return word;
    const found = this.#world.lab.image.symbolAt(linear);
    if (found === undefined) return `physical 0x${physical.toString(16)}`;
    if (found.symbol.name === 'slab') return this.#object(linear, found.offset, size);
    if (this.#world.lab.image.segmentAt(linear)?.executable === true)
      return `${found.symbol.name}[${size === 1 ? found.offset : `${found.offset}..${found.offset + size - 1}`}]`;
    const part = this.#part(found.symbol, found.offset, size);
    return part === undefined ? this.#world.lab.image.describe(linear) : found.symbol.name + part.name;
  }

  #part(symbol: ImageSymbol, offset: number, size: number): { readonly name: string; readonly type: DataType } | undefined {
    const type = this.#world.lab.image.types.variable(symbol.address);
    return type === undefined ? undefined : partOf(type, offset, size);
  }

  /** Learns from a store what a slab object is: the variable or member that points to it has a type. True when that was news. */
  learn(physical: number, size: number, value: bigint): boolean {
    const { lab } = this.#world;
    if (size !== 8 || lab.image.symbolAt(value)?.symbol.name !== 'slab') return false;
    const linear = lab.linear(physical);
    const found = lab.image.symbolAt(linear);
    if (found === undefined) return false;
    const part = found.symbol.name === 'slab' ? this.#inside(linear, found.offset, size) : this.#part(found.symbol, found.offset, size);
    return part?.type.kind === 'pointer' && this.#pointsTo(value, part.type.to());
  }

  /** Learns the same from all variables as they are now. */
  learnAll(): boolean {
    const { types } = this.#world.lab.image;
    const before = this.#pointees.size;
    for (const [address, type] of types.variables()) this.#follow(address, type);
    return this.#pointees.size > before;
  }

  #follow(address: bigint, type: DataType): void {
    const { lab } = this.#world;
    for (const { offset, to } of pointersIn(type)) {
      if (lab.image.segmentAt(address + BigInt(offset)) === undefined) continue;
      const pointer = lab.readLong(0, address + BigInt(offset));
      const pointee = to();
      if (this.#pointsTo(pointer, pointee) && pointee !== undefined) this.#follow(pointer, pointee);
    }
  }

  /** True when it was not known that a struct is there. */
  #pointsTo(address: bigint, type: DataType | undefined): boolean {
    if (type?.kind !== 'struct' || this.#pointees.has(address)) return false;
    const found = this.#world.lab.image.symbolAt(address);
    if (found?.symbol.name !== 'slab' || this.#insideObject(found.offset) !== 0) return false;
    this.#pointees.set(address, type);
    return true;
  }

  #private(offset: number, core: number, size: number): string {
    const { lab } = this.#world;
    if (lab.image.hasSymbol('ABI_PERCPU_REFS') && offset === lab.abi('PERCPU_REFS')) return `text_poke_array_refs[${core}]`;
    const word = this.#world.words.get(DIRECT_MAP_BASE + BigInt(lab.privatePage(core, 0) + offset));
    if (word !== undefined) return word;
    const percpu = lab.image.hasSymbol('ABI_KERNEL_PERCPU') ? this.#perCpu(offset - lab.abi('KERNEL_PERCPU'), size) : undefined;
    if (percpu !== undefined) return percpu.replace(/^\.(\w+)/, `$1[${core}]`);
    const page = (Object.entries(PRIVATE) as [string, number][]).find(([name, n]) => name !== 'pages' && n === offset >> 12);
    return `CPU${core} ${page?.[0] ?? 'private'}+0x${(offset & 0xfff).toString(16)}`;
  }

  /** A word that every core has for itself, by the small world's struct. */
  #perCpu(offset: number, size: number): string | undefined {
    const type = this.#world.lab.image.types.struct('kernel_percpu');
    return type === undefined || offset < 0 ? undefined : partOf(type, offset, size)?.name;
  }

  /** A word of a slab object, or the object itself where `size` is 0: by the name that the world gave its object, else by the type that a pointer told and its place; and by its member. */
  #object(linear: bigint, offset: number, size: number): string {
    const inside = this.#insideObject(offset);
    const start = linear - BigInt(inside);
    const type = this.#pointees.get(start);
    // Objects are given out in the order of their places.
    const number = Math.floor(offset / this.#objectSize());
    const name = this.#world.objects.get(start) ?? `${type?.kind === 'struct' && type.name !== '' ? type.name : 'slab'}[${number}]`;
    if (inside === 0 && size === 0) return name;
    const part = this.#inside(linear, offset, size);
    return part === undefined ? (inside === 0 ? name : `${name}+0x${inside.toString(16)}`) : name + part.name;
  }

  #objectSize(): number {
    return this.#world.lab.abi('SLAB_SIZE') + this.#world.lab.abi('SLAB_REDZONE');
  }

  #insideObject(offset: number): number {
    return offset % this.#objectSize();
  }

  #inside(linear: bigint, offset: number, size: number): { readonly name: string; readonly type: DataType } | undefined {
    const inside = this.#insideObject(offset);
    const type = this.#pointees.get(linear - BigInt(inside));
    return type === undefined ? undefined : partOf(type, inside, size);
  }

  /** A value as a person would write it: bytes for text, a name for an address, else a number. */
  value(physical: number, size: number, value: bigint): string {
    const bytes = Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
    if (this.siteOf(physical) !== undefined) return hexBytes(bytes);
    if (size > FEW_BYTES && bytes.every((b) => b === bytes[0]) && value !== 0n && value !== (1n << BigInt(8 * size)) - 1n)
      return BigInt(bytes[0]!) === POISON ? 'poison' : `${hexBytes(bytes.slice(0, 1))} ...`;
    if (this.#world.lab.image.segmentAt(this.#world.lab.linear(physical))?.executable === true) return hexBytes(bytes);
    if (size === 8 && this.#world.lab.image.segmentAt(value) !== undefined) return this.#world.objects.get(value) ?? this.code(value);
    const signed = BigInt.asIntN(8 * size, value);
    return signed > -10n && signed < 1000n ? `${signed}` : `0x${BigInt.asUintN(8 * size, value).toString(16)}`;
  }

  /** A 64-bit word that may be an address. */
  word(value: bigint): string {
    return this.#world.lab.image.segmentAt(value) === undefined
      ? `0x${value.toString(16)}`
      : (this.#world.objects.get(value) ?? this.code(value));
  }

  /** The instruction at an address that is no site, in AT&T syntax with names for addresses; undefined for what is none. */
  disassembled(bytes: Uint8Array, address: bigint): string | undefined {
    const line = disassemble(bytes, address)[0];
    if (line === undefined || !line.valid || line.bytes.length !== bytes.length) return undefined;
    return line.text.replace(/0x[0-9a-f]{16}/g, (a) => this.word(BigInt(a)));
  }

  /** The instruction of a site in words: `int3`, `call target_b`, `jmp`, `ret`, else undefined. */
  instruction(site: Site, bytes: Uint8Array): string | undefined {
    if (bytes[0] === INT3) return 'int3';
    if ((bytes[0] === 0xe8 || bytes[0] === 0xe9) && bytes.length < 5) return undefined;
    if (bytes[0] === 0x0f && bytes[1] !== 0x1f && bytes.length < 6) return undefined;
    const effect = effectOf(site, bytes);
    switch (effect.kind) {
      case 'next':
        return undefined;
      case 'return':
        return 'ret';
      case 'zero':
        return 'xor %eax,%eax';
      case 'trap':
        return 'ud1';
      case 'branch':
        return `${CONDITIONS[effect.condition]} ${this.code(effect.target)}`;
      default:
        return `${effect.kind === 'call' ? 'call' : 'jmp'} ${this.code(effect.target)}`;
    }
  }

  /** An exception by its name, an interrupt by the entry stub that serves it: `RESCHEDULE`. */
  vector(vector: number): string {
    const stub = this.#world.lab.gates.get(vector)?.replace(/^asm_sysvec_/, '');
    if (stub === undefined || stub.startsWith('asm_')) return exceptionName(vector);
    return stub === 'sync_core' ? 'SYNC' : stub === 'lab_irq' ? 'IRQ' : stub.toUpperCase();
  }

  note(id: number): string {
    return this.#notes.get(id) ?? `note ${id}`;
  }

  /** Why a guest gave up. */
  reason(reason: number): string {
    const exception = this.#world.lab.abi('DIE_EXCEPTION');
    return reason >= exception ? `unexpected ${exceptionName(reason - exception)}` : (this.#reasons.get(reason) ?? `reason ${reason}`);
  }
}
