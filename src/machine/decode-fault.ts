import { Vector } from '../isa/core-state.ts';
import type { Decoded } from '../isa/decode.ts';
import type { MissingPage } from './fetch.ts';
import { hasFeature } from './system/features.ts';

/**
 * The exception of bytes that are no instruction: #UD for an invalid encoding, #GP(0) for more than 15 bytes, and where the bytes ended the fault of
 * the page that is missing (SDM Vol. 3, "Exception and Interrupt Reference"). An instruction of a feature that CPUID does not report is #UD too; undefined for one
 * without semantics whose features it does report.
 */
export function decodeFault(
  decoded: Exclude<Decoded, { kind: 'instruction' }>,
  missing: MissingPage | undefined,
): { readonly vector: number; readonly errorCode: bigint; readonly cr2?: bigint | undefined } | undefined {
  switch (decoded.kind) {
    case 'invalid':
      return { vector: Vector.UD, errorCode: 0n };
    case 'tooLong':
      return { vector: Vector.GP, errorCode: 0n };
    case 'truncated':
      return missing === undefined
        ? { vector: Vector.GP, errorCode: 0n }
        : { vector: missing.fault, errorCode: missing.errorCode, cr2: missing.cr2 };
    case 'unimplemented':
      return decoded.features.every(hasFeature) ? undefined : { vector: Vector.UD, errorCode: 0n };
  }
}
