import { linesOf } from './lines-of.ts';

/** String instructions, ports, flags. */
export const STRINGS: readonly string[] = linesOf(`
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
`);

/** What processors have had since: random numbers, saved state, SSE moves, shadow stacks, keys. */
export const EXTENSIONS: readonly string[] = linesOf(`
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
`);
