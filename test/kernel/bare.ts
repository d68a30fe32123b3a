import { type AssembleOptions, type Assembler, imageFromAssembled, loadAssembler } from '../../src/image/assembler/index.ts';
import { BareMachine, type BareOptions } from '../../src/kernel/bare.ts';
import { type BareResult, type BareRunOptions, runBare } from '../../src/kernel/bare-run.ts';

const assembler: Assembler = await loadAssembler();

export const BASE = 0x400000n;

export interface Run extends BareResult {
  readonly bare: BareMachine;
  readonly serial: string;
}

/** A bare machine with assembled text at `BASE`, entry at its first byte. */
export function bareOf(source: string, options: Partial<BareOptions> = {}, assemble: Partial<AssembleOptions> = {}): BareMachine {
  const image = imageFromAssembled(assembler.assemble(source, { address: BASE, file: 'guest.s', ...assemble }), { entry: BASE });
  return new BareMachine(image, { cores: 1, ramBytes: 8 << 20, serial: () => {}, ...options });
}

/** Runs assembled text to its end, or for 100 000 instructions. */
export function runText(source: string, options: Partial<BareOptions> = {}, run: Partial<BareRunOptions> = {}): Run {
  let serial = '';
  const bare = bareOf(source, {
    ...options,
    serial: (_core, byte) => {
      serial += String.fromCharCode(byte);
    },
  });
  const result = runBare(bare, { maxInstructions: 100_000, ...run });
  return { ...result, bare, serial };
}

/** An IDT of 256 gates below `handler`, loaded at once: what a guest writes to handle its own exceptions. Clobbers rax, rbx, rcx, rdi. */
export const ownIdt = (handler: string): string => `
  lea ${handler}(%rip), %rax
  lea idt(%rip), %rdi
  mov $256, %ecx
1: mov %ax, (%rdi)
  movw $0x10, 2(%rdi)
  movw $0x8e00, 4(%rdi)
  mov %rax, %rbx
  shr $16, %rbx
  mov %bx, 6(%rdi)
  shr $16, %rbx
  mov %ebx, 8(%rdi)
  movl $0, 12(%rdi)
  add $16, %rdi
  dec %ecx
  jnz 1b
  lidt idtr(%rip)`;

/** The data that `ownIdt` fills. */
export const IDT_DATA = `
.balign 16
idtr: .word 4095
  .quad idt
.balign 16
idt: .skip 4096
`;
