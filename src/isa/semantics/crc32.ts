import type { Category, Semantics } from './semantics.ts';

/** CRC-32C (Castagnoli) of the bits of 11EDC6F41, reflected, as the instruction's bit order is (SDM Vol. 2, "CRC32"). */
const POLYNOMIAL = 0x82f63b78n;

const crc32: Semantics = (p, i) => {
  const [destination, source] = i.operands;
  const one = p.constant(1);
  const data = p.read(source);
  const rest = p.variable(p.xor(p.zeroExtend(p.read(destination), 32), data));
  const left = p.variable(p.constant(source.size));
  p.loop(
    () => left.get(),
    () => {
      const value = rest.get();
      rest.set(p.xor(p.shr(value, one), p.and(p.sub(p.constant(0), p.and(value, one)), p.constant(POLYNOMIAL))));
      left.set(p.sub(left.get(), one));
    },
  );
  p.write(destination, rest.get());
};

export const crc: Category = { crc32 };
