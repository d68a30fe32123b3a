import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TextpokeError } from '../../src/error.ts';
import { imageFromFlat } from '../../src/image/image.ts';
import { BareMachine } from '../../src/kernel/bare.ts';
import { runBare } from '../../src/kernel/bare-run.ts';

/** Starts of what a guest could use to get out: control registers, MSRs, descriptor tables, far control transfers, string I/O, halts. */
const SYSTEM = [
  [0x0f, 0x22, 0xd8],
  [0x0f, 0x22, 0xc0],
  [0x0f, 0x22, 0xe0],
  [0x0f, 0x20, 0xd8],
  [0x0f, 0x30],
  [0x0f, 0x01],
  [0x0f, 0x00],
  [0x0f, 0x23],
  [0x48, 0xcf],
  [0x0f, 0x05],
  [0x0f, 0x07],
  [0xfb],
  [0xf4],
  [0x9d],
  [0xf3, 0xaa],
  [0xf3, 0x48, 0xa5],
  [0x8e],
  [0xff],
  [0xcd],
  [0x6c],
  [0xf3, 0x6e],
  [0xca],
  [0xc8],
  [0x0f, 0xc7],
  [0xb9, 0x30, 8, 0, 0],
  [0xb9, 0x32, 8, 0, 0],
  [0xb9, 0x80, 0, 0, 0xc0],
  [0x48, 0x89],
  [0xeb],
  [0xe8],
  [0x64],
  [0x65],
] as const;

const code = fc
  .array(fc.oneof(fc.constantFrom(...SYSTEM), fc.uint8Array({ maxLength: 4 })), { minLength: 8, maxLength: 60 })
  .map((parts) => Uint8Array.from([0x90, ...parts.flatMap((part) => [...part])]));

test('whatever a guest does, its run ends within the budget, in an end of its cores or an error that names what it did', () => {
  fc.assert(
    fc.property(code, fc.integer({ min: 1, max: 3 }), (bytes, cores) => {
      try {
        const bare = new BareMachine(imageFromFlat(bytes, { base: 0x100000n }), { cores, ramBytes: 4 << 20, serial: () => {} });
        const { instructions, cause } = runBare(bare, { maxInstructions: 5_000 });
        expect(instructions).toBeLessThanOrEqual(5_000);
        expect(['ended', 'budget']).toContain(cause);
      } catch (error) {
        if (!(error instanceof TextpokeError)) throw error;
        expect(['E_INSN', 'E_GUEST']).toContain(error.code);
      }
    }),
    { numRuns: 300, seed: 7 },
  );
});
