import { Vector } from '../isa/core-state.ts';
import type { Decoded } from '../isa/decode.ts';
import type { MissingPage } from './fetch.ts';

/**
 * The exception of bytes that are no instruction: #UD for an invalid encoding, #GP(0) for more than 15 bytes, and where the bytes ended the fault of
 * the page that is missing (SDM Vol. 3, "Exception and Interrupt Reference"). Undefined for a valid instruction without semantics.
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
      return undefined;
  }
}
