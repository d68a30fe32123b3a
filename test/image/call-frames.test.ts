import { describe, expect, test } from 'vitest';
import { CallFrames } from '../../src/image/call-frames.ts';
import type { ElfSection } from '../../src/image/elf.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

const section = (name: string, bytes: readonly number[], address = 0n): ElfSection => ({
  index: 1,
  name,
  type: 1,
  flags: 0n,
  address,
  offset: 0,
  size: bytes.length,
  bytes: Uint8Array.from(bytes),
  link: 0,
  entrySize: 0,
});
const u32 = (n: number): number[] => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >> 24) & 255];
const u64 = (n: number): number[] => [...u32(n), 0, 0, 0, 0];
const entry = (...body: readonly number[]): number[] => [...u32(body.length), ...body];
/** Version 1, no augmentation, code 1, data -8, return column 16; CFA is rsp+8, rip at CFA-8. */
const CIE = entry(...u32(-1), 1, 0, 1, 0x78, 16, 0x0c, 7, 8, 0x90, 1);
const fde = (...program: readonly number[]): number[] => entry(...u32(0), ...u64(0x1000), ...u64(0x20), ...program);
const rowsOf = (...program: readonly number[]): CallFrames => CallFrames.read([section('.debug_frame', [...CIE, ...fde(...program)])], 'x');

describe('call frames', () => {
  test('a push moves the canonical frame address and saves the register', () => {
    // push %rbp; mov %rsp,%rbp: advance 1, offset 16, rbp at CFA-16; advance 3, CFA is rbp+16.
    const frames = rowsOf(0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6);
    expect(frames.rowAt(0x1000n)).toEqual({ register: 4, offset: 8, returnAt: -8, saved: new Map() });
    expect(frames.rowAt(0x1001n)).toEqual({ register: 4, offset: 16, returnAt: -8, saved: new Map([[5, -16]]) });
    expect(frames.rowAt(0x101fn)).toEqual({ register: 5, offset: 16, returnAt: -8, saved: new Map([[5, -16]]) });
    expect(frames.rowAt(0xfffn)).toBeUndefined();
    expect(frames.rowAt(0x1020n)).toBeUndefined();
  });

  test('what was remembered comes back, and a restored register is as it was at the start', () => {
    const frames = rowsOf(0x41, 0x0a, 0x0e, 24, 0x83, 3, 0x41, 0xc3, 0x41, 0x0b);
    expect(frames.rowAt(0x1001n)).toMatchObject({ offset: 24, saved: new Map([[3, -24]]) });
    expect(frames.rowAt(0x1002n)).toMatchObject({ offset: 24, saved: new Map() });
    expect(frames.rowAt(0x1003n)).toMatchObject({ offset: 8 });
  });

  test('a frame by an expression is not known', () => {
    const frames = rowsOf(0x41, 0x0f, 2, 0x77, 8);
    expect(frames.rowAt(0x1000n)).toBeDefined();
    expect(frames.rowAt(0x1001n)).toBeUndefined();
  });

  test('.eh_frame has addresses relative to themselves, and ends with a zero', () => {
    const cie = entry(...u32(0), 1, 0x7a, 0x52, 0, 1, 0x78, 16, 1, 0x1b, 0x0c, 7, 8, 0x90, 1);
    const body = [...u32(cie.length + 4), ...u32(0x1000 - (0x2000 + cie.length + 8)), ...u32(0x10), 0, 0x41, 0x0e, 16];
    const frames = CallFrames.read([section('.eh_frame', [...cie, ...entry(...body), ...u32(0), 1, 2, 3], 0x2000n)], 'x');
    expect(frames.rowAt(0x1000n)).toMatchObject({ register: 4, offset: 8 });
    expect(frames.rowAt(0x100fn)).toMatchObject({ register: 4, offset: 16 });
    expect(frames.rowAt(0x1010n)).toBeUndefined();
  });

  test('damage is an error that says where', () => {
    expect(() => CallFrames.read([section('.debug_frame', [...u32(100), 1, 2])], 'x')).toThrow(/longer than the section/);
  });

  test('functions of a fixture in C are described, those in assembly are not', () => {
    const image = builtFixture('lab');
    const c = image.symbol('ftrace_int3_handler').address;
    expect(image.frames.rowAt(c)).toEqual({ register: 4, offset: 8, returnAt: -8, saved: new Map() });
    expect(image.frames.rowAt(image.symbol('victim_main').address)).toBeUndefined();
  });
});
