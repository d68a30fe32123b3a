import { GuestEvent } from '../../src/engine/reference-port.ts';
import { Vector } from '../../src/isa/core-state.ts';
import type { AccessKind } from '../../src/isa/vocabulary.ts';

/** What is mapped for the vectors: user, writable, the code executable too. */
const REGIONS = [
  { start: 0x10000000n, end: 0x10010000n, fill: 0 },
  { start: 0x500012340000n, end: 0x500012344000n, fill: 0 },
  { start: 0x20000000n, end: 0x20002000n, fill: 0xcc },
] as const;

/** A page fault as a value: a `GuestEvent` with the address. */
export class PageFault extends GuestEvent {
  readonly cr2: bigint;

  constructor(errorCode: bigint, cr2: bigint) {
    super('fault', Vector.PF, errorCode, 0n);
    this.cr2 = cr2;
  }
}

const WRITE = 2n;
const USER = 4n;
const FETCH = 16n;

const isCanonical = (address: bigint): boolean => BigInt.asUintN(64, BigInt.asIntN(48, address)) === address;

/** The memory of the vectors' machine contract: three regions, everything else unmapped. */
export class FlatMemory {
  readonly #regions = REGIONS.map((region) => ({ ...region, bytes: new Uint8Array(Number(region.end - region.start)).fill(region.fill) }));
  /** What stood at each byte that was written since the last `reset`, before it was first written. */
  readonly #before = new Map<bigint, number>();
  #setUp: [bigint, number][] = [];

  /** Back to empty data memory and code memory full of INT3, then with these bytes. */
  reset(initial: readonly (readonly [bigint, Uint8Array])[]): void {
    for (const address of this.#before.keys()) this.#put(address, this.#fill(address));
    for (const [address] of this.#setUp) this.#put(address, this.#fill(address));
    this.#before.clear();
    this.#setUp = initial.flatMap(([start, bytes]) => Array.from(bytes, (byte, n): [bigint, number] => [start + BigInt(n), byte]));
    for (const [address, byte] of this.#setUp) if (this.#region(address) !== undefined) this.#put(address, byte);
  }

  /** Bytes from `address` on, up to `length` or as far as memory is mapped. */
  fetch(address: bigint, length: number): Uint8Array {
    const region = this.#region(address);
    if (region === undefined) return new Uint8Array();
    const at = Number(address - region.start);
    return region.bytes.slice(at, at + length);
  }

  fetchFault(address: bigint): PageFault {
    return new PageFault(USER | FETCH, address);
  }

  load(address: bigint, bytes: number, kind: AccessKind, modify: boolean): bigint {
    this.#check(address, bytes, kind, modify);
    let value = 0n;
    for (let n = bytes - 1; n >= 0; n--) value = (value << 8n) | BigInt(this.#get(address + BigInt(n)));
    return value;
  }

  store(address: bigint, bytes: number, value: bigint, kind: AccessKind): void {
    this.#check(address, bytes, kind, true);
    for (let n = 0; n < bytes; n++) {
      const at = address + BigInt(n);
      if (!this.#before.has(at)) this.#before.set(at, this.#get(at));
      this.#put(at, Number((value >> BigInt(8 * n)) & 0xffn));
    }
  }

  /** Faults as a store would. */
  probe(address: bigint, bytes: number, kind: AccessKind): void {
    this.#check(address, bytes, kind, true);
  }

  /** Bytes that were written and differ from what stood there. */
  changed(): Map<bigint, number> {
    return new Map(
      [...this.#before]
        .map(([at, old]) => [at, old, this.#get(at)] as const)
        .filter(([, old, now]) => old !== now)
        .map(([at, , now]) => [at, now]),
    );
  }

  /** SDM Vol. 3, "Interrupt 14—Page-Fault Exception": CR2 has the first byte of the access that is not mapped. */
  #check(address: bigint, bytes: number, kind: AccessKind, write: boolean): void {
    // At the top of the address space an access goes on at 0, which is canonical too.
    const last = BigInt.asUintN(64, address + BigInt(bytes - 1));
    if (!isCanonical(address) || !isCanonical(last)) throw new GuestEvent('fault', kind === 'stack' ? Vector.SS : Vector.GP, 0n, 0n);
    for (const at of [address, last]) {
      if (this.#region(at) !== undefined) continue;
      throw new PageFault(USER | (write ? WRITE : 0n), at === address ? at : at & ~0xfffn);
    }
  }

  #region(address: bigint) {
    return this.#regions.find((region) => address >= region.start && address < region.end);
  }

  #fill(address: bigint): number {
    return this.#region(address)?.fill ?? 0;
  }

  #get(address: bigint): number {
    const region = this.#region(address);
    return region === undefined ? 0 : region.bytes[Number(address - region.start)];
  }

  #put(address: bigint, byte: number): void {
    const region = this.#region(address);
    if (region !== undefined) region.bytes[Number(address - region.start)] = byte;
  }
}
