import { bySystem, type Category } from './semantics.ts';

/**
 * Instructions of the machine rather than of the core: identification, model-specific and control registers, descriptor tables, segment
 * loads, far transfers, ports, interrupts and waiting. Privilege checks are the system helper's.
 */
const MNEMONICS = [
  'cpuid', 'rdtsc', 'rdtscp', 'rdpid', 'rdpmc', 'rdpru', 'rdmsr', 'wrmsr', 'wrmsrns', 'xgetbv', 'xsetbv', 'rdrand', 'rdseed', 'rdpkru', 'wrpkru',
  'mov_to_cr', 'mov_from_cr', 'mov_to_dr', 'mov_from_dr', 'clts', 'smsw', 'lmsw',
  'lgdt', 'sgdt', 'lidt', 'sidt', 'lldt', 'sldt', 'ltr', 'str', 'verr', 'verw', 'lar', 'lsl',
  'mov_to_sreg', 'pop_sreg', 'lss', 'lfs', 'lgs', 'swapgs',
  'call_far', 'jmp_far', 'retf', 'iret', 'syscall', 'sysret', 'sysenter', 'sysexit',
  'in', 'out', 'ins', 'outs', 'cli', 'sti', 'clac', 'stac',
  'hlt', 'monitor', 'mwait', 'monitorx', 'mwaitx', 'umonitor', 'umwait', 'tpause',
  'invlpg', 'invpcid', 'invd', 'wbinvd', 'wbnoinvd', 'serialize', 'vmcall', 'vmmcall', 'rsm',
] as const;

export const system: Category = Object.fromEntries(MNEMONICS.map((name) => [name, bySystem]));
