import { linesOf } from './lines-of.ts';

/** Moves, addresses, extensions, conditional moves. */
export const MOVES: readonly string[] = linesOf(`
  mov $10,%eax
  mov $0x12,%al
  mov $0x1234,%r9w
  movq $10,%rax
  mov $0x80000000,%eax
  mov $0x80000000,%rax
  mov $0xffffffff,%rax
  mov $0x7fffffff,%rax
  mov $-1,%rax
  mov $0xffffffff81000000,%rdi
  movabs $0x1122334455667788,%rax
  movabsq $1,%r11
  movabs 0x1122334455667788,%rax
  movabs %al,0x1122334455667788
  movb $0xcc,(%rdi)
  movw $0xfeeb,(%rdi)
  movl $0x90909090,(%rdi)
  movq $0xffffffff80000000,(%rdi)
  movb %ah,%bl
  movb %sil,(%rdi)
  mov 12(%rsp),%rax
  mov -8(%rbp),%rax
  mov (%rbp),%rax
  mov (%r13),%rax
  mov (%r12),%rax
  mov (%rsp),%rax
  mov 0x80(%rax),%ecx
  mov (%rax,%rcx,4),%edx
  mov 0x10(,%rcx,8),%rdx
  mov (%rax,%r13),%rdx
  mov 0x1000,%rax
  mov 0x1000,%rbx
  mov 0xfee00000,%eax
  mov %eax,0xffffffffff5fd0b0
  mov (%eax),%ecx
  mov 0x10(%ebx,%ecx,2),%rax
  mov far_away(%rip),%rax
  mov 8(%rip),%rax
  mov %rax,far_away+8(%rip)
  movb $1,far_away(%rip)
  movl $0x12345678,far_away(%rip)
  cmpb $0,far_away(%rip)
  lea far_away(%rip),%rdi
  mov $far_away,%rdi
  lea (%rdi,%rsi),%rax
  lea 8(%rsp),%rsp
  lea 0x7(%rdi),%eax
  lea (,%rax,8),%rax
  leaq -0x30(%rsp),%rsp
  movzbl %al,%eax
  movzbl (%rdi),%eax
  movzwl 2(%rdi),%ecx
  movzbq %sil,%rax
  movzwq %ax,%rax
  movsbl (%rdi),%eax
  movsbq %al,%rax
  movswl %ax,%eax
  movswq (%rdi),%rax
  movslq %edi,%rax
  movslq 1(%rdi),%rdx
  cmove %rax,%rbx
  cmovnel (%rdi),%eax
  cmovz %eax,%ecx
  cmovaq %rsi,%rdi
  sete %al
  setnz (%rdi)
  setb %r8b
  cbtw
  cwtl
  cltq
  cwtd
  cltd
  cqto
`);
