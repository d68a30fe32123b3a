import { CORE } from '../../engine/layout.ts';
import type { Core } from '../../machine/core.ts';
import { readLinear, translate } from '../../machine/look.ts';
import type { Machine } from '../../machine/machine.ts';
import { PAE, pagingMode } from '../../machine/paging-modes.ts';

/** Where bytes lie, and what that was worked out from: registers and words of page tables. */
interface Place {
  readonly cr0: number;
  /** Its halves. */
  readonly cr3: readonly [number, number];
  readonly cr4: number;
  readonly efer: number;
  readonly mode: number;
  /** Entries of page tables, four bytes each: number of the word in the engine's memory, and what was there. */
  readonly entries: readonly (readonly [at: number, value: number])[];
  /** Offsets in the engine's memory of the first byte of each page's part, and how many bytes of it. */
  readonly parts: readonly (readonly [at: number, count: number])[];
}

const PAGE_BYTES = 4096;

/**
 * Bytes at a linear address as a core sees them, looked at again and again: where they lie is worked out anew only when what says so has changed. Reads of the core are
 * asked for by `readLinear`, which this gives the same bytes as.
 */
export class WatchedBytes {
  readonly #machine: Machine;
  readonly #core: Core;
  readonly #address: bigint;
  readonly #size: number;
  readonly #view: 'memory' | 'core';
  #bytes: Uint8Array;
  #place: Place | undefined;

  constructor(machine: Machine, core: Core, address: bigint, size: number, view: 'memory' | 'core' = 'core') {
    this.#machine = machine;
    this.#core = core;
    this.#address = address;
    this.#size = size;
    this.#view = view;
    this.#bytes = this.#read();
    this.#place = this.#find();
  }

  /** What they were when they were last looked at; fewer where not all are mapped. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Looks again: whether they are other ones than the last time. */
  changed(): boolean {
    const place = this.#place;
    const alone = this.#view === 'memory' || this.#core.raw(CORE.storeBufferCount) === 0;
    if (alone && place !== undefined && this.#holds(place)) {
      if (this.#same(place)) return false;
      this.#bytes = this.#read();
      return true;
    }
    const before = this.#bytes;
    this.#bytes = this.#read();
    this.#place = this.#find();
    return before.length !== this.#bytes.length || this.#bytes.some((byte, n) => byte !== before[n]);
  }

  #read(): Uint8Array {
    return readLinear(this.#machine, this.#core, this.#address, this.#size, this.#view);
  }

  #same({ parts }: Place): boolean {
    const { bytes } = this.#machine.engine;
    let n = 0;
    for (const [at, count] of parts) for (let k = 0; k < count; k++) if (bytes[at + k] !== this.#bytes[n++]) return false;
    return true;
  }

  #holds({ cr0, cr3, cr4, efer, mode, entries }: Place): boolean {
    const core = this.#core;
    if (core.mode !== mode || core.small('cr0') !== cr0 || core.small('cr4') !== cr4 || core.small('efer') !== efer) return false;
    if (core.small('cr3') !== cr3[0] || core.high('cr3') !== cr3[1]) return false;
    const { words } = this.#machine.engine;
    for (const [at, value] of entries) if (words[at] !== value) return false;
    return true;
  }

  /** Undefined where not all bytes are mapped, and with PAE, whose first entries are registers. */
  #find(): Place | undefined {
    const core = this.#core;
    const { map, words } = this.#machine.engine;
    if (pagingMode({ cr0: core.get('cr0'), cr4: core.get('cr4'), efer: core.get('efer') }) === PAE) return undefined;
    const entries: (readonly [number, number])[] = [];
    const parts: (readonly [number, number])[] = [];
    for (let done = 0; done < this.#size; ) {
      const at = BigInt.asUintN(64, this.#address + BigInt(done));
      const physical = translate(this.#machine, core, at, (entry, bytes) => {
        for (let n = 0; n < bytes; n += 4) {
          const word = (map.ram + entry + n) >> 2;
          entries.push([word, words[word] as number]);
        }
      });
      if (physical === undefined) return undefined;
      const count = Math.min(this.#size - done, PAGE_BYTES - (physical % PAGE_BYTES));
      parts.push([map.ram + physical, count]);
      done += count;
    }
    const registers = { cr0: core.small('cr0'), cr4: core.small('cr4'), efer: core.small('efer'), mode: core.mode };
    return { ...registers, cr3: [core.small('cr3'), core.high('cr3')], entries, parts };
  }
}
