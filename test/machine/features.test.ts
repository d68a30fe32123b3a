import { Code, CodeExt, CpuidFeature, Instruction, Mnemonic } from 'iced-x86';
import { expect, test } from 'vitest';
import { semanticsOf } from '../../src/isa/semantics/index.ts';
import { hasFeature } from '../../src/machine/system/features.ts';

/** Names under which semantics are kept apart from the manual's, and what only an assembler knows: a WAIT and the instruction behind it. */
const ALIASES = new Set(['sal', 'jecxz', 'fstenv', 'fstcw', 'feni', 'fdisi', 'fclex', 'finit', 'fsave', 'fstsw', 'fsetpm']);

interface Known {
  readonly mnemonic: string;
  readonly features: readonly string[];
}

/** Every encoding of 64-bit mode. */
function encodings(): Known[] {
  const found: Known[] = [];
  for (const code of Object.values(Code).filter((value): value is Code => typeof value === 'number')) {
    const { mode64, isInstruction } = CodeExt.opCode(code);
    if (!mode64 || !isInstruction) continue;
    const instruction = new Instruction();
    instruction.code = code;
    found.push({
      mnemonic: Mnemonic[instruction.mnemonic]!.toLowerCase(),
      features: Array.from(instruction.cpuidFeatures(), (feature) => CpuidFeature[feature]!),
    });
    instruction.free();
  }
  return found;
}

test('every instruction of the features that CPUID reports is there', () => {
  const known = encodings().filter(({ features }) => features.every(hasFeature));
  expect(known.length).toBeGreaterThan(1900);
  const without = known.filter(({ mnemonic }) => !ALIASES.has(mnemonic) && !semanticsOf(mnemonic) && !semanticsOf(mnemonic.slice(0, -1)));
  expect(new Set(without.map(({ mnemonic, features }) => `${mnemonic} ${features}`))).toEqual(new Set());
});

test('what is there of vectors, the FPU and saved state belongs to a feature that CPUID reports', () => {
  const of = (name: RegExp): string[] => encodings().flatMap(({ features }) => features.filter((feature) => name.test(feature)));
  const vectors = new Set(of(/^(FPU|MMX|FXSR|XSAVE|SSE|SSSE3|AVX2?$|FMA$|F16C|AES$|VAES|V?PCLMUL|SHA$)/));
  expect([...vectors].filter((name) => !hasFeature(name))).toEqual([]);
  expect(vectors.size).toBeGreaterThan(20);
  expect(['AVX512F', 'D3NOW', 'XOP', 'FMA4', 'GFNI', 'RDRAND', 'MONITOR', 'PKU'].filter(hasFeature)).toEqual([]);
});
