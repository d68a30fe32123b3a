import { AF, CF, DF, PF, RAX, SF, ZF } from '../core-state.ts';
import type { Category, Semantics } from './semantics.ts';

/** Flags alone (SDM Vol. 2: CLC, STC, CMC, CLD, STD, LAHF, SAHF; SALC). */

const cmc: Semantics = (p) => p.setFlags({ CF: p.xor(p.flag('CF'), p.constant(1)) });

const cld: Semantics = (p) => p.setState('flagSystem', p.and(p.state('flagSystem'), p.not(p.constant(DF))));

const std: Semantics = (p) => p.setState('flagSystem', p.or(p.state('flagSystem'), p.constant(DF)));

const AH_FLAGS = SF | ZF | AF | PF | CF;

const lahf: Semantics = (p) => {
  const ah = p.or(p.and(p.arithmeticFlags(), p.constant(AH_FLAGS)), p.constant(2));
  p.setRegister(RAX, 16, p.or(p.shl(ah, p.constant(8)), p.register(RAX, 8)));
};

/** OF stays. */
const sahf: Semantics = (p) => {
  const ah = p.shr(p.register(RAX, 16), p.constant(8));
  const kept = p.and(p.arithmeticFlags(), p.not(p.constant(AH_FLAGS)));
  p.setArithmeticFlags(p.or(p.and(ah, p.constant(AH_FLAGS)), kept));
};

/** CF in all of AL. In no manual of Intel's; every processor has it outside 64-bit mode. */
const salc: Semantics = (p) => p.setRegister(RAX, 8, p.sub(p.constant(0), p.flag('CF')));

export const flagop: Category = {
  clc: (p) => p.setFlags({ CF: p.constant(0) }),
  stc: (p) => p.setFlags({ CF: p.constant(1) }),
  cmc,
  cld,
  std,
  lahf,
  sahf,
  salc,
};
