import { RAX, RBX, RCX, RDX } from '../../isa/core-state.ts';
import type { Core } from '../core.ts';
import { PHYSICAL_BITS } from '../paging-modes.ts';
import type { MachineParts, SystemHelper } from '../parts.ts';
import { CR4, hasCr4, serializing } from './checks.ts';
import { featureWord } from './features.ts';
import { AVX_AT, AVX_BYTES, areaBytes, XCR0_ALL, xcr0Of } from './xsave.ts';

/** CPUID (SDM Vol. 2, "CPUID"): announces exactly the features that the machine has. */

type Leaf = readonly [eax: number, ebx: number, ecx: number, edx: number];

const NOTHING: Leaf = [0, 0, 0, 0];
const MAX_BASIC = 0xd;
const MAX_EXTENDED = 0x80000008;
const VENDOR = 'textpoke CPU';
const BRAND = 'textpoke x86-64 emulator';
/** Family 6, model 0, stepping 0. */
const SIGNATURE = 0x600;

const OSXSAVE = 1 << 27;

const CLFLUSH_QUADWORDS = 8;

/** Four ASCII characters as a little-endian word. */
const word = (text: string, at: number): number =>
  [3, 2, 1, 0].reduce((value, n) => ((value << 8) | (at + n < text.length ? text.charCodeAt(at + n) : 0)) >>> 0, 0);

const coreBits = (cores: number): number => Math.max(0, 32 - Math.clz32(cores - 1));

/** Leaf 0xD: what the XSAVE set saves, and where. */
function stateLeaf(core: Core, subleaf: number): Leaf {
  const enabled = areaBytes(xcr0Of(core));
  if (subleaf === 0) return [Number(XCR0_ALL), enabled, areaBytes(XCR0_ALL), 0];
  if (subleaf === 1) return [featureWord('xsaveEax'), enabled, 0, 0];
  return subleaf === 2 ? [AVX_BYTES, AVX_AT, 0, 0] : NOTHING;
}

/** One leaf as the four registers. Beyond the last basic leaf the last basic leaf answers, as on Intel parts. */
export function cpuidLeaf(machine: MachineParts, core: Core, leaf: number, subleaf: number): Leaf {
  const id = core.index;
  switch (leaf >>> 0) {
    case 0: {
      const vendor = machine.host.vendor ?? VENDOR;
      return [MAX_BASIC, word(vendor, 0), word(vendor, 8), word(vendor, 4)];
    }
    case 1: {
      const ebx = ((id << 24) | (machine.cores.length << 16) | (CLFLUSH_QUADWORDS << 8)) >>> 0;
      const ecx = featureWord('leaf1Ecx') | (hasCr4(core, CR4.osxsave) ? OSXSAVE : 0);
      return [SIGNATURE, ebx, ecx, featureWord('leaf1Edx')];
    }
    case 7:
      return subleaf === 0 ? [0, featureWord('leaf7Ebx'), featureWord('leaf7Ecx'), featureWord('leaf7Edx')] : NOTHING;
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
    case 0xc:
      return NOTHING;
    case 0xd:
      return stateLeaf(core, subleaf);
    case 0x80000000:
      return [MAX_EXTENDED, 0, 0, 0];
    case 0x80000001:
      return [SIGNATURE, 0, featureWord('extendedEcx'), featureWord('extendedEdx')];
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
      return [0, 0, 0, featureWord('power')];
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
