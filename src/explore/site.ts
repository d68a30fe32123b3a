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
}

/** What executing a version does to control and stack: how emulation is judged. */
export type Effect =
  | { readonly kind: 'next' }
  | { readonly kind: 'jump'; readonly target: bigint }
  | { readonly kind: 'call'; readonly target: bigint }
  | { readonly kind: 'return' };

/** The effect of the forms that a site may hold (call, jmp, short jmp, ret, NOPs). */
export function effectOf(site: Site, bytes: Uint8Array): Effect {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  switch (bytes[0]) {
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

export const INT3 = 0xcc;
