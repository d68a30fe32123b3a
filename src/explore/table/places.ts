import { META_BASE, META_CORE_BYTES, META_SHARED_BYTES, PAGE, SHADOW } from '../../engine/layout.ts';
import type { Machine } from '../../machine/machine.ts';
import { TEXT_META_BYTES } from '../../machine/text-versions.ts';

/** What part of the state a quadword of linear memory belongs to. */
export type Part =
  /** Versions of patched text. */
  | 'text'
  /** A slot of its own: several may access it. */
  | 'word'
  /** What the core with that number alone knows. */
  | number;

const META_CORES = META_BASE + META_SHARED_BYTES;

/** Says which part of the state each quadword is, by what the machine has learned about who touches it. */
export class Places {
  readonly #machine: Machine;
  /** Quadwords that have a slot of their own although no core was seen to share them. */
  readonly #forced: ReadonlySet<number>;

  constructor(machine: Machine, forced: ReadonlySet<number>) {
    this.#machine = machine;
    this.#forced = forced;
  }

  /** The part of the quadword at an offset of linear memory. */
  of(cell: number): Part {
    const { map, view } = this.#machine.engine;
    if (cell < map.ram) {
      if (cell < META_BASE + TEXT_META_BYTES) return 'text';
      return cell < META_CORES ? 'word' : Math.floor((cell - META_CORES) / META_CORE_BYTES);
    }
    const physical = cell - map.ram;
    const word = view.getUint32(map.shadow + (physical >>> 3) * 4, true);
    const writers = (word >>> SHADOW.writersShift) & SHADOW.readers;
    const everyone = (word & SHADOW.readers) | writers;
    if ((word & (SHADOW.declared | SHADOW.text)) !== 0 || this.#forced.has(cell)) return 'word';
    if (writers !== 0 && (everyone & (everyone - 1)) !== 0) return 'word';
    const info = this.#machine.pageInfo(physical);
    if ((info & PAGE.pageTable) !== 0) return 'word';
    const owner = info & PAGE.laneMask;
    if (owner !== 0) return owner - 1;
    // Nobody's access: a store of the machine itself.
    return everyone === 0 ? 'word' : 31 - Math.clz32(everyone);
  }

  /** A quadword of RAM that no core's access has made known: tables of pages and descriptors, switches of the image. */
  untouched(cell: number): boolean {
    const { map, view } = this.#machine.engine;
    if (cell < map.ram || this.#forced.has(cell)) return false;
    const physical = cell - map.ram;
    const word = view.getUint32(map.shadow + (physical >>> 3) * 4, true);
    return word === 0 || ((word & (SHADOW.declared | SHADOW.text)) === 0 && (this.#machine.pageInfo(physical) & PAGE.pageTable) !== 0);
  }

  /** Two words that name a private quadword the same whichever of several symmetric cores it belongs to. */
  key(cell: number): readonly [number, number] {
    const { map } = this.#machine.engine;
    if (cell < map.ram) return [-1, (cell - META_CORES) % META_CORE_BYTES];
    const physical = cell - map.ram;
    const info = this.#machine.pageInfo(physical);
    return [(info & PAGE.laneMask) === 0 ? physical >>> 12 : info >>> 8, physical & 0xfff];
  }
}
