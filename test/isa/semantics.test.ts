import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { decode } from '../../src/isa/decode.ts';
import { formKey, type Instruction } from '../../src/isa/instruction.ts';
import { LONG_MODE, modeOf } from '../../src/isa/mode.ts';
import { MNEMONICS, semanticsOf } from '../../src/isa/semantics/index.ts';
import { sizesOf } from '../../tools/silicon/segments.ts';
import { VectorDirectory } from '../../tools/silicon/vectors.ts';
import { scopedProvider } from './scoped-provider.ts';

/** Every form that the committed vectors have. */
function formsOfFixtures(): Instruction[] {
  const vectors = new VectorDirectory(fileURLToPath(new URL('../../fixtures/silicon', import.meta.url)));
  const forms = new Set<Instruction>();
  for (const name of vectors.classes) {
    for (const { bytes, segments } of vectors.read(name)) {
      const sizes = segments === undefined ? undefined : sizesOf(segments);
      const decoded = decode(bytes, sizes === undefined ? LONG_MODE : modeOf(sizes.codeSize, sizes.stackSize));
      if (decoded.kind === 'instruction') forms.add(decoded.instruction);
    }
  }
  return [...forms];
}

describe('semantics', () => {
  const forms = formsOfFixtures();

  it('use no value of a conditional body outside of it, in any form', () => {
    expect(forms.length).toBeGreaterThan(900);
    const wrong: string[] = [];
    for (const form of forms) {
      try {
        semanticsOf(form.mnemonic)!(scopedProvider(new Set()), form);
      } catch (error) {
        wrong.push(`${formKey(form)}: ${String(error)}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('are watched by a provider that does notice', () => {
    const p = scopedProvider(new Set());
    let leaked = p.constant(0);
    p.when(p.constant(1), () => {
      leaked = p.constant(1);
    });
    expect(() => p.add(leaked, leaked)).toThrow('closed');
  });

  it('cost one pass without branches in the arithmetic of hot loops', () => {
    const hot = ['01c8', '4829c8', '4839c8', '85c0', 'ffc0', '488b00', '488d0408', 'c1e003', '48c1e803', '0fafc1', '0f44c1', '480fb600'];
    for (const hex of hot) {
      const decoded = decode(Uint8Array.from(hex.match(/../g)!, (pair) => Number.parseInt(pair, 16)));
      if (decoded.kind !== 'instruction') throw new Error(hex);
      const used = new Set<string>();
      semanticsOf(decoded.instruction.mnemonic)!(scopedProvider(used), decoded.instruction);
      expect([hex, used.has('when') || used.has('loop') || used.has('variable')]).toEqual([hex, false]);
    }
  });

  it('exist once for every mnemonic', () => {
    expect(new Set(MNEMONICS).size).toBe(MNEMONICS.length);
    expect(semanticsOf('addpt')).toBeUndefined();
  });
});
