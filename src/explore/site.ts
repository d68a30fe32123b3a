/** A patch site and the instructions that it may legitimately hold. */
export interface Site {
  /** Name for messages: the kernel's word for it. */
  readonly name: string;
  /** Linear address of the first byte. */
  readonly address: bigint;
  /** Whole instructions in the order in which they are published; the first is what is there at the start. All of one length. */
  readonly versions: readonly Uint8Array[];
  /** Lengths of the instructions that a version consists of, for one that is more than one instruction. */
  readonly lengths?: readonly (readonly number[])[];
  /** Index in `versions` of what must be there at the end. */
  readonly final: number;
  /** Instructions that a #BP here may be emulated as besides the later versions: where the bytes and what stands for them differ. */
  readonly emulated?: readonly Uint8Array[];
}

/** What executing a version does to control and stack: how emulation is judged. */
export type Effect =
  | { readonly kind: 'next' }
  | { readonly kind: 'jump'; readonly target: bigint }
  | { readonly kind: 'call'; readonly target: bigint }
  | { readonly kind: 'return' }
  /** jcc: to the target where the condition (the low nibble of the opcode) holds, else to the next instruction. */
  | { readonly kind: 'branch'; readonly condition: number; readonly target: bigint }
  /** To the next instruction with 0 in RAX: `xor %eax,%eax` behind prefixes, a static call that returns 0. */
  | { readonly kind: 'zero' }
  /** An exception: UD1, a static call that warns. */
  | { readonly kind: 'trap' };

const startsWith = (bytes: Uint8Array, ...wanted: readonly number[]): boolean => wanted.every((b, i) => bytes[i] === b);

/** The effect of the forms that a site may hold: call, jmp, jcc, ret, the two forms of "return 0", UD1 with its prefixes, NOPs. */
export function effectOf(site: Site, bytes: Uint8Array): Effect {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const first = bytes[0] as number;
  if (first >> 4 === 7) {
    return { kind: 'branch', condition: first & 15, target: BigInt.asUintN(64, site.address + 2n + BigInt(view.getInt8(1))) };
  }
  if (first === 0x0f && (bytes[1] as number) >> 4 === 8) {
    const target = BigInt.asUintN(64, site.address + 6n + BigInt(view.getInt32(2, true)));
    return { kind: 'branch', condition: (bytes[1] as number) & 15, target };
  }
  if (startsWith(bytes, 0x2e, 0x2e, 0x2e, 0x31, 0xc0) || startsWith(bytes, 0x66, 0x66, 0x48, 0x31, 0xc0)) return { kind: 'zero' };
  if (startsWith(bytes, 0x67, 0x48, 0x0f, 0xb9)) return { kind: 'trap' };
  switch (first) {
    case 0xe8:
      return { kind: 'call', target: BigInt.asUintN(64, site.address + 5n + BigInt(view.getInt32(1, true))) };
    case 0xe9:
      return { kind: 'jump', target: BigInt.asUintN(64, site.address + 5n + BigInt(view.getInt32(1, true))) };
    case 0xeb:
      return { kind: 'jump', target: BigInt.asUintN(64, site.address + 2n + BigInt(view.getInt8(1))) };
    case 0xc3:
      return { kind: 'return' };
    default:
      return { kind: 'next' };
  }
}

/** Index of the version that has `bytes` as one of its instructions at byte `offset`; -1 when none has. */
export function versionOf(site: Site, offset: number, bytes: Uint8Array): number {
  return site.versions.findIndex((version, v) => {
    let at = 0;
    for (const length of site.lengths?.[v] ?? [version.length]) {
      if (at === offset) return length === bytes.length && bytes.every((b, i) => b === version[offset + i]);
      at += length;
    }
    return false;
  });
}

/** Whether the condition of a jcc holds (SDM Vol. 1, "Condition Test Field": bit 0 negates). */
export function conditionHolds(condition: number, rflags: bigint): boolean {
  const [cf, pf, zf, sf, of] = [0n, 2n, 6n, 7n, 11n].map((bit) => ((rflags >> bit) & 1n) === 1n);
  const holds = [of, cf, zf, cf || zf, sf, pf, sf !== of, zf || sf !== of][condition >> 1];
  return holds !== ((condition & 1) === 1);
}

export const INT3 = 0xcc;
