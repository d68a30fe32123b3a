/**
 * Lines of kernel flavour for the comparison with GNU as: AT&T first, then Intel. Each stands alone; `far_away` is an address outside of
 * the source, `local` labels are defined in the line.
 */
const text = (block: string): string[] =>
  block
    .split('\n')
    .map((l) => l.trim())
    .filter((l) => l !== '');

export const ATT_LINES: readonly string[] = text(`
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
  cmpxchg16b (%rdi)
  lock cmpxchg16b (%rdi)
  lock cmpxchg8b (%rdi)
  lock cmpxchg %ecx,(%rdx)
  lock cmpxchgq %rcx,8(%rdx)
  lock cmpxchgw %cx,(%rdx)
  lock cmpxchgb %cl,(%rdx)
  lock xadd %eax,(%rdi)
  lock xaddq %rax,(%rdi)
  lock incl (%rdi)
  lock decq 0x10(%rdi)
  lock addl $0,-4(%rsp)
  lock orq $1,(%rdi)
  lock andb $0x7f,(%rdi)
  lock btsl $31,(%rdi)
  lock btrq %rax,(%rdi)
  lock btcl $0,(%rdi)
  lock negl (%rdi)
  lock notq (%rdi)
  lock xorl %eax,(%rdi)
  lock subq %rsi,(%rdi)
  xchg %eax,(%rdi)
  xchg (%rdi),%rax
  xchgb %al,(%rdi)
  xchg %rbx,%rax
  xchg %rax,%rbx
  xchg %eax,%r8d
  xchg %rcx,%rdx
  add $1,%al
  add $1,%eax
  add $0x1000,%eax
  add $0x80,%eax
  add $-0x80,%rsp
  add $0x80,%rsp
  add $0x1000,%rcx
  addb $1,(%rax)
  addw $0x1234,(%rax)
  addl $0x12345678,(%rax)
  addq $-1,(%rax)
  add %al,%bl
  add %ax,%bx
  add %eax,%ebx
  add %r8,%r15
  add (%rax),%rbx
  add %rbx,(%rax)
  adc $0,%rdx
  adc %rdx,%rax
  sbb %eax,%eax
  sbb $0,%rdx
  sub $0x28,%rsp
  sub %rdi,%rax
  subw $1,(%rdi)
  and $0xf0,%eax
  and $-16,%rsp
  and $0xfffffff0,%eax
  and $0x7fffffff,%rax
  andq $~0x3f,%rdi
  or $0x10000,%eax
  orb $1,(%rdi)
  xor %eax,%eax
  xor %r8d,%r8d
  xorl $0x80000000,%eax
  cmp $0xcc,%al
  cmpb $0xcc,(%rdi)
  cmp $0xe8,%al
  cmpl $0x7fffffff,%edi
  cmpl $0xffffffff,(%rdi)
  cmp %rax,(%rdi,%rcx,8)
  cmpw $0x10,2(%rax)
  cmp $0x12,%r12b
  test %eax,%eax
  test %rdi,%rdi
  test $0x1,%al
  testb $0x3,0x88(%rsp)
  testl $0x200,0x90(%rsp)
  test $0x100,%rax
  test $0x100,%rcx
  test (%rdi),%eax
  inc %eax
  incq (%rdi)
  incb %r9b
  dec %rcx
  decw (%rdi)
  neg %rax
  negb (%rdi)
  not %eax
  notl (%rdi)
  mul %rcx
  mull (%rdi)
  imul %rcx
  imul %rsi,%rdi
  imul $10,%rax
  imul $0x1000,%rax,%rbx
  imul $3,(%rdi),%eax
  div %rcx
  divl (%rdi)
  idiv %esi
  idivb (%rdi)
  shl %eax
  shl $1,%eax
  shl $12,%rax
  sal $3,%rax
  shr %cl,%rdx
  sarq $63,(%rdi)
  shrl %cl,(%rdi)
  shlb (%rdi)
  rol $5,%eax
  ror %cl,%rax
  rorw $8,%ax
  rcl $1,%rax
  rcr %rax
  shld $4,%rax,%rbx
  shld %cl,%rax,(%rdi)
  shrd $8,%eax,%edx
  shrd %cl,%rdx,%rax
  bt $9,%eax
  bt %rsi,(%rdi)
  btl $9,0x90(%rsp)
  bts %rax,%rdx
  btr $3,%ecx
  btc $63,%rax
  bsf %rdi,%rax
  bsr %edi,%eax
  tzcnt %rdi,%rax
  lzcnt %edi,%eax
  popcnt %rdi,%rax
  bswap %eax
  bswap %r12
  movbe (%rdi),%eax
  movbe %rax,(%rdi)
  crc32b %al,%ecx
  crc32q (%rdi),%rcx
  andn %rax,%rbx,%rcx
  blsr %rax,%rcx
  bextr %rax,(%rdi),%rcx
  shlx %rax,%rbx,%rcx
  rorx $7,%rax,%rcx
  pdep %rax,%rbx,%rcx
  mulx %rax,%rbx,%rcx
  adcx %rax,%rbx
  adox (%rdi),%rbx
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
  rep movsb
  rep movsw
  rep movsl
  rep movsq
  movsb
  movsw
  movsl
  rep stosb
  rep stosl
  rep stosq
  stosw
  lodsb
  lodsq
  repne scasb
  repe cmpsb
  cmpsl
  scasq
  insb
  outsl
  xlatb
  inb %dx,%al
  in $0x60,%al
  inl %dx,%eax
  inw (%dx),%ax
  outb %al,%dx
  out %al,$0xe9
  out %eax,$0xf4
  outw %ax,(%dx)
  lahf
  sahf
  clc
  stc
  cmc
  movnti %rax,(%rdi)
  rdrand %rax
  rdseed %ecx
  xsave (%rdi)
  xsaves (%rdi)
  xrstors64 (%rdi)
  fxsave64 (%rdi)
  vmcall
  vmmcall
  movq %xmm0,%rax
  movq %rax,%xmm1
  movdqa %xmm0,(%rdi)
  movaps (%rdi),%xmm3
  pxor %xmm0,%xmm0
  vzeroupper
  tpause %eax
  umwait %ecx
  umonitor %rax
  incsspq %rax
  rdsspq %rax
  wrussq %rax,(%rdi)
  setssbsy
  clrssbsy (%rdi)
  saveprevssp
  wrpkru
  rdpkru
  cldemote (%rdi)
  movdiri %rax,(%rdi)
  movdir64b (%rsi),%rdi
  ptwrite %rax
  enqcmd (%rsi),%rdi
  wbnoinvd
  fadd %st(3),%st
  fadd %st(3)
  fadd %st,%st(3)
  fsub %st(3),%st
  fsub %st,%st(3)
  fsubr %st,%st(3)
  fsubp
  fsubp %st,%st(2)
  fsubrp %st,%st(2)
  fdivp
  fdiv %st,%st(1)
  faddp
  faddp %st(4)
  faddp %st,%st(4)
  fxch
  fxch %st(3)
  fcom
  fcom %st(2)
  fcomp %st(2)
  fcompp
  fucom %st(2)
  fucomp
  fucompp
  fcomi %st(2),%st
  fcomi %st(2)
  fcomip %st(2),%st
  fcompi %st(2),%st
  fucomip %st(3),%st
  fcmovne %st(3),%st
  fld %st(1)
  fst %st(1)
  fstp %st(0)
  fstp %st
  ffree %st(3)
  flds (%rax)
  fldl (%rax)
  fldt (%rax)
  fstpt (%rax)
  fstpl 8(%rax)
  fsts 8(%rax)
  filds (%rax)
  fildl (%rax)
  fildq (%rax)
  fildll (%rax)
  fistpll (%rax)
  fisttpll (%rax)
  fisttps (%rax)
  fists (%rax)
  fistl (%rax)
  fadds (%rax)
  faddl (%rax)
  fiadds (%rax)
  fiaddl (%rax)
  fbld (%rax)
  fbstp (%rax)
  fldcw (%rax)
  fnstcw (%rax)
  fnstsw (%rax)
  fnstsw %ax
  fldenv (%rax)
  fnstenv (%rax)
  fnsave (%rax)
  frstor (%rax)
  fmull (%rax)
  fdivrl (%rax)
  fcomps (%rax)
  ficompl (%rax)
  fdivr %st(2),%st
  fdivrp %st,%st(3)
  fsubrl (%rax)
`);

export const INTEL_LINES: readonly string[] = text(`
  mov rax, gs:[0x10]
  mov rcx, qword ptr gs:[0x10]
  mov dword ptr gs:[rax+8], 1
  mov ecx, [0x1000]
  mov eax, 10
  mov eax, dword ptr [rsp+12]
  lea rax, [rip+far_away]
  lea rdi, [rax+rcx*4+0x10]
  lea rdi, [4*rcx+rax]
  lea rdi, [rax+rsp]
  nop dword ptr [rax]
  nop dword ptr [rax+rax*1+8]
  nop word ptr [rax]
  int 3
  add rax, 0x7f
  add rax, -0x80000000
  imul rax, 10
  imul rax, rbx, 100
  cmp byte ptr [rdi], 0xcc
  lock cmpxchg qword ptr [rdi], rsi
  lock cmpxchg16b [rdi]
  movzx eax, byte ptr [rdi]
  movsx rax, word ptr [rdi]
  movsxd rax, dword ptr [rdi]
  shl rax, 3
  shl eax, 1
  sar dword ptr [rdi], cl
  push offset far_away
  mov rax, offset far_away
  call far_away
  call qword ptr [rip+far_away]
  jmp qword ptr [rax+rcx*8]
  1: jmp short 1b
  jne 1f; .skip 130; 1:
  rep movsb
  rep stosq
  iretq
  swapgs
  mov cr3, rax
  mov rax, cr0
  in al, dx
  out 0xe9, al
  xchg [rdi], rax
  test rax, [rdi]
  cmovne rax, [rdi-8]
  setg byte ptr [rdi]
  movabs rax, 0x1122334455667788
  enter 16, 0
  ret 8
  bt qword ptr [rdi], 63
  cqo
  cdqe
  fadd st,st(3)
  fsub st(3),st
  fsubr st(3),st
  fsubp st(2),st
  fdivrp
  fxch st(1)
  fld st(2)
  fcomi st,st(4)
  fld qword ptr [rax]
  fld tbyte ptr [rax+8]
  fistp word ptr [rcx]
  fild qword ptr [rcx]
  fnstcw word ptr [rsp]
`);
