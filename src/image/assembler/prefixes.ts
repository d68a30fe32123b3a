/** Where each legacy prefix stands in what GNU as writes: segment, address size, operand size, repeat or mandatory, LOCK. */
const PLACES = new Map<number, number>([
  [0x26, 0],
  [0x2e, 0],
  [0x36, 0],
  [0x3e, 0],
  [0x64, 0],
  [0x65, 0],
  [0x67, 1],
  [0x66, 2],
  [0xf2, 3],
  [0xf3, 3],
  [0xf0, 4],
]);

/** The same instruction with its legacy prefixes in the order of GNU as; to the processor the order is nothing (SDM Vol. 2, "Instruction Prefixes"). */
export function orderPrefixes(bytes: Uint8Array): Uint8Array {
  const count = bytes.findIndex((b) => !PLACES.has(b));
  const prefixes = [...bytes.subarray(0, Math.max(count, 0))].sort((a, b) => (PLACES.get(a) ?? 0) - (PLACES.get(b) ?? 0));
  return Uint8Array.from([...prefixes, ...bytes.subarray(prefixes.length)]);
}
