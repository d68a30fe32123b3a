import { linesOf } from './lines-of.ts';

/** In Intel syntax. */
export const INTEL_LINES: readonly string[] = linesOf(`
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
