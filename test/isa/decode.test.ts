import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gprOffset, OFFSET } from '../../src/isa/core-state.ts';
import { type Decoded, decode, identify } from '../../src/isa/decode.ts';
import { formKey } from '../../src/isa/instruction.ts';

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(hex.match(/[0-9a-f]{2}/g) ?? [], (pair) => Number.parseInt(pair, 16));

type Known = Extract<Decoded, { kind: 'instruction' }>;

function known(hex: string): Known {
  const decoded = decode(bytesOf(hex));
  if (decoded.kind !== 'instruction') throw new Error(`${hex} decodes to ${decoded.kind}`);
  return decoded;
}

const form = (hex: string): string => formKey(known(hex).instruction);

describe('decode: kinds', () => {
  it.each([
    ['90', 'instruction'],
    ['62f17c4858c1', 'unimplemented'], // vaddps of 512 bits
    ['d8c1', 'instruction'], // fadd
    ['06', 'invalid'],
    ['480f24', 'invalid'],
    ['f089c8', 'invalid'], // lock mov
    ['f001c8', 'invalid'], // lock add with a register destination
    ['0f22c8', 'invalid'], // mov cr1, rax
    ['ea0000000000', 'invalid'],
    ['', 'truncated'],
    ['66', 'truncated'],
  ])('%s is %s', (hex, kind) => {
    expect(decode(bytesOf(hex)).kind).toBe(kind);
  });

  it('names what it has no semantics for', () => {
    expect(decode(bytesOf('62f17c4858c1'))).toEqual({ kind: 'unimplemented', name: 'vaddps', length: 6, features: ['AVX512F'] });
    expect(identify(bytesOf('0fc7f0'))).toEqual({ name: 'rdrand', length: 3, features: ['RDRAND'] });
    expect(identify(bytesOf('06'))).toBeUndefined();
    expect(identify(bytesOf('0fc7'))).toBeUndefined();
  });

  it('asks for more bytes at every place where an instruction may end early', () => {
    const whole = bytesOf('66 f0 48 81 84 88 78563412 04030201');
    for (let n = 0; n < whole.length; n++) expect(decode(whole.subarray(0, n)).kind).toBe('truncated');
    expect(decode(whole).kind).toBe('instruction');
  });

  it('takes 15 bytes and no more', () => {
    expect(known(`${'2e'.repeat(14)}90`).length).toBe(15);
    expect(decode(bytesOf(`${'2e'.repeat(15)}90`)).kind).toBe('tooLong');
    expect(decode(bytesOf(`${'66'.repeat(14)}06`)).kind).toBe('invalid');
    expect(decode(bytesOf(`${'2e'.repeat(10)}81c044332211`)).kind).toBe('tooLong');
  });
});

describe('decode: forms and records', () => {
  it.each([
    ['01c8', 'add:32:r0.32,r1.32/none'],
    ['4801c8', 'add:64:r0.64,r1.64/none'],
    ['f0480fc108', 'lock xadd:64:m64,r0.64/flat'],
    ['488708', 'lock xchg:64:m64,r0.64/flat'],
    ['6448 8b 04 25 28000000', 'mov:64:r0.64,m64/general'],
    ['67488b00', 'mov:64:r0.64,m64/general32'],
    ['f3a4', 'rep movs:8:/none'],
    ['f2a4', 'rep movs:8:/none'],
    ['f2ae', 'repne scas:8:/none'],
    ['67f348ab', 'rep stos:64:/none32'],
    ['ff10', 'call:64:m64/flat'],
    ['ff18', 'call_far:32:m64/flat'],
    ['ff28', 'jmp_far:32:m64/flat'],
    ['48ff28', 'jmp_far:64:m80/flat'],
    ['ca0800', 'retf:32:i16/none'],
    ['48ca0800', 'retf:64:i16/none'],
    ['66ca0800', 'retf:16:i16/none'],
    ['e800000000', 'call:64:/none'],
    ['66e800000000', 'call:64:/none'],
    ['6655', 'push:16:r0.16/none'],
    ['9c', 'pushf:64:/none'],
    ['48cf', 'iret:64:/none'],
    ['67e300', 'jrcxz:64:/none32'],
    ['0f22d8', 'mov_to_cr:64:r0.64,r1.64/none'],
    ['8ed8', 'mov_to_sreg:16:r0.16,r1.32/none'],
    ['0fa1', 'pop_sreg:64:r0.16/none'],
    ['f2e1fe', 'loopne:64:/none'],
    ['f34190', 'xchg:32:r0.32,r1.32/none'],
    ['f390', 'pause:32:/none'],
  ])('%s is %s', (hex, key) => {
    expect(form(hex)).toBe(key);
  });

  it('shares one object between equal forms', () => {
    expect(known('01c8').instruction).toBe(known('4101d1').instruction);
    expect(known('01c8').instruction).not.toBe(known('29c8').instruction);
  });

  it('puts high byte registers one above their register', () => {
    expect(known('00e1').fields.registers.slice(0, 2)).toEqual([gprOffset(1), gprOffset(0) + 1]);
    expect(known('4000e1').fields.registers.slice(0, 2)).toEqual([gprOffset(1), gprOffset(4)]);
  });

  it('keeps RIP-relative operands and branches relative', () => {
    const load = known('488b0510000000').fields;
    expect([load.base, load.displacement]).toEqual([OFFSET.rip, 0x17]);
    expect(known('488b05f9ffffff').fields.displacement).toBe(0);
    expect(known('eb02').fields.immediate).toBe(2n);
    expect(BigInt.asIntN(64, known('e8fbffffff').fields.immediate)).toBe(-5n);
  });

  it('splits an address into base, index, scale, displacement and segment', () => {
    expect(known('65488b44cdf8').fields).toMatchObject({
      base: gprOffset(5),
      index: gprOffset(1),
      scale: 3,
      displacement: -8,
      segment: OFFSET.gsBase,
      stackSegment: false,
    });
    expect(known('488b4500').fields.stackSegment).toBe(true);
    expect(known('3e488b4500').fields.stackSegment).toBe(true);
    expect(known('488b0425f0ffffff').fields).toMatchObject({ base: OFFSET.zero, index: OFFSET.zero, displacement: -16 });
  });

  it('extends immediates as the encoding says', () => {
    expect(BigInt.asUintN(64, known('4883c0ff').fields.immediate)).toBe(0xffffffffffffffffn);
    expect(known('48b88877665544332211').fields.immediate).toBe(0x1122334455667788n);
    expect(known('48a18877665544332211').fields.immediate).toBe(0x1122334455667788n);
    expect(form('48a18877665544332211')).toBe('movabs:64:r0.64,i64/none');
    expect(known('c8100203').fields.immediate).toBe(0x030210n);
  });

  it('masks shift counts and drops one that is 0', () => {
    expect(known('c1e023').fields.immediate).toBe(3n);
    expect(form('c1e020')).toBe('shl:32:r0.32/none');
    expect(form('48c1e020')).toBe('shl:64:r0.64,i8/none');
    expect(form('d3e0')).toBe('shl:32:r0.32,r1.8/none');
  });

  it('says by how much POP moves an RSP-based operand', () => {
    expect(known('8f0424').fields.immediate).toBe(8n);
    expect(known('668f0424').fields.immediate).toBe(2n);
    expect(known('8f00').fields.immediate).toBe(0n);
  });

  it('keeps the number of a debug register that has an alias', () => {
    expect(known('0f21e0').fields).toMatchObject({ immediate: 4n, registers: [gprOffset(0), OFFSET.dr6, OFFSET.zero] });
    expect(known('0f21f0').fields).toMatchObject({ immediate: 6n, registers: [gprOffset(0), OFFSET.dr6, OFFSET.zero] });
  });

  it('refuses a RIP-relative displacement that does not fit a record', () => {
    expect(decode(bytesOf('488b05ffffff7f')).kind).toBe('unimplemented');
    expect(known('488b05f8ffff7f').fields.displacement).toBe(0x7fffffff);
  });
});

describe('decode: any bytes', () => {
  const someBytes = fc.uint8Array({ minLength: 15, maxLength: 15 });

  it('depends on the bytes of the instruction alone, and needs all of them', () => {
    let seen = 0;
    fc.assert(
      fc.property(someBytes, (bytes) => {
        const decoded = decode(bytes);
        if (decoded.kind !== 'instruction') return;
        seen++;
        expect(decode(bytes.subarray(0, decoded.length))).toEqual(decoded);
        expect(decode(bytes.subarray(0, decoded.length - 1)).kind).toBe('truncated');
      }),
      { numRuns: 3000, seed: 1 },
    );
    expect(seen).toBeGreaterThan(1000);
  });
});
