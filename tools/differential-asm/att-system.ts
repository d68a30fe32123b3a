import { linesOf } from './lines-of.ts';

/** NOPs, interrupts, system instructions, control and segment registers. */
export const SYSTEM: readonly string[] = linesOf(`
  endbr64
  endbr32
  nop
  xchg %ax,%ax
  xchg %eax,%eax
  xchg %rax,%rax
  pause
  rep nop
  nopl (%rax)
  nopl 0x0(%rax,%rax,1)
  nopl 8(%rax)
  nopw (%rax)
  nopw 8(%rax,%rax,1)
  nopl 0x12345678(%rax)
  {disp8} nopl 0(%rax)
  {disp8} nopl 0(%rax,%rax,1)
  {disp32} nopl 0(%rax)
  {disp32} nopl 0(%rax,%rax,1)
  cs nopw 0x0(%rax,%rax,1)
  {disp32} nopw %cs:0(%rax,%rax,1)
  .nops 1
  .nops 2
  .nops 3
  .nops 4
  .nops 5
  .nops 6
  .nops 7
  .nops 8
  .nops 9
  .nops 10
  .nops 11
  .nops 12
  .nops 31
  int3
  int $3
  int $0x80
  int1
  ud2
  hlt
  cli
  sti
  cld
  std
  clac
  stac
  swapgs
  iretq
  iretl
  iretw
  sysretq
  sysretl
  syscall
  sysenter
  sysexit
  cpuid
  serialize
  rdtsc
  rdtscp
  rdpmc
  rdmsr
  wrmsr
  rdpid %rax
  xgetbv
  xsetbv
  lfence
  mfence
  sfence
  clts
  wbinvd
  invd
  invlpg (%rdi)
  invpcid (%rsi),%rdi
  clflush (%rdi)
  clflushopt (%rdi)
  clwb (%rdi)
  prefetcht0 (%rax)
  prefetchw (%rax)
  monitor
  mwait
  lgdt (%rdi)
  lidt 6(%rsp)
  sgdt (%rdi)
  sidt (%rdi)
  lldt %ax
  ltr %ax
  str %ax
  sldt %ax
  lmsw %ax
  smsw %ax
  verw (%rax)
  lar %ax,%eax
  lar %ax,%cx
  lar (%rdi),%eax
  lsl %ax,%eax
  mov %cr0,%rax
  mov %rax,%cr0
  mov %cr2,%rdi
  mov %cr3,%rax
  mov %rdi,%cr3
  mov %rax,%cr4
  mov %cr8,%rax
  mov %rax,%cr8
  mov %dr7,%rax
  mov %rdi,%dr0
  mov %ds,%eax
  mov %eax,%ds
  mov %rax,%ds
  mov %ds,%rax
  mov %ds,%ax
  mov %ds:(%rax),%eax
  mov %ss:(%rsp),%eax
  mov %cs:(%rax),%eax
  movw %ax,%es
  mov %ss,%eax
  mov %gs,(%rdi)
  push %fs
  pop %gs
  rdfsbase %rax
  rdgsbase %rcx
  wrfsbase %rax
  wrgsbase %r15
`);

/** Through GS and FS. */
export const PER_CPU: readonly string[] = linesOf(`
  mov %gs:0x10,%rax
  mov %gs:0x1f2c0,%eax
  mov %rax,%gs:0x10
  movq $0,%gs:0x1c
  movl $1,%gs:0x20
  incl %gs:0x40
  decl %gs:0x40
  addq $8,%gs:0x18
  subl %ecx,%gs:0x18
  cmpxchg %rcx,%gs:0x30
  cmpxchg16b %gs:(%rsi)
  xaddl %eax,%gs:0x30
  xchg %rax,%gs:0x30
  testl $0x200,%gs:0x44
  btsl $3,%gs:0x40
  cmpb $0,%gs:0x7
  mov %gs:(%rax),%rcx
  mov %gs:0x28,%r11
  mov %fs:0x28,%rax
  xor %fs:0x28,%rax
  mov %gs:far_away(%rip),%rdx
  movzbl %gs:0x3,%eax
  pushq %gs:0x10
  call *%gs:0x10
`);
