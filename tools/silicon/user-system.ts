import { GuestEvent } from '../../src/engine/reference-port.ts';
import { Vector } from '../../src/isa/core-state.ts';

/** A system instruction that no vector covers, or one without semantics. */
export class Unimplemented extends Error {}

/** Instructions that are #GP(0) in the vectors' world: CPL 3, IOPL 0, no I/O permission bitmap, UMIP. */
const PRIVILEGED = new Set([
  'mov_to_cr',
  'mov_from_cr',
  'mov_to_dr',
  'mov_from_dr',
  'clts',
  'lmsw',
  'smsw',
  'lgdt',
  'sgdt',
  'lidt',
  'sidt',
  'lldt',
  'sldt',
  'ltr',
  'str',
  'in',
  'out',
  'ins',
  'outs',
  'cli',
  'sti',
  'hlt',
  'invlpg',
  'invd',
  'wbinvd',
  'swapgs',
  'rdmsr',
  'wrmsr',
  'sysret',
  'sysexit',
]);

/** Does the system instruction `mnemonic` as user mode sees it. */
export function userSystem(mnemonic: string): never {
  if (PRIVILEGED.has(mnemonic)) throw new GuestEvent('fault', Vector.GP, 0n, 0n);
  throw new Unimplemented(mnemonic);
}

/** The exception that an event is: in the vectors' IDT only vectors 3 and 4 may be called by INT n (SDM Vol. 3, "Error Code"). */
export function deliveredException(event: GuestEvent): { vector: number; errorCode?: bigint; atNext: boolean } {
  if (event.kind === 'software' && event.vector !== 3 && event.vector !== 4) {
    return { vector: Vector.GP, errorCode: BigInt(event.vector * 8 + 2), atNext: false };
  }
  return { vector: event.vector, ...(event.errorCode !== undefined && { errorCode: event.errorCode }), atNext: event.kind !== 'fault' };
}
