import { RAX, RBX, RCX, RDX } from '../../isa/core-state.ts';
import type { Core } from '../core.ts';
import { PHYSICAL_BITS } from '../paging.ts';
import type { MachineParts, SystemHelper } from '../parts.ts';
import { serializing } from './checks.ts';

/** CPUID (SDM Vol. 2, "CPUID"): announces exactly the features that the machine has; no x87, no vectors. */

type Leaf = readonly [eax: number, ebx: number, ecx: number, edx: number];

const NOTHING: Leaf = [0, 0, 0, 0];
const MAX_BASIC = 0xb;
const MAX_EXTENDED = 0x80000008;
const VENDOR = 'textpoke CPU';
const BRAND = 'textpoke x86-64 emulator';
/** Family 6, model 0, stepping 0. */
const SIGNATURE = 0x600;

const bits = (...numbers: number[]): number => numbers.reduce((word, n) => (word | (1 << n)) >>> 0, 0);

const FEATURES = {
  /** CX16 x2APIC MOVBE POPCNT TSC-deadline */
  leaf1Ecx: bits(13, 21, 22, 23, 24),
  /** DE PSE TSC MSR PAE CX8 APIC SEP PGE CMOV PAT CLFSH */
  leaf1Edx: bits(2, 3, 4, 5, 6, 8, 9, 11, 13, 15, 16, 19),
  /** FSGSBASE BMI1 SMEP BMI2 ERMS ADX SMAP CLFLUSHOPT CLWB */
  leaf7Ebx: bits(0, 3, 7, 8, 9, 19, 20, 23, 24),
  /** UMIP RDPID */
  leaf7Ecx: bits(2, 22),
  /** SERIALIZE */
  leaf7Edx: bits(14),
  /** LAHF LZCNT PREFETCHW */
  extendedEcx: bits(0, 5, 8),
  /** SYSCALL NX 1-GiB pages RDTSCP LM */
  extendedEdx: bits(11, 20, 26, 27, 29),
  /** Invariant TSC */
  power: bits(8),
} as const;

const CLFLUSH_QUADWORDS = 8;

/** Four ASCII characters as a little-endian word. */
const word = (text: string, at: number): number =>
  [3, 2, 1, 0].reduce((value, n) => ((value << 8) | (at + n < text.length ? text.charCodeAt(at + n) : 0)) >>> 0, 0);

const coreBits = (cores: number): number => Math.max(0, 32 - Math.clz32(cores - 1));

/** One leaf as the four registers. Beyond the last basic leaf the last basic leaf answers, as on Intel parts. */
export function cpuidLeaf(machine: MachineParts, core: Core, leaf: number, subleaf: number): Leaf {
  const id = core.index;
  switch (leaf >>> 0) {
    case 0:
      return [MAX_BASIC, word(VENDOR, 0), word(VENDOR, 8), word(VENDOR, 4)];
    case 1: {
      const ebx = ((id << 24) | (machine.cores.length << 16) | (CLFLUSH_QUADWORDS << 8)) >>> 0;
      return [SIGNATURE, ebx, FEATURES.leaf1Ecx, FEATURES.leaf1Edx];
    }
    case 7:
      return subleaf === 0 ? [0, FEATURES.leaf7Ebx, FEATURES.leaf7Ecx, FEATURES.leaf7Edx] : NOTHING;
    case 0xb: {
      // Level 0: one thread a core; level 1: the cores.
      if (subleaf === 0) return [0, 1, 0x100, id];
      if (subleaf === 1) return [coreBits(machine.cores.length), machine.cores.length, 0x201, id];
      return [0, 0, subleaf & 0xff, id];
    }
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
    case 8:
    case 9:
    case 0xa:
      return NOTHING;
    case 0x80000000:
      return [MAX_EXTENDED, 0, 0, 0];
    case 0x80000001:
      return [SIGNATURE, 0, FEATURES.extendedEcx, FEATURES.extendedEdx];
    case 0x80000002:
    case 0x80000003:
    case 0x80000004: {
      const at = ((leaf >>> 0) - 0x80000002) * 16;
      return [word(BRAND, at), word(BRAND, at + 4), word(BRAND, at + 8), word(BRAND, at + 12)];
    }
    case 0x80000005:
    case 0x80000006:
      return NOTHING;
    case 0x80000007:
      return [0, 0, 0, FEATURES.power];
    case 0x80000008:
      return [PHYSICAL_BITS | (48 << 8), 0, 0, 0];
    default:
      return cpuidLeaf(machine, core, MAX_BASIC, subleaf);
  }
}

export const cpuid: SystemHelper = (machine, core) =>
  serializing(machine, core, 'cpuid', () => {
    const [eax, ebx, ecx, edx] = cpuidLeaf(machine, core, Number(core.gpr(RAX) & 0xffffffffn), Number(core.gpr(RCX) & 0xffffffffn));
    core.setGpr(RAX, BigInt(eax));
    core.setGpr(RBX, BigInt(ebx));
    core.setGpr(RCX, BigInt(ecx));
    core.setGpr(RDX, BigInt(edx));
  });
