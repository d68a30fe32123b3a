import { expect } from 'vitest';
import type { Operation, Word } from '../../src/patch/operation.ts';
import type { Part, TextWorld } from '../../src/patch/text-poke.ts';

/** A kernel of one core, whose variables have the addresses of their names' order of use. */
export class TinyWorld implements TextWorld {
  readonly cores = 1;
  readonly syncVector = 0xf8;
  readonly #memory = new Map<bigint, bigint>();
  readonly #symbols = new Map<string, bigint>();
  /** What was done, in words: `bp_desc = 1`, `P1 S`, `final sync`. */
  readonly log: string[] = [];

  alias(address: bigint): bigint {
    return address + 0x1_0000_0000n;
  }

  symbol(name: string): bigint {
    const known = this.#symbols.get(name) ?? 0x10_0000n + BigInt(this.#symbols.size * 0x1000);
    this.#symbols.set(name, known);
    return known;
  }

  percpuOf(core: number, field: string): bigint {
    return this.symbol(`${field}[${core}]`);
  }

  /** The little-endian value at an address. */
  value({ address, bytes }: Word): bigint {
    let value = 0n;
    for (let i = bytes - 1; i >= 0; i--) value = (value << 8n) | (this.#memory.get(address + BigInt(i)) ?? 0n);
    return value;
  }

  set({ address, bytes }: Word, value: bigint): void {
    for (let i = 0; i < bytes; i++) this.#memory.set(address + BigInt(i), (value >> BigInt(8 * i)) & 0xffn);
  }

  /** Runs a patcher to its end. */
  run(part: Part): void {
    let answer = 0n;
    for (let next = part.next(); next.done !== true; next = part.next(answer)) answer = this.#perform(next.value);
  }

  #perform(op: Operation): bigint {
    switch (op.do) {
      case 'store':
        this.set(op, op.value);
        this.log.push(`${op.what} = ${op.value}`);
        return 0n;
      case 'load':
        return this.value(op);
      case 'add': {
        const old = this.value(op);
        this.set(op, BigInt.asUintN(8 * op.bytes, old + op.value));
        return old;
      }
      case 'compare-exchange': {
        const old = this.value(op);
        if (old === op.expected) this.set(op, op.value);
        return old;
      }
      case 'wait':
        expect(this.value(op), `${op.what}: nobody else could change it`).toBe(op.value);
        return 0n;
      case 'await':
        expect(op.until(op.words.map((w) => this.value(w))), op.what).toBe(true);
        return 0n;
      case 'mark':
        if (op.mark.kind === 'phase') this.log.push(`P${op.mark.phase} ${op.mark.site.toString(16)}`);
        if (op.mark.kind === 'sync') this.log.push(op.mark.what);
        return 0n;
      case 'call':
        this.log.push(`call ${op.what}`);
        return 0n;
      default:
        return 0n;
    }
  }
}
