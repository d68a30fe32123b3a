/** Quadwords in blocks of 128 bits, inside which most vector instructions keep. An MMX register is a block of 64. */
export function blocks<V>(quads: readonly V[]): V[][] {
  if (quads.length < 2) return [[...quads]];
  return Array.from({ length: quads.length / 2 }, (_, n) => quads.slice(2 * n, 2 * n + 2));
}

/** What `operation` makes of the first blocks of the operands, then what it makes of the second ones. */
export function eachBlock<V>(operands: readonly (readonly V[])[], operation: (...blocks: V[][]) => V[]): V[] {
  const [first, ...others] = operands.map((quads) => blocks(quads)) as [V[][], ...V[][][]];
  return first.flatMap((block, n) => operation(block, ...others.map((all) => all[n] as V[])));
}
