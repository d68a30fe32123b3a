import { describe, expect, test } from 'vitest';
import { BareTimeline } from '../../src/debug/timeline/bare-timeline.ts';
import { memoryMapXml, targetXml, threadsXml } from '../../src/gdb/documents.ts';
import { registerFile, registerHex } from '../../src/gdb/registers.ts';
import { SerialLog } from '../../src/gdb/serial.ts';
import { bareTarget } from '../../src/gdb/targets.ts';
import { x87Offset, ymmOffset } from '../../src/isa/core-state.ts';
import { BASE, bareOf } from '../kernel/bare.ts';

const bare = bareOf('nop', { journal: true });
const target = bareTarget(new BareTimeline(bare), new SerialLog(), undefined);
const core = bare.machine.cores[0]!;
const { registers: REGISTERS, inG: IN_G } = registerFile(64);
const hex = (name: string): string => registerHex(REGISTERS.find((r) => r.name === name)!, core, target);

describe('registers', () => {
  test('are little-endian and as wide as target.xml says', () => {
    core.setGpr(3, 0x1122334455667788n);
    expect(hex('rbx')).toBe('8877665544332211');
    expect(hex('rip')).toBe('0000400000000000');
    for (const register of REGISTERS) {
      expect(registerHex(register, core, target), register.name).toHaveLength(register.bits / 4);
      expect(targetXml(target.registers)).toContain(`<reg name="${register.name}" bitsize="${register.bits}"`);
    }
    expect(new Set(REGISTERS.map((r) => r.name)).size).toBe(REGISTERS.length);
  });

  test('what is our own comes behind what a g packet holds', () => {
    expect(REGISTERS.slice(0, IN_G).some((r) => r.name === 'cr0')).toBe(false);
    expect(REGISTERS.slice(IN_G).map((r) => r.name)).toContain('icache_gen');
    // By heart in gdb: 16 general registers, rip, eflags, six segments, x87, then SSE.
    expect(REGISTERS.slice(0, 17).map((r) => r.name)).toEqual([
      ...['rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rbp', 'rsp', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15', 'rip'],
    ]);
  });

  test('the halves of a YMM register, and ST(0) where TOP says', () => {
    const { bytes } = bare.machine.engine;
    bytes.fill(0x11, core.base + ymmOffset(2), core.base + ymmOffset(2) + 16);
    bytes.fill(0x22, core.base + ymmOffset(2) + 16, core.base + ymmOffset(2) + 32);
    expect(hex('xmm2')).toBe('11'.repeat(16));
    expect(hex('ymm2h')).toBe('22'.repeat(16));
    core.set('fsw', 6 << 11);
    core.set('ftw', 1 << 6);
    bytes.fill(0x33, core.base + x87Offset(6), core.base + x87Offset(6) + 10);
    expect(hex('st0')).toBe('33'.repeat(10));
    expect(hex('st1')).toBe('00'.repeat(10));
    // Two bits for each physical register: 11 is empty.
    expect(hex('ftag')).toBe('ffcf0000');
    expect(hex('mxcsr')).toBe('801f0000');
  });
});

test('memory is ROM where the image has code that it does not map writable, RAM up to the top elsewhere', () => {
  const xml = memoryMapXml(bare.image);
  const parts = [...xml.matchAll(/type="(\w+)" start="0x([0-9a-f]+)" length="0x([0-9a-f]+)"/g)].map(([, type, start, length]) => ({
    type,
    from: BigInt(`0x${start}`),
    to: BigInt(`0x${start}`) + BigInt(`0x${length}`),
  }));
  expect(parts[0]?.from).toBe(0n);
  // gdb reads lengths as 64-bit numbers, also where all of memory can be written.
  for (const { from, to } of parts) expect(to - from).toBeLessThan(1n << 64n);
  expect(parts.at(-1)?.to).toBe(1n << 64n);
  for (let n = 1; n < parts.length; n++) expect(parts[n]?.from).toBe(parts[n - 1]?.to);
  const code = bare.image.segments.find((s) => s.executable);
  const at = parts.find((p) => p.from <= BASE && BASE < p.to);
  expect(at?.type).toBe(code?.writable === true ? 'ram' : 'rom');
});

test('a name with markup in it is text', () => {
  const named = { ...target, threadName: () => 'a<b>&"c"', threadText: () => '<&>' };
  expect(threadsXml(named)).toContain('name="a&lt;b&gt;&amp;&quot;c&quot;">&lt;&amp;&gt;</thread>');
});

test('a program of 32 bits has the low halves, and half of the vector registers', () => {
  const { registers, counter, inG, architecture } = registerFile(32);
  expect(architecture).toBe('i386');
  expect(registers.slice(0, 16).map((r) => r.name)).toEqual('eax ecx edx ebx esp ebp esi edi eip eflags cs ss ds es fs gs'.split(' '));
  expect(counter).toBe('eip');
  const [high, low] = [0x1122334455667788n, '88776655'];
  core.setGpr(6, high);
  expect(registerHex(registers.find((r) => r.name === 'esi')!, core, target)).toBe(low);
  expect(registers.filter((r) => /^xmm|^ymm/.test(r.name))).toHaveLength(16);
  expect(registers.slice(inG).map((r) => r.name)).toEqual(REGISTERS.slice(IN_G).map((r) => r.name));
  expect(registers.slice(inG).filter((r) => r.type.endsWith('_ptr'))).toEqual([]);
  expect(targetXml(registerFile(32))).toContain('<architecture>i386</architecture>');
});
