import type { Site } from '../explore/site.ts';
import { effectOf, INT3 } from '../explore/site.ts';
import type { World } from '../explore/world.ts';
import { Vector } from '../isa/core-state.ts';
import { DIRECT_MAP_BASE, PRIVATE, PRIVATE_AT, PRIVATE_STRIDE } from '../kernel/layout.ts';

/** Bytes as `e8 ab 0a 00 00`. */
export const hexBytes = (bytes: Iterable<number>): string => [...bytes].map((b) => b.toString(16).padStart(2, '0')).join(' ');

/** `#BP` for 3; a vector that is no exception of the architecture is `vector 0x..`. */
export function exceptionName(vector: number): string {
  const found = Object.entries(Vector).find(([, number]) => number === vector);
  return found === undefined ? `vector 0x${vector.toString(16)}` : found[0] === 'NMI' ? 'NMI' : `#${found[0]}`;
}

/** The mnemonics of jcc by condition. */
const CONDITIONS = ['jo', 'jno', 'jb', 'jae', 'je', 'jne', 'jbe', 'ja', 'js', 'jns', 'jp', 'jnp', 'jl', 'jge', 'jle', 'jg'] as const;

const RECORD_FIELDS = [
  ['ADDR', 'addr'],
  ['DISP', 'disp'],
  ['LEN', 'len'],
  ['OPCODE', 'opcode'],
  ['OLD', 'old'],
  ['TEXT', 'text'],
  ['OLD_OPCODE', 'old_opcode'],
  ['OLD_DISP', 'old_disp'],
] as const;

/** Says addresses and values of one world in the words of its image and its sites. */
export class Names {
  readonly #world: World;
  readonly #notes: ReadonlyMap<number, string>;
  readonly #reasons: ReadonlyMap<number, string>;
  readonly #fields: ReadonlyMap<number, string>;

  constructor(world: World) {
    this.#world = world;
    const abi = (name: string): number[] => (world.lab.image.hasSymbol(`ABI_${name}`) ? [world.lab.abi(name)] : []);
    // Whatever the image exports: families have notes and reasons of their own.
    const numbered = (prefix: string): Map<number, string> =>
      new Map(
        world.lab.image.symbols
          .filter((s) => s.name.startsWith(`ABI_${prefix}_`))
          .map((s) => [Number(BigInt.asIntN(64, s.address)), s.name.slice(5 + prefix.length)] as const),
      );
    this.#notes = numbered('NOTE');
    this.#reasons = numbered('DIE');
    this.#fields = new Map(RECORD_FIELDS.flatMap(([n, field]) => abi(`LOC_${n}`).map((at) => [at, field] as const)));
  }

  /** The site that a linear address lies in. */
  siteAt(address: bigint): Site | undefined {
    return this.#world.sites.find((s) => address >= s.address && address < s.address + BigInt(s.versions[0]!.length));
  }

  /** The site that holds a physical address. */
  siteOf(physical: number): Site | undefined {
    return this.siteAt(this.#world.lab.linear(physical));
  }

  /** A place in code: a site by its name, else `function+0x12`. */
  code(address: bigint): string {
    const found = this.#world.lab.image.symbolAt(address);
    if (found?.symbol.name === 'slab') return this.#object(address, found.offset);
    const site = this.siteAt(address);
    if (site === undefined) return this.#world.lab.image.describe(address);
    return address === site.address ? site.name : `${site.name}+${address - site.address}`;
  }

  /** A message with the names of sites in place of the image's symbols for them. */
  plain(message: string): string {
    return this.#world.sites.reduce((text, s) => text.replaceAll(this.#world.lab.image.describe(s.address), s.name), message);
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
    if (core >= 0 && core < this.#world.machine.cores.length) return this.#private(physical - PRIVATE_AT - core * PRIVATE_STRIDE, core);
    const word = this.#world.words.get(linear);
    if (word !== undefined) return word;
    const found = this.#world.lab.image.symbolAt(linear);
    if (found === undefined) return `physical 0x${physical.toString(16)}`;
    if (found.symbol.name === 'text_poke_array') return this.#record(found.offset);
    if (found.symbol.name === 'slab') return this.#object(linear, found.offset);
    return this.#world.lab.image.describe(linear);
  }

  #private(offset: number, core: number): string {
    const { lab } = this.#world;
    if (lab.image.hasSymbol('ABI_PERCPU_REFS') && offset === lab.abi('PERCPU_REFS')) return `text_poke_array_refs[${core}]`;
    const word = this.#world.words.get(DIRECT_MAP_BASE + BigInt(lab.privatePage(core, 0) + offset));
    if (word !== undefined) return word;
    const page = (Object.entries(PRIVATE) as [string, number][]).find(([name, n]) => name !== 'pages' && n === offset >> 12);
    return `CPU${core} ${page?.[0] ?? 'private'}+0x${(offset & 0xfff).toString(16)}`;
  }

  /** A word of a slab object: by the name that the world gave its object, else by its place. */
  #object(linear: bigint, offset: number): string {
    const { lab } = this.#world;
    const size = lab.abi('SLAB_SIZE') + lab.abi('SLAB_REDZONE');
    const inside = offset % size;
    const name = this.#world.objects.get(linear - BigInt(inside)) ?? `slab[${Math.floor(offset / size)}]`;
    return inside === 0 ? name : `${name}+0x${inside.toString(16)}`;
  }

  #record(offset: number): string {
    const { lab } = this.#world;
    if (offset === lab.abi('ARRAY_NR')) return 'text_poke_array.nr';
    const size = lab.abi('LOC_SIZE');
    return `text_poke_array.vec[${Math.floor(offset / size)}].${this.#fields.get(offset % size) ?? `+0x${(offset % size).toString(16)}`}`;
  }

  /** A value as a person would write it: bytes for text, a name for an address, else a number. */
  value(physical: number, size: number, value: bigint): string {
    if (this.siteOf(physical) !== undefined)
      return hexBytes(Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn)));
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
