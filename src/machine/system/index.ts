import type { SystemHelper } from '../parts.ts';
import { undefinedOpcode } from './checks.ts';
import { clts, lmsw, movFromCr, movToCr, smsw } from './control-registers.ts';
import { cpuid } from './cpuid.ts';
import { movFromDr, movToDr } from './debug-registers.ts';
import { lgdt, lidt, lldt, ltr, sgdt, sidt, sldt, str } from './descriptor-tables.ts';
import { callFar, jmpFar, retFar } from './far.ts';
import { clac, cli, popf, stac, sti } from './flags.ts';
import { fldenv, fnsave, fnstenv, frstor } from './fpu-environment.ts';
import { fxrstor, fxsave } from './fxsave.ts';
import { hlt, vmcall } from './halt.ts';
import { input, inputString, output, outputString } from './io.ts';
import { iret, swapgs, syscall, sysenter, sysexit, sysret } from './iret-syscall.ts';
import { rdmsr, wrmsr } from './msr.ts';
import { lar, loadFarPointer, lsl, movToSreg, popSreg, verr, verw } from './segments.ts';
import { invd, invlpg, serialize, wbinvd } from './serialize.ts';
import { rdpid, rdpmc, rdtsc, rdtscp } from './time.ts';
import { xgetbv, xrstor, xsave, xsavec, xsetbv } from './xsave.ts';

/** Helpers by mnemonic (`src/isa/decode-names.ts`). Instructions whose feature CPUID does not report are #UD. */
const HELPERS: Readonly<Record<string, SystemHelper>> = {
  cpuid,
  rdtsc,
  rdtscp,
  rdpid,
  rdpmc,
  rdmsr,
  wrmsr,
  mov_to_cr: movToCr,
  mov_from_cr: movFromCr,
  mov_to_dr: movToDr,
  mov_from_dr: movFromDr,
  clts,
  smsw,
  lmsw,
  lgdt,
  sgdt,
  lidt,
  sidt,
  lldt,
  sldt,
  ltr,
  str,
  verr,
  verw,
  lar,
  lsl,
  mov_to_sreg: movToSreg,
  pop_sreg: popSreg,
  lss: loadFarPointer(2),
  lds: loadFarPointer(3),
  les: loadFarPointer(0),
  lfs: loadFarPointer(4),
  lgs: loadFarPointer(5),
  swapgs,
  call_far: callFar,
  jmp_far: jmpFar,
  retf: retFar,
  iret,
  syscall,
  sysret,
  sysenter,
  sysexit,
  in: input,
  out: output,
  ins: inputString,
  outs: outputString,
  cli,
  sti,
  clac,
  stac,
  popf,
  hlt,
  invlpg,
  invd,
  wbinvd,
  serialize,
  vmcall,
  // The prefix that makes it WBNOINVD is ignored where that is not reported.
  wbnoinvd: wbinvd,
  fnstenv,
  fldenv,
  fnsave,
  frstor,
  fxsave: fxsave(4),
  fxsave64: fxsave(8),
  fxrstor: fxrstor(4),
  fxrstor64: fxrstor(8),
  xsave: xsave(4, false),
  xsave64: xsave(8, false),
  xsaveopt: xsave(4, true),
  xsaveopt64: xsave(8, true),
  xsavec: xsavec(4, false),
  xsavec64: xsavec(8, false),
  xsaves: xsavec(4, true),
  xsaves64: xsavec(8, true),
  xrstor: xrstor(4, false),
  xrstor64: xrstor(8, false),
  xrstors: xrstor(4, true),
  xrstors64: xrstor(8, true),
  xgetbv,
  xsetbv,
  // RDRAND, RDSEED, PKU, MONITOR, WAITPKG, INVPCID, SVM, SMM
  rdrand: undefinedOpcode,
  rdseed: undefinedOpcode,
  rdpkru: undefinedOpcode,
  wrpkru: undefinedOpcode,
  rdpru: undefinedOpcode,
  wrmsrns: undefinedOpcode,
  monitor: undefinedOpcode,
  mwait: undefinedOpcode,
  monitorx: undefinedOpcode,
  mwaitx: undefinedOpcode,
  umonitor: undefinedOpcode,
  umwait: undefinedOpcode,
  tpause: undefinedOpcode,
  invpcid: undefinedOpcode,
  vmmcall: undefinedOpcode,
  rsm: undefinedOpcode,
};

/** What a system instruction does; undefined for a mnemonic that is none. */
export const systemHelper = (mnemonic: string): SystemHelper | undefined =>
  Object.hasOwn(HELPERS, mnemonic) ? HELPERS[mnemonic] : undefined;
