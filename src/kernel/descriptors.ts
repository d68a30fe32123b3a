/** A 64-bit code or a data segment descriptor of CPL `dpl` (SDM Vol. 3, "Segment Descriptors"). */
export const codeSegment = (dpl: number): bigint => 0x00af9b000000ffffn | (BigInt(dpl) << 45n);
export const dataSegment = (dpl: number): bigint => 0x00cf93000000ffffn | (BigInt(dpl) << 45n);

/** The two words of a busy 64-bit TSS descriptor (SDM Vol. 3, "TSS Descriptor in 64-bit mode"). */
export function tssDescriptor(base: bigint, limit: number): [bigint, bigint] {
  const low = BigInt(limit & 0xffff) | ((base & 0xffffffn) << 16n) | (0x8bn << 40n) | (((base >> 24n) & 0xffn) << 56n);
  return [low, base >> 32n];
}

export type GateType = 'interrupt' | 'trap';

/** The two words of a 64-bit gate (SDM Vol. 3, "64-Bit Mode IDT"). `ist` 0 keeps the stack; an interrupt gate clears IF. */
export function gate(handler: bigint, options: { selector: number; type: GateType; ist: number; dpl: number }): [bigint, bigint] {
  const type = options.type === 'interrupt' ? 0xen : 0xfn;
  const low =
    (handler & 0xffffn) |
    (BigInt(options.selector) << 16n) |
    (BigInt(options.ist) << 32n) |
    (type << 40n) |
    (BigInt(options.dpl) << 45n) |
    (1n << 47n) |
    (((handler >> 16n) & 0xffffn) << 48n);
  return [low, handler >> 32n];
}
