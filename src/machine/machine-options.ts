import type { MachineHost } from './parts.ts';
import type { AnyFetchPolicy } from './policy/policy.ts';

/**
 * How instructions run: evaluated on BigInts, by generated WebAssembly one at a time (the default), or with hot code compiled; for schedules that is code between
 * two visible operations, where they are far apart. States are the same.
 */
export type EngineName = 'reference' | 'interpreter' | 'region';

export interface MachineOptions {
  readonly cores: number;
  readonly ramBytes: number;
  /** `undefined` runs without the explorer's features: no visible operations, no store buffers. */
  readonly explore?: { readonly memory: 'sc' | 'tso'; readonly fetch: AnyFetchPolicy } | undefined;
  /** Undo journal and state hash where `explore` does not already need them. */
  readonly journal?: boolean;
  readonly engine?: EngineName;
  /** A defect to study: IRET does not make the core fetch afresh, as an emulator or hypervisor might get it wrong. */
  readonly defect?: 'no-refetch';
  readonly host?: MachineHost;
  /** What messages call addresses of the guest; an image is one. Without it they are hexadecimal. */
  readonly names?: AddressNames | undefined;
}

/** Symbols and source lines of guest addresses. */
export interface AddressNames {
  /** `text_poke+0x3c`, or the address in hexadecimal. */
  describe(address: bigint): string;
  lineAt(address: bigint): { readonly file: string; readonly line: number } | undefined;
}
