import type { Instruction } from './instruction.ts';
import type { RecordFields } from './record.ts';

/** What bytes decode to. */
export type Decoded =
  /** Known to us: a static form with semantics, and the fields that vary. `text` is the GNU disassembly at address 0. */
  | { readonly kind: 'instruction'; readonly instruction: Instruction; readonly fields: RecordFields; readonly length: number }
  /** A valid encoding whose semantics we do not have (SSE and beyond): it stops with its bytes, address and name. */
  | { readonly kind: 'unimplemented'; readonly name: string; readonly length: number }
  /** #UD on a CPU. */
  | { readonly kind: 'invalid' }
  /** More than 15 bytes: #GP(0). */
  | { readonly kind: 'tooLong' }
  /** `bytes` ended before the instruction did: fetch more. */
  | { readonly kind: 'truncated' };

/**
 * Decodes the instruction at the start of `bytes` (up to 15 of them) in 64-bit mode. Pure: the result depends on the bytes alone, so it
 * may be cached by bytes. RIP-relative and branch operands are kept relative.
 */
export declare function decode(bytes: Uint8Array): Decoded;
