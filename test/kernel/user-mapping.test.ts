import { expect, test } from 'vitest';
import { Lab } from '../../src/kernel/lab.ts';
import { DIRECT_MAP_BASE, KERNEL_BASE } from '../../src/kernel/layout.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

const image = builtFixture('user');
const lab = new Lab(image, { cores: 1 });

test('what user mode sees lies at low addresses, has a write alias, and is found from its physical address', () => {
  const address = lab.symbol('jit_fn');
  const segment = image.segmentAt(address)!;
  expect(address).toBeLessThan(1n << 47n);
  expect(lab.physical(address)).toBe(Number(segment.physical + address - segment.address));
  expect(lab.alias(address)).toBe(DIRECT_MAP_BASE + BigInt(lab.physical(address)));
  expect(lab.linear(lab.physical(address))).toBe(address);
  expect(lab.physicalFor(0, address)).toBe(lab.physical(address));
  expect(lab.peek(address, 1)).toEqual(Uint8Array.of(0xb8));
});

test('the kernel image stays where it was', () => {
  const address = lab.symbol('do_syscall_64');
  expect(lab.physical(address)).toBe(Number(address - KERNEL_BASE));
  expect(lab.linear(lab.physical(address))).toBe(address);
});

test('a low address that nothing is mapped at is refused', () => {
  expect(() => lab.physical(0x10n)).toThrow(RangeError);
  expect(lab.physicalFor(0, 0x10n)).toBeUndefined();
});
