import { linesOf } from './lines-of.ts';

/** The stack, calls, jumps short and near, loops. */
export const FLOW: readonly string[] = linesOf(`
  push %rax
  push %r12
  push $0
  push $-1
  pushq $0x1000
  pushq $0xffffffff81000000
  push $10
  pushq 8(%rsp)
  pushq (%rdi)
  pushw $0x1234
  pop %rbx
  popq 8(%rsp)
  pushf
  pushfq
  popf
  popfq
  enter $16,$0
  leave
  ret
  ret $16
  rep ret
  lret
  lretq
  call far_away
  jmp far_away
  je far_away
  call *%rax
  call *8(%rax)
  call *far_away(%rip)
  jmp *%r11
  jmp *(%rax,%rdx,8)
  jmp *far_away(,%rax,8)
  notrack jmp *%rax
  ljmp *(%rdi)
  lcall *8(%rdi)
  1: jmp 1b
  jmp 1f; 1:
  jmp 1f; .skip 127; 1:
  jmp 1f; .skip 128; 1:
  1: .skip 126; jmp 1b
  1: .skip 127; jmp 1b
  jne 1f; .skip 127; 1:
  jne 1f; .skip 128; 1:
  jc 1f; nop; 1:
  jnz 1f; nop; 1:
  1: loop 1b
  1: jrcxz 1b
  1: jecxz 1b
  1: loopne 1b
  1: call 1b
  jmp.d32 1f; 1:
  xbegin 1f; 1:
  xend
  xabort $5
`);

/** Labels in operands, data, alignment, repetition, expressions. */
export const SOURCE: readonly string[] = linesOf(`
  lea 1f(%rip),%rax; 1:
  2: lea 2b(%rip),%rax
  3: .long 3b - .
  4: nop; .quad 4b, . - 4b
  mov $5f-6f,%eax; 6: nop; 5:
  .byte 0xe8; .long far_away - . - 4
  .byte 1,2,'a,-1,0xff
  .word 0x1234,-2
  .long 0x12345678
  .quad 0x1122334455667788, -1
  .ascii "int3\\n\\0"
  .asciz "a","bc"
  nop; .align 8; nop
  nop; .align 16; ret
  nop; .balign 32, 0xcc; ret
  nop; .p2align 4,,5; nop
  nop; .p2align 3; nop
  nop; .skip 5, 0xcc
  .rept 5; int3; .endr
  .fill 3, 2, 0x0b0f
  .set fred, 5; mov $fred*2+1,%eax
  mov $(1<<9)|2,%eax
  mov $10-4*2,%eax
  mov $'A',%al
`);
