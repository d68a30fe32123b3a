import { x87Offset } from '../../isa/core-state.ts';
import { summarized, TOP_AT } from '../../isa/helpers/x87-word.ts';
import type { Core } from '../core.ts';
import type { StateArea } from './state-area.ts';

/** The x87 registers as they are stored: in the order of the stack, ST(0) first. */

const CONTROL_RESERVED = ~0x1f3fn & 0xffffn;
const CONTROL_FIXED = 0x40n;

const physical = (core: Core, n: number): number => x87Offset((Number(core.get('fsw') >> BigInt(TOP_AT)) + n) & 7);

/** Stores ST(n): eight bytes of significand, then sign and exponent in `upper` bytes. */
export function storeRegister(core: Core, area: StateArea, offset: number, n: number, upper: 2 | 8 = 2): void {
  const at = physical(core, n);
  area.store(offset, 8, core.rawLong(at));
  area.store(offset + 8, upper, core.rawLong(at + 8) & 0xffffn);
}

/** The ten bytes of a register in memory. */
export const loadRegister = (area: StateArea, offset: number): readonly [bigint, bigint] => [
  area.load(offset, 8),
  area.load(offset + 8, 2),
];

/** Makes them ST(0) to ST(7) of the TOP that the status word has. */
export function putRegisters(core: Core, registers: readonly (readonly [bigint, bigint])[]): void {
  registers.forEach(([low, high], n) => {
    const at = physical(core, n);
    core.setRawLong(at, low);
    core.setRawLong(at + 8, high);
  });
}

/** The words of the FPU. Reserved bits are dropped, the error summary is made anew from flags and masks. `tags` is in the form of FXSAVE. */
export interface X87Words {
  readonly control: bigint;
  readonly status: bigint;
  readonly tags: bigint;
  readonly opcode: bigint;
  readonly instruction: bigint;
  readonly data: bigint;
}

export function putWords(core: Core, { control, status, tags, opcode, instruction, data }: X87Words): void {
  const fcw = (control & ~CONTROL_RESERVED) | CONTROL_FIXED;
  core.set('fcw', fcw);
  core.set('fsw', summarized(Number(fcw), Number(status & 0xffffn)));
  core.set('ftw', tags & 0xffn);
  core.set('fop', opcode & 0x7ffn);
  core.set('fip', instruction);
  core.set('fdp', data);
}

/** The state after FNINIT; registers keep their contents. */
export function initializeWords(core: Core): void {
  putWords(core, { control: 0x37fn, status: 0n, tags: 0n, opcode: 0n, instruction: 0n, data: 0n });
}

/** Two bits a physical register: 0 a number, 1 zero, 2 none of these, 3 empty (SDM Vol. 1, "x87 FPU Tag Word"). */
export function fullTags(core: Core): bigint {
  const used = core.get('ftw');
  let tags = 0n;
  for (let n = 0; n < 8; n++) tags |= (((used >> BigInt(n)) & 1n) === 0n ? 3n : tagOf(core, n)) << BigInt(2 * n);
  return tags;
}

function tagOf(core: Core, n: number): bigint {
  const low = core.rawLong(x87Offset(n));
  const exponent = core.rawLong(x87Offset(n) + 8) & 0x7fffn;
  if (exponent === 0n && low === 0n) return 1n;
  return exponent === 0n || exponent === 0x7fffn || low >> 63n === 0n ? 2n : 0n;
}

/** The form of FXSAVE: one bit a register that is not empty. */
export function shortTags(tags: bigint): bigint {
  let short = 0n;
  for (let n = 0n; n < 8n; n++) if (((tags >> (2n * n)) & 3n) !== 3n) short |= 1n << n;
  return short;
}
