/** The instructions that kernels write at patch sites, as bytes (SDM Vol. 2, opcode maps; kernel: `text_gen_insn`). */

const relative = (opcode: number, site: bigint, target: bigint): Uint8Array => {
  const displacement = target - (site + 5n);
  if (displacement !== BigInt.asIntN(32, displacement)) throw new RangeError('target is more than 2 GiB away from the site');
  const bytes = new Uint8Array(5);
  bytes[0] = opcode;
  new DataView(bytes.buffer).setInt32(1, Number(displacement), true);
  return bytes;
};

export const INT3 = 0xcc;

/** call rel32 at `site`. */
export const callTo = (site: bigint, target: bigint): Uint8Array => relative(0xe8, site, target);

/** jmp rel32 at `site`. */
export const jumpTo = (site: bigint, target: bigint): Uint8Array => relative(0xe9, site, target);

/** jmp rel8 at `site`. */
export function shortJumpTo(site: bigint, target: bigint): Uint8Array {
  const displacement = target - (site + 2n);
  if (displacement !== BigInt.asIntN(8, displacement)) throw new RangeError('target is out of reach of a short jump');
  return Uint8Array.of(0xeb, Number(displacement & 0xffn));
}

/** jcc rel32 at `site`; `condition` is the low nibble of the opcode. */
export function jccTo(condition: number, site: bigint, target: bigint): Uint8Array {
  const jump = relative(0, site + 1n, target);
  return Uint8Array.of(0x0f, 0x80 + condition, ...jump.subarray(1));
}

/** The five-byte NOP of ftrace, jump labels and static calls. */
export const nop5 = (): Uint8Array => Uint8Array.of(0x0f, 0x1f, 0x44, 0x00, 0x00);
export const nop2 = (): Uint8Array => Uint8Array.of(0x66, 0x90);

/** ret, padded to a call site's length with INT3 because it does not fall through. */
export const retPadded = (): Uint8Array => Uint8Array.of(0xc3, INT3, INT3, INT3, INT3);

/** "return 0" of a static call: cs cs cs xor %eax,%eax. */
export const returnZero = (): Uint8Array => Uint8Array.of(0x2e, 0x2e, 0x2e, 0x31, 0xc0);

/** A static call that warns: ud1 (%edx),%rdi. */
export const warnTrap = (): Uint8Array => Uint8Array.of(0x67, 0x48, 0x0f, 0xb9, 0x3a);

/** Whether bytes are a NOP of the lengths that patch sites have. */
export const isNop = (bytes: Uint8Array): boolean =>
  (bytes.length === 5 && nop5().every((b, i) => b === bytes[i])) || (bytes.length === 2 && nop2().every((b, i) => b === bytes[i]));
