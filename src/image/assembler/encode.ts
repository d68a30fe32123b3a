import { Decoder, DecoderOptions, Register } from 'iced-x86';
import type { Asked, AskedOperand } from './asked.ts';
import { encodeBranch, targetOf } from './branches.ts';
import { AsmFailure, BackendRefusal } from './failure.ts';
import { inspect } from './guard.ts';
import { ownEncodings } from './own-encoder.ts';
import { orderPrefixes } from './prefixes.ts';
import type { Instantiated } from './template.ts';

/** What a third-party assembler is used for: the bytes of one instruction with plain numbers, no labels, no directives, no direct branch. */
export interface Backend {
  readonly name: string;
  readonly description: string;
  /** Throws `BackendRefusal` when it cannot. What it returns is not trusted. */
  encode(asked: Asked, address: bigint): Uint8Array;
}

export interface Encoded {
  readonly bytes: Uint8Array;
  readonly by: 'backend' | 'own';
}

/**
 * Encodes instructions through a backend and never lets wrong bytes out:
 *
 * 1. direct branches are ours, since their length is a matter of layout;
 * 2. what no form of the instruction set can hold is refused, before the backend sees it (keystone aborts on some of it);
 * 3. our own encoder makes every form that decodes to what was asked and chooses as GNU as does;
 * 4. the backend's bytes count when they are that choice. Where they are not, wrong or only different, our own are taken.
 *
 * So the bytes of a text, and the hash of its image, do not depend on which backend is installed.
 */
export class GuardedEncoder {
  readonly #backend: Backend;
  readonly #cache = new Map<string, Encoded>();
  /** Of bytes with a RIP-relative operand, where its displacement begins. */
  readonly #displacementAt = new Map<Uint8Array, number>();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** The bytes at `address`; undefined for a branch whose short form does not reach (ask again with `near`). */
  encode(instruction: Instantiated, address: bigint, near: boolean): Encoded | undefined {
    const { asked, ripTarget } = instruction;
    if (targetOf(asked)) {
      const bytes = encodeBranch(asked, address, near);
      if (!bytes) return undefined;
      const verdict = inspect(asked, bytes, address);
      if (verdict.wrong !== undefined) throw refusal(asked, verdict.wrong);
      return { bytes, by: 'own' };
    }
    if (ripTarget === undefined) return this.#encodeCached(asked, address);
    const pattern = this.#encodeCached(asked, address);
    const displacement = BigInt.asIntN(64, ripTarget - (address + BigInt(pattern.bytes.length)));
    if (displacement < -(1n << 31n) || displacement >= 1n << 31n) {
      throw new AsmFailure(
        `0x${ripTarget.toString(16)} is ${displacement} bytes away, too far for a RIP-relative operand`,
        asked.place,
        'load the address with movabs',
      );
    }
    const operands = asked.operands.map((o): AskedOperand => (o.kind === 'memory' && o.base === Register.RIP ? { ...o, displacement } : o));
    const reaching = { ...asked, operands };
    return this.#moved(pattern, reaching, displacement, address) ?? this.#encodeCached(reaching, address);
  }

  /**
   * The bytes of an instruction that is known with another RIP-relative displacement, which always takes four bytes. Undefined when that does not make
   * what was asked for.
   */
  #moved({ bytes: known, by }: Encoded, asked: Asked, displacement: bigint, address: bigint): Encoded | undefined {
    const bytes = known.slice();
    new DataView(bytes.buffer).setInt32(this.#offsetOfDisplacement(known), Number(displacement), true);
    return inspect(asked, bytes, address).wrong === undefined ? { bytes, by } : undefined;
  }

  #offsetOfDisplacement(bytes: Uint8Array): number {
    let at = this.#displacementAt.get(bytes);
    if (at === undefined) {
      const decoder = new Decoder(64, bytes, DecoderOptions.None);
      const decoded = decoder.decode();
      const offsets = decoder.getConstantOffsets(decoded);
      at = offsets.displacementOffset;
      for (const made of [offsets, decoded, decoder]) made.free();
      this.#displacementAt.set(bytes, at);
    }
    return at;
  }

  #encodeCached(asked: Asked, address: bigint): Encoded {
    const key = keyOf(asked);
    const known = this.#cache.get(key);
    if (known) return known;
    const encoded = this.#encodePlain(asked, address);
    this.#cache.set(key, encoded);
    return encoded;
  }

  #encodePlain(asked: Asked, address: bigint): Encoded {
    refuseAmbiguous(asked, address);
    const own = ownEncodings(asked, address);
    const shortest = own[0]?.bytes;
    if (!shortest) throw refusal(asked, 'no form of it takes them');
    try {
      const bytes = orderPrefixes(this.#backend.encode(asked, address));
      if (bytes.length === shortest.length && bytes.every((b, i) => b === shortest[i])) return { bytes, by: 'backend' };
    } catch (error) {
      if (!(error instanceof BackendRefusal)) throw error;
    }
    return { bytes: shortest, by: 'own' };
  }
}

/** Refuses a memory operand whose size nothing says. What would fit the immediate must not decide: GNU as would choose otherwise. */
function refuseAmbiguous(asked: Asked, address: bigint): void {
  if (!asked.operands.some((o) => o.kind === 'memory' && o.size === undefined)) return;
  const operands = asked.operands.map((o): AskedOperand => (o.kind === 'immediate' ? { ...o, value: 1n } : o));
  const sizes = new Set(ownEncodings({ ...asked, operands }, address).map((e) => e.memoryBits));
  if (sizes.size <= 1) return;
  const list = [...sizes].sort((a, b) => a - b).join(', ');
  const suffixes = asked.mnemonic.startsWith('f') ? 's, l, t or q' : 'b, w, l or q';
  const hint = asked.syntax === 'att' ? `add a suffix: ${suffixes}` : 'say byte ptr, word ptr, dword ptr or qword ptr';
  throw new AsmFailure(`the operand size of ${asked.written} is ambiguous: ${list} bits`, asked.place, hint);
}

const refusal = (asked: Asked, why: string): AsmFailure =>
  new AsmFailure(
    `${asked.written} with these operands cannot be encoded (${why})`,
    asked.place,
    'check sizes and ranges; .byte puts bytes in as they are',
  );

/** Two instructions of one key have the same bytes at every address. */
function keyOf(asked: Asked): string {
  const operands = asked.operands.map((o) => {
    switch (o.kind) {
      case 'register':
        return `r${o.register}`;
      case 'immediate':
        return `i${o.value}`;
      case 'memory':
        return `m${o.size},${o.segment},${o.base},${o.index},${o.scale},${o.displacement}`;
      case 'target':
        return `t${o.address}`;
    }
  });
  const { syntax, written, mnemonic, lock, repeat, notrack, size, wide, displacementBytes } = asked;
  return [syntax, written, mnemonic, lock, repeat, notrack, size, wide, displacementBytes, ...operands].join(' ');
}
