import { memoryMap } from '../../src/engine/layout.ts';
import { takes } from '../../src/engine/region-code.ts';
import { decode } from '../../src/isa/decode.ts';
import { type Choices, encode, rows } from '../../src/isa/encodings.ts';
import { chance } from './chance.ts';

const MAP = memoryMap(1 << 20, 0, false);
const FEATURES = { journal: false, explore: false, tso: false, fence: false, regions: true };
/** Choices that are tried until an encoding can be spelt. */
const TRIES = 20;

/** What the mnemonics of 64-bit mode are called that regions may hold. */
export function heldInRegions(): ReadonlySet<string> {
  const random = chance(1);
  const choices: Choices = {
    random,
    register: () => random(16),
    inMemory: () => random(2) === 0,
    memory: () => ({ base: 3, index: 6, scale: 0, displacement: 8 }),
  };
  const held = new Set<string>();
  for (const row of rows()) {
    for (let n = 0; n < TRIES; n++) {
      const bytes = encode(row, choices);
      const decoded = bytes === undefined ? undefined : decode(bytes);
      if (decoded?.kind !== 'instruction') continue;
      if (takes(decoded.instruction, decoded.fields, MAP, FEATURES)) held.add(decoded.instruction.mnemonic);
      break;
    }
  }
  return held;
}
