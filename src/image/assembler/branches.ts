import type { Asked, AskedOperand } from './asked.ts';
import { AsmFailure } from './failure.ts';

/** Conditions in the order of their encoding (SDM Vol. 2, Jcc). */
const CONDITIONS = ['o', 'no', 'b', 'ae', 'e', 'ne', 'be', 'a', 's', 'ns', 'p', 'np', 'l', 'ge', 'le', 'g'];

interface Forms {
  readonly short?: readonly number[];
  readonly near?: readonly number[];
}

function formsOf(mnemonic: string): Forms {
  switch (mnemonic) {
    case 'jmp':
      return { short: [0xeb], near: [0xe9] };
    case 'call':
      return { near: [0xe8] };
    case 'xbegin':
      return { near: [0xc7, 0xf8] };
    case 'loopne':
      return { short: [0xe0] };
    case 'loope':
      return { short: [0xe1] };
    case 'loop':
      return { short: [0xe2] };
    case 'jrcxz':
      return { short: [0xe3] };
    case 'jecxz':
      return { short: [0x67, 0xe3] };
    default: {
      const condition = CONDITIONS.indexOf(mnemonic.slice(1));
      return condition < 0 ? {} : { short: [0x70 + condition], near: [0x0f, 0x80 + condition] };
    }
  }
}

/** The branch target among the operands, if this is a direct branch. */
export function targetOf(asked: Asked): (AskedOperand & { kind: 'target' }) | undefined {
  const [operand] = asked.operands;
  return operand?.kind === 'target' ? operand : undefined;
}

/**
 * Encodes a direct branch at `address`. `near` asks for the long form of one that may have either; the answer is undefined when the
 * short form does not reach and a near one would.
 */
export function encodeBranch(asked: Asked, address: bigint, near: boolean): Uint8Array | undefined {
  const target = targetOf(asked);
  if (!target) throw new Error('encodeBranch is for direct branches');
  if (asked.lock || asked.repeat !== 'none' || asked.notrack)
    throw new AsmFailure(`${asked.mnemonic} to a label takes no prefix`, asked.place, 'remove the prefix');
  if (asked.size !== undefined && asked.size !== 64)
    throw new AsmFailure(`a branch of ${asked.size} bits does not exist in 64-bit mode`, asked.place, 'remove the suffix');
  const forms = formsOf(asked.mnemonic);
  const far = (distance: bigint, size: string) =>
    new AsmFailure(
      `the target 0x${target.address.toString(16)} is ${distance} bytes away, too far for ${size}`,
      asked.place,
      'bring the target nearer, or jump through a register',
    );
  const distanceFrom = (length: number): bigint => BigInt.asIntN(64, target.address - (address + BigInt(length)));
  if (forms.short && (target.form === 'short' || forms.near === undefined || (!near && target.form === 'any'))) {
    const length = forms.short.length + 1;
    const distance = distanceFrom(length);
    if (distance >= -128n && distance <= 127n) return Uint8Array.from([...forms.short, Number(BigInt.asUintN(8, distance))]);
    if (target.form === 'short' || forms.near === undefined) throw far(distance, `the short form of ${asked.mnemonic} (-128 to 127)`);
    return undefined;
  }
  if (!forms.near || target.form === 'short')
    throw new AsmFailure(`${asked.mnemonic} has no such form`, asked.place, 'see the instruction set reference of the SDM');
  const distance = distanceFrom(forms.near.length + 4);
  if (distance < -(1n << 31n) || distance >= 1n << 31n) throw far(distance, 'a 32-bit displacement');
  const bytes = new Uint8Array(forms.near.length + 4);
  bytes.set(forms.near);
  new DataView(bytes.buffer).setInt32(forms.near.length, Number(distance), true);
  return bytes;
}
