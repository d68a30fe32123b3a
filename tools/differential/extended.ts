import { CpuidFeature, Mnemonic } from 'iced-x86';
import { decode } from '../../src/isa/decode.ts';
import { type Choices, encode, isGather, type MemoryPlace, type Row, rows } from '../../src/isa/encodings.ts';

import type { Random } from './chance.ts';

/** What is drawn from: x87, vectors, and the general instructions that newer extensions brought. */
const DRAWN: readonly (readonly [weight: number, feature: keyof typeof CpuidFeature])[] = [
  [8, 'FPU'],
  [1, 'FPU387'],
  [1, 'MMX'],
  [3, 'SSE'],
  [4, 'SSE2'],
  [1, 'SSE3'],
  [1, 'SSSE3'],
  [2, 'SSE4_1'],
  [1, 'SSE4_2'],
  [4, 'AVX'],
  [3, 'AVX2'],
  [2, 'FMA'],
  [1, 'F16C'],
  [1, 'AES'],
  [1, 'SHA'],
  [1, 'PCLMULQDQ'],
  [1, 'BMI1'],
  [1, 'BMI2'],
  [1, 'ADX'],
  [1, 'MOVBE'],
];

/** They store at an address that no operand tells. */
const SKIPPED = new Set([Mnemonic.Maskmovq, Mnemonic.Maskmovdqu, Mnemonic.Vmaskmovdqu].map((m) => Mnemonic[m].toLowerCase()));

/** Without RBX, where the data is, RSP and R15, which counts rounds. */
const REGISTERS = [0, 1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14];
const [RBX, RBP, R15] = [3, 5, 15];

/** The vector register that programs load with small indexes in front of a gather. */
const INDEXES = 7;

/** Bytes that stand behind everything that may fault: NOPL 0x5A(%RAX). The handler of a fault goes on there. */
const LANDING = 0x5a401f0f;
const landing = '.byte 0x0f, 0x1f, 0x40, 0x5a';

let drawn: readonly (readonly Row[])[] | undefined;

/** Rows by what brought them, those more often that weigh more. */
function lists(): readonly (readonly Row[])[] {
  drawn ??= DRAWN.flatMap(([weight, feature]) => {
    const list = rows().filter((row) => row.features.includes(CpuidFeature[feature]) && !row.privileged && !SKIPPED.has(row.mnemonic));
    return Array.from({ length: weight }, () => list);
  });
  return drawn;
}

/** Where memory operands are: inside the data, aligned or not, over its pages' ends, on pages that are not there, and at addresses that are none. */
export function randomPlace(random: Random, dataBytes: number): MemoryPlace {
  const kind = random(24);
  if (kind === 0) return { scale: 0, displacement: 0x200000 - 1 - random(40) };
  if (kind === 1) return { scale: 0, displacement: 0x1000 - 1 - random(40) };
  if (kind === 2) return { base: RBP, scale: 0, displacement: random(64) };
  if (kind < 6) return { base: RBX, scale: 0, displacement: 4096 - 1 - random(40) };
  if (kind < 9) return { base: RBX, index: R15, scale: 1, displacement: random(dataBytes) };
  const displacement = random(dataBytes);
  return { base: RBX, scale: 0, displacement: kind < 16 ? displacement : displacement & ~31 };
}

/** Lines of one random instruction of x87, SSE, AVX and their like, with what has to stand around it. */
export function extendedLines(random: Random, dataBytes: number): string[] {
  const choices: Choices = {
    random,
    register: () => REGISTERS[random(REGISTERS.length)]!,
    inMemory: () => random(2) === 0,
    memory: (gather) => (gather ? { base: RBX, index: INDEXES, scale: 0, displacement: random(64) } : randomPlace(random, dataBytes)),
  };
  for (;;) {
    const all = lists();
    const list = all[random(all.length)]!;
    const row = list[random(list.length)]!;
    const bytes = encode(row, choices);
    if (bytes === undefined || decode(bytes).kind !== 'instruction') continue;
    const spelt = `.byte ${Array.from(bytes, (byte) => `0x${byte.toString(16)}`).join(', ')}`;
    // Now and then at the indexes that happen to be there: most lie nowhere.
    const before = isGather(row) && random(8) > 0 ? ['vmovdqu indexes(%rip), %ymm7'] : [];
    return [...before, spelt, landing];
  }
}

/** Numbers that floating point treats in ways of its own, as 64 bits: doubles, two singles, a significand of 80 bits, integers. */
const INTERESTING: readonly bigint[] = [
  ...[0x0000, 0x8000, 0x3ff0, 0xbff0, 0x4000, 0x7ff0, 0xfff0, 0x7ff8, 0x7ff4, 0x7fef, 0x0010, 0x43e0, 0xc3e0, 0x41df].map(
    (high) => BigInt(high) << 48n,
  ),
  ...[0x3f8000003f800000n, 0x7f80000080000000n, 0x7fc000007fa00000n, 0x007fffff00800000n, 0x4f000000cf000000n, 0x3effffff40490fdbn],
  ...[
    1n,
    0xfffffffffffffn,
    0x3fd5555555555555n,
    0x8000000000000000n,
    0xffffffffffffffffn,
    0xc000000000000000n,
    0x3fffn,
    0x40090fdaa22168c2n,
  ],
];

/** A line of quadwords that are such numbers, or any. */
export function interestingQuads(random: Random, count: number): string {
  const any = (): bigint => Array.from({ length: 4 }, () => BigInt(random(65536))).reduce((sum, part) => (sum << 16n) | part, 0n);
  const one = (): bigint => (random(3) === 0 ? any() : INTERESTING[random(INTERESTING.length)]!);
  return `.quad ${Array.from({ length: count }, () => `0x${one().toString(16)}`).join(', ')}`;
}

/** Control words of the x87 and SSE: rounding, precision, and now and then exceptions that are reported. */
export function controlLines(random: Random): string[] {
  const rounding = random(4);
  const masks = random(2) === 0 ? 0x3f : random(64);
  if (random(2) === 0) {
    const flush = random(4) === 0 ? 0x8000 : 0;
    const zeros = random(4) === 0 ? 0x40 : 0;
    return [`movl $${flush | (rounding << 13) | (masks << 7) | zeros}, control(%rip)`, 'ldmxcsr control(%rip)', landing];
  }
  const precision = [0, 2, 3][random(3)]!;
  return [`movl $${0x40 | (rounding << 10) | (precision << 8) | masks}, control(%rip)`, 'fnclex', 'fldcw control(%rip)', landing];
}

/** String instructions of all kinds, both directions, one element or many, over the ends of pages and off what is mapped. */
export function stringLines(random: Random, dataBytes: number): string[] {
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const name = pick(['movs', 'stos', 'lods', 'scas', 'cmps']) + pick(['b', 'w', 'l', 'q']);
  const repeat = /^(scas|cmps)/.test(name) ? pick(['', 'repe ', 'repne ']) : pick(['', 'rep ']);
  const backward = random(4) === 0;
  const pointer = (register: string): string => {
    if (random(12) === 0) return `movl $${0x200000 - 1 - random(64)}, %e${register.slice(1)}`;
    const offset = backward ? 256 + random(dataBytes) : random(2) === 0 ? 4096 - 1 - random(64) : random(dataBytes);
    return `lea ${offset}(%rbx), %${register}`;
  };
  return [
    ...(backward ? ['std'] : []),
    pointer('rsi'),
    pointer('rdi'),
    `mov $${random(30)}, %ecx`,
    `${repeat}${name}`,
    landing,
    ...(backward ? ['cld'] : []),
  ];
}

/** Instructions that fault always or nearly so. */
export function faultLines(random: Random): string[] {
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  return [
    pick([
      'ud2',
      'div %rcx',
      'idiv %r8',
      'divl %ecx',
      'movq 0x200000, %rax',
      'movq %rax, 0x1ffffc',
      'addq %rcx, 0xffc',
      'lock addq %rcx, 0x1ffffc',
      'lock xaddq %rcx, 61(%rbx)',
      'pushq 0x200000',
      'movaps 8(%rbx), %xmm1',
      'movaps %xmm1, 8(%rbx)',
      'cmpxchg16b 8(%rbx)',
      'mov (%rbp), %rdx',
      'xchg %rax, 4094(%rbx)',
    ]),
    landing,
  ];
}

/**
 * Handlers of faults: `skip` goes on at the next landing, `skip_code` drops an error code first, `skip_x87` what the x87 reports. A landing is never far, and every
 * program has one at its end.
 */
export const FAULT_HANDLERS = `
skip_x87: fnclex
  jmp skip
skip_code: add $8, %rsp
skip: push %rax
  mov 8(%rsp), %rax
1: inc %rax
  cmpl $${LANDING}, (%rax)
  jne 1b
  mov %rax, 8(%rsp)
  pop %rax
  cld
  iretq
.balign 32
control: .quad 0
.balign 32
indexes: .long 0, 8, 64, 120, 4, 1, 33, 256
`;
