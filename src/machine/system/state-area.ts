import { CORE, LATCH_ENTRIES } from '../../engine/layout.ts';
import { TextpokeError } from '../../error.ts';
import { Vector } from '../../isa/core-state.ts';
import type { Instruction } from '../../isa/instruction.ts';
import type { RecordFields } from '../../isa/record.ts';
import { type Core, GuestFault } from '../core.ts';
import { accessKind, addressOf, uncheckedAddressOf } from './operands.ts';

/** The memory operand of an instruction that saves or restores state: fields at offsets from its address. */
export class StateArea {
  readonly #core: Core;
  readonly #instruction: Instruction;
  readonly #fields: RecordFields;
  readonly #kind: 'stack' | 'data';

  /** #GP(0) where the address is no multiple of `alignment`: of the XSAVE set, of 64 bytes, before its segment is asked, as recorded. */
  constructor(core: Core, instruction: Instruction, fields: RecordFields, alignment: number) {
    this.#core = core;
    this.#instruction = instruction;
    this.#fields = fields;
    this.#kind = accessKind(fields);
    if (alignment < 64) this.#at(0, 1, 'read');
    if (uncheckedAddressOf(core, instruction, fields) % BigInt(alignment) !== 0n) throw new GuestFault(Vector.GP);
  }

  /** Faults where a store of one of these bytes would: call it before the first store, so that there are all or none. Of the offsets the first that faults counts: as recorded. */
  probe(...offsets: readonly number[]): void {
    for (const offset of offsets) this.#core.probe(this.#at(offset, 1, 'write'), 1, this.#kind);
  }

  load(offset: number, bytes: number): bigint {
    this.#checkRoom();
    return this.#core.load(this.#at(offset, bytes, 'read'), bytes, this.#kind);
  }

  store(offset: number, bytes: number, value: bigint): void {
    this.#checkRoom();
    this.#core.store(this.#at(offset, bytes, 'write'), bytes, BigInt.asUintN(8 * bytes, value), this.#kind);
  }

  /** Accesses that other cores can see happen one by one: there is room for so many of one instruction. */
  #checkRoom(): void {
    if (this.#core.raw(CORE.latchDone) >= LATCH_ENTRIES) {
      throw new TextpokeError(
        'E_GUEST',
        `state is saved in memory that others see: more than ${LATCH_ENTRIES} accesses of one instruction`,
        {
          where: `core ${this.#core.index} at 0x${this.#core.rip.toString(16)}`,
          hint: 'save it on the stack or in another place of this core',
        },
      );
    }
  }

  #at(offset: number, bytes: number, access: 'read' | 'write'): bigint {
    return addressOf(this.#core, this.#instruction, this.#fields, bytes, access, offset);
  }
}
