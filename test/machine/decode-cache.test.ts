import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RAX, RBX } from '../../src/isa/core-state.ts';
import { CODE, type Guest, MODES, machineFor, outcome, physicalOf, sendToWarmLoop, WARM } from './self-modifying.ts';

/*
 * Decoded records are a cache of memory. What QEMU once broke: a core decoded bytes, another rewrote them, and the record of the old bytes was
 * published behind the invalidation, to be run for ever. Here every store to bytes that have records makes the next fetch of every core decode anew.
 */

const le = (value: number, bytes: number): number[] => Array.from({ length: bytes }, (_, n) => (value / 2 ** (8 * n)) & 0xff);

/** `mov $value, mapping+offset` of 1, 2 or 4 bytes, through the code's own mapping (rsi) or its alias (rdi). */
function store(mapping: 'own' | 'alias', offset: number, value: number, bytes: 1 | 2 | 4): number[] {
  const disp = mapping === 'own' ? offset : physicalOf(offset) - CODE.pages[0];
  const modrm = mapping === 'own' ? 0x86 : 0x87;
  const opcode = bytes === 1 ? [0xc6] : bytes === 2 ? [0x66, 0xc7] : [0xc7];
  return [...opcode, modrm, ...le(disp, 4), ...le(value, bytes)];
}

const MOV_EAX_1 = [0xb8, 1, 0, 0, 0];
const MOV_EBX_1 = [0xbb, 1, 0, 0, 0];
const jump = (from: number, to: number): number[] => [0xe9, ...le((to - from - 5) >>> 0, 4)];

/** Core 1 runs `code` in a loop at `at`, so that it has records; core 0 then stores; core 1 goes on. Gives its rax and rbx. */
function rewritten(mode: (typeof MODES)[number], at: number, writer: number[], actor: 'self' | 'other', forget = false): [bigint, bigint] {
  const code = [...MOV_EAX_1, ...MOV_EBX_1];
  const guest: Guest = {
    parts: [
      { offset: at, bytes: [...code, ...jump(at + code.length, at)] },
      { offset: 64, bytes: writer },
    ],
    entries: [64, at],
    turns: [],
  };
  const { machine } = machineFor(guest, mode);
  if (forget) machine.engine.killRecords = () => {};
  const [zero, one] = [machine.cores[0]!, machine.cores[1]!];
  machine.runCore(one, 30);
  const writing = actor === 'other' ? zero : one;
  const back = writing.rip;
  writing.rip = CODE.linear + 64n;
  machine.runCore(writing, 1);
  if (writing === one) one.rip = back;
  one.setGpr(RAX, 0n);
  one.setGpr(RBX, 0n);
  machine.runCore(one, 3);
  return [one.gpr(RAX), one.gpr(RBX)];
}

describe.each(MODES)('a store to decoded bytes, %s', (mode) => {
  describe.each(['self', 'other'] as const)('by the core %s', (actor) => {
    test.each(['own', 'alias'] as const)('through the %s mapping', (mapping) => {
      expect(rewritten(mode, 0x400, store(mapping, 0x401, 2, 1), actor)).toEqual([2n, 1n]);
      expect(rewritten(mode, 0x400, store(mapping, 0x401, 0x01020304, 4), actor)).toEqual([0x01020304n, 1n]);
    });

    test('over two instructions', () => {
      // The last byte of the first immediate, the opcode of the next (mov $imm, %edx), the first of its immediate.
      expect(rewritten(mode, 0x400, store('own', 0x404, 0x0005ba40, 4), actor)).toEqual([0x40000001n, 0n]);
    });

    test('inside one of them alone: a byte at its end, the byte behind it', () => {
      expect(rewritten(mode, 0x400, store('alias', 0x404, 0x7f, 1), actor)).toEqual([0x7f000001n, 1n]);
      expect(rewritten(mode, 0x400, store('alias', 0x405, 0xb8, 1), actor)).toEqual([1n, 0n]);
    });

    test.each([4092, 4093, 4094, 4095])('in an instruction over two pages, at %d', (at) => {
      expect(rewritten(mode, at, store('own', at + 1, 0x01020304, 4), actor)).toEqual([0x01020304n, 1n]);
      expect(rewritten(mode, at, store('alias', 4096, 0x33, 1), actor)[0]).toBe(
        at === 4095 ? 0x33n : 1n + (0x33n << BigInt(8 * (4095 - at))),
      );
    });

    test('over two pages, in the instructions before and behind the boundary', () => {
      const at = 4096 - 5;
      expect(rewritten(mode, at, store('own', at + 3, 0x05bb0a0b, 4), actor)).toEqual([0x0a0b0001n, 5n]);
    });
  });
});

test('the tests above notice a machine that forgets to invalidate', () => {
  for (const mode of ['cold', 'hot', 'reference'] as const) {
    expect(rewritten(mode, 0x400, store('own', 0x401, 2, 1), 'other', true)).toEqual([1n, 1n]);
  }
});

test('the hot mode is hot: its warming runs make a new dispatch', () => {
  const { machine } = machineFor({ parts: [], entries: [], turns: [] }, 'cold');
  const core = machine.cores[0]!;
  sendToWarmLoop(core);
  // A short run makes the handlers of all forms, so that only a dispatch is left to be made.
  machine.runCore(core, 1_000);
  const { Instance } = WebAssembly;
  let made = 0;
  WebAssembly.Instance = new Proxy(Instance, {
    construct(target, [module, imports]: [WebAssembly.Module, WebAssembly.Imports]) {
      made++;
      return new target(module, imports);
    },
  });
  try {
    for (let n = 0; n < WARM.runs; n++) machine.runCore(core, WARM.instructions);
  } finally {
    WebAssembly.Instance = Instance;
  }
  expect(made).toBe(1);
});

// ---- random programs ----

const REGISTERS = [0, 1, 2, 3] as const;
/** Bytes that often make another instruction. */
const BYTES = [0x90, 0xb8, 0xbb, 0x83, 0xff, 0x31, 0xc0, 0xc3, 0xcc, 0xeb, 0x00, 0x01, 0x0f, 0x48, 0x66, 0xf0, 0xc6, 0x75] as const;
/** Programs lie over the boundary of the two pages. */
const FROM = 4096 - 48;

const byte = fc.oneof(fc.constantFrom(...BYTES), fc.nat(255));
const target = fc.nat(139).map((n) => FROM + n);
const word = fc
  .array(byte, { minLength: 4, maxLength: 4 })
  .map(([a = 0, b = 0, c = 0, d = 0]) => a + b * 2 ** 8 + c * 2 ** 16 + d * 2 ** 24);
const register = fc.constantFrom(...REGISTERS);
const memory = fc
  .tuple(fc.boolean(), target)
  .map(([own, offset]) => (own ? { modrm: 0x86, disp: offset } : { modrm: 0x87, disp: physicalOf(offset) - CODE.pages[0] }));

/** One instruction; about half of them store to the code. */
const instruction = fc.oneof(
  fc.tuple(register, word).map(([r, value]) => [0xb8 + r, ...le(value, 4)]),
  fc.tuple(register, byte).map(([r, value]) => [0x83, 0xc0 + r, value]),
  register.map((r) => [0xff, 0xc0 + r]),
  fc.constantFrom([0x90], [0x0f, 0x1f, 0x44, 0, 0], [0x31, 0xc0], [0x66, 0x90]),
  fc.tuple(memory, byte).map(([m, value]) => [0xc6, m.modrm, ...le(m.disp, 4), value]),
  fc.tuple(memory, word).map(([m, value]) => [0x66, 0xc7, m.modrm, ...le(m.disp, 4), ...le(value, 2)]),
  fc.tuple(memory, word).map(([m, value]) => [0xc7, m.modrm, ...le(m.disp, 4), ...le(value, 4)]),
  fc.tuple(memory, register).map(([m, r]) => [0x48, 0x89, m.modrm + 8 * r, ...le(m.disp, 4)]),
  fc.tuple(memory, register).map(([m, r]) => [0xf0, 0x01, m.modrm + 8 * r, ...le(m.disp, 4)]),
  fc.tuple(memory, register).map(([m, r]) => [0x87, m.modrm + 8 * r, ...le(m.disp, 4)]),
  fc.tuple(memory, register).map(([m, r]) => [0xf0, 0x0f, 0xb1, m.modrm + 8 * r, ...le(m.disp, 4)]),
);

const guests: fc.Arbitrary<Guest> = fc
  .record({
    programs: fc.tuple(fc.array(instruction, { minLength: 1, maxLength: 10 }), fc.array(instruction, { minLength: 1, maxLength: 10 })),
    turns: fc.array(fc.tuple(fc.nat(1), fc.integer({ min: 1, max: 40 })), { minLength: 2, maxLength: 12 }),
  })
  .map(({ programs, turns }) => {
    let offset = FROM;
    const parts = programs.map((program) => {
      const start = offset;
      const bytes = program.flat();
      bytes.push(...jump(start + bytes.length, start));
      offset += bytes.length;
      return { offset: start, bytes };
    });
    return { parts, entries: parts.map((part) => part.offset), turns };
  });

test('programs that rewrite themselves and each other do the same under every engine, cached or not', () => {
  fc.assert(
    fc.property(guests, (guest) => {
      const judge = outcome(guest, 'fresh');
      for (const mode of ['cold', 'hot', 'reference'] as const) expect(outcome(guest, mode)).toEqual(judge);
    }),
    { numRuns: 80, seed: 20_240_601 },
  );
});

test('and the property notices a machine that forgets to invalidate', () => {
  const forgets = fc.check(
    fc.property(guests, (guest) => {
      const broken = outcome(guest, 'cold', ({ machine }) => {
        machine.engine.killRecords = () => {};
      });
      expect(broken).toEqual(outcome(guest, 'fresh'));
    }),
    { numRuns: 100, seed: 20_240_601, endOnFailure: true },
  );
  expect(forgets.failed).toBe(true);
});
