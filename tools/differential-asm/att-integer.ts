import { linesOf } from './lines-of.ts';

/** Locked instructions and exchanges. */
export const ATOMIC: readonly string[] = linesOf(`
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
`);

/** Arithmetic, shifts, bits, BMI. */
export const ARITHMETIC: readonly string[] = linesOf(`
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
`);
