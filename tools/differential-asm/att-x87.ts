import { linesOf } from './lines-of.ts';

/** x87, with the mnemonics that AT&T swaps. */
export const X87: readonly string[] = linesOf(`
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
