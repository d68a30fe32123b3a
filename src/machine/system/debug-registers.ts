import { Vector } from '../../isa/core-state.ts';
import { type Core, GuestFault } from '../core.ts';
import type { SystemHelper } from '../parts.ts';
import { CR4, hasCr4, requireCpl0, serializing } from './checks.ts';
import { readOperand, writeOperand } from './operands.ts';

/** MOV to and from debug registers (SDM Vol. 3, "Debug Registers"). DR4 and DR5 are DR6 and DR7 unless CR4.DE. */

const DR6_FIXED = 0xffff0ff0n;
const DR6_WRITABLE = 0xe00fn;
const DR6_BD = 1n << 13n;
const DR7_FIXED = 0x400n;
const DR7_WRITABLE = 0xffff23ffn;
const DR7_GD = 1n << 13n;

const WORDS = ['dr0', 'dr1', 'dr2', 'dr3', 'dr6', 'dr7', 'dr6', 'dr7'] as const;

/** #UD for DR4 and DR5 under CR4.DE, #GP(0) outside CPL 0, #DB where DR7.GD guards the registers. */
function check(core: Core, number: number): void {
  if ((number === 4 || number === 5) && hasCr4(core, CR4.de)) throw new GuestFault(Vector.UD);
  requireCpl0(core);
  if ((core.get('dr7') & DR7_GD) !== 0n) {
    core.set('dr6', core.get('dr6') | DR6_BD);
    throw new GuestFault(Vector.DB);
  }
}

export const movFromDr: SystemHelper = (_machine, core, instruction, fields) => {
  const number = Number(fields.immediate);
  check(core, number);
  writeOperand(core, instruction, fields, 0, core.get(WORDS[number]!));
  return 'next';
};

export const movToDr: SystemHelper = (machine, core, instruction, fields) => {
  const number = Number(fields.immediate);
  check(core, number);
  const value = readOperand(core, instruction, fields, 1);
  const word = WORDS[number]!;
  if (number >= 4 && value >> 32n !== 0n) throw new GuestFault(Vector.GP);
  const stored = word === 'dr6' ? (value & DR6_WRITABLE) | DR6_FIXED : word === 'dr7' ? (value & DR7_WRITABLE) | DR7_FIXED : value;
  const effect = (): void => {
    core.set(word, stored);
    // Pages with a breakpoint are those whose translations are not kept.
    machine.flushTlb(core);
  };
  return serializing(machine, core, `mov to dr${number}`, effect, 'nextAndLook');
};
