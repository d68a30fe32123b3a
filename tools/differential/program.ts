import { controlLines, extendedLines, FAULT_HANDLERS, faultLines, interestingQuads, stringLines } from './extended.ts';

/** Registers that programs compute with; rbx points to data, r15 counts rounds, rsp is the stack. */
const R64 = ['rax', 'rcx', 'rdx', 'rsi', 'rdi', 'rbp', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14'];
const R32 = ['eax', 'ecx', 'edx', 'esi', 'edi', 'ebp', 'r8d', 'r9d', 'r10d', 'r11d', 'r12d', 'r13d', 'r14d'];
const R16 = ['ax', 'cx', 'dx', 'si', 'di', 'bp', 'r8w', 'r9w', 'r10w', 'r11w', 'r12w', 'r13w', 'r14w'];
const R8 = ['al', 'cl', 'dl', 'ah', 'ch', 'dh', 'sil', 'dil', 'r8b', 'r9b', 'r12b'];
const CONDITIONS = ['o', 'no', 'b', 'ae', 'e', 'ne', 'be', 'a', 's', 'ns', 'p', 'np', 'l', 'ge', 'le', 'g'];

import type { Random } from './chance.ts';

const SIZES = [
  [R64, 'q'],
  [R32, 'l'],
  [R16, 'w'],
  [R8, 'b'],
] as const;

/** Bytes of data that memory operands stay within. */
const DATA_BYTES = 2048;

/**
 * A program that ends: a loop of some hundred rounds over random instructions of all kinds that regions take, and some that they do not. Now and then it stores
 * into its own text. What faults is left out and the program goes on (`FAULT_HANDLERS`).
 */
export function randomProgram(random: Random): string {
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const memory = (): string => `${random(DATA_BYTES - 64)}(%rbx${random(3) === 0 ? ',%r15,2' : ''})`;
  const body: string[] = [];
  const label = (n: number): string => `.Lf${n}`;
  const length = 4 + random(24);
  let pending: number | undefined;
  let labels = 0;
  for (let n = 0; n < length; n++) {
    if (pending !== undefined && random(3) === 0) {
      body.push(`${label(pending)}:`);
      pending = undefined;
    }
    const kind = random(28);
    const [registers, suffix] = pick(SIZES);
    const legacyHigh = (a: string, b: string): boolean => /^[acd]h$/.test(a) && /^(sil|dil|r)/.test(b);
    let [a, b] = [pick(registers), pick(registers)];
    if (legacyHigh(a, b) || legacyHigh(b, a)) [a, b] = ['al', 'cl'];
    if (kind < 5)
      body.push(`${pick(['add', 'sub', 'and', 'or', 'xor', 'cmp', 'adc', 'sbb', 'test', 'mov', 'xchg'])}${suffix} %${a}, %${b}`);
    else if (kind < 7)
      body.push(`${pick(['add', 'sub', 'and', 'or', 'xor', 'cmp', 'mov'])}${suffix} ${memory()}, %${/^[acd]h$/.test(a) ? 'al' : a}`);
    else if (kind < 9)
      body.push(`${pick(['add', 'sub', 'and', 'or', 'xor', 'mov', 'adc'])}${suffix} %${/^[acd]h$/.test(a) ? 'al' : a}, ${memory()}`);
    else if (kind === 9) body.push(`${pick(['shl', 'shr', 'sar', 'rol', 'ror', 'rcl', 'rcr'])}${suffix} $${random(40)}, %${a}`);
    else if (kind === 10) body.push(`${pick(['inc', 'dec', 'neg', 'not'])}${suffix} %${a}`);
    else if (kind === 11)
      body.push(`imul %${pick(R64)}, %${pick(R64)}`, `lea ${random(99)}(%${pick(R64)},%${pick(R64)},${1 << random(4)}), %${pick(R64)}`);
    else if (kind === 12) body.push(`set${pick(CONDITIONS)} %${pick(R8)}`, `cmov${pick(CONDITIONS)} %${pick(R64)}, %${pick(R64)}`);
    else if (kind === 13 && pending === undefined) {
      pending = labels++;
      body.push(`j${pick(CONDITIONS)} ${label(pending)}`);
    } else if (kind === 14) body.push(`push %${pick(R64)}`, `pop %${pick(R64)}`);
    else if (kind === 15) body.push('call callee');
    else if (kind === 16)
      body.push(
        `lea ${random(512)}(%rbx), %rsi`,
        `lea ${600 + random(512)}(%rbx), %rdi`,
        `mov $${random(20)}, %ecx`,
        `rep ${pick(['movsb', 'movsq', 'stosb', 'stosl'])}`,
      );
    else if (kind === 17)
      body.push(
        `movdqu ${memory()}, %xmm${random(4)}`,
        `${pick(['paddd', 'pxor', 'psubb', 'pcmpeqw', 'punpcklbw', 'pmullw', 'pshufb'])} %xmm${random(4)}, %xmm${random(4)}`,
        `movdqu %xmm${random(4)}, ${memory()}`,
      );
    else if (kind === 18)
      body.push(
        pick([
          `lock addq %${pick(R64)}, ${memory()}`,
          'cld',
          'clc',
          'cmc',
          'cqo',
          'cdqe',
          `bswap %${pick(R64)}`,
          `movzbl %cl, %${pick(R32)}`,
          `bt $${random(64)}, %${pick(R64)}`,
        ]),
      );
    else if (kind > 25) body.push(...(random(2) === 0 ? controlLines(random) : faultLines(random)));
    else if (kind === 25) body.push(...stringLines(random, DATA_BYTES - 256));
    else if (kind > 19) body.push(...extendedLines(random, DATA_BYTES - 64));
    else if (random(3) === 0) body.push('mov %r15b, patched+2(%rip)');
    else body.push(`popcnt %${pick(R64)}, %${pick(R64)}`, `shld $${random(64)}, %${pick(R64)}, %${pick(R64)}`);
  }
  if (pending !== undefined) body.push(`${label(pending)}:`);
  return `
  mov $${300 + random(600)}, %r15d
  lea data(%rip), %rbx
again:
patched: lea 5(%rax), %rax
  ${body.join('\n  ')}
  .byte 0x0f, 0x1f, 0x40, 0x5a
  dec %r15
  jnz again
end: hlt
  jmp end
callee: ${pick(['add $3, %rax', 'mov %rcx, (%rbx)', 'xor %rdx, %r9'])}
  ret
handler: incq counter(%rip)
  iretq
${FAULT_HANDLERS}.balign 8
counter: .quad 0
${random(2) === 0 ? '' : '.balign 4096'}
data: ${interestingQuads(random, DATA_BYTES / 8)}
  .fill 4096, 1, 0x5a
`;
}
