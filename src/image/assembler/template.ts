import type { Register } from 'iced-x86';
import type { Asked, AskedOperand, BranchForm } from './asked.ts';
import type { Expression, Resolve, Value } from './expression.ts';
import { evaluate } from './expression.ts';
import { AsmFailure, type Place } from './failure.ts';

/** An instruction as parsed: like `Asked`, with expressions where numbers will be. */
export interface Template extends Omit<Asked, 'operands'> {
  readonly operands: readonly TemplateOperand[];
}

export type TemplateOperand =
  | { readonly kind: 'register'; readonly register: Register }
  | { readonly kind: 'immediate'; readonly expression: Expression }
  | {
      readonly kind: 'memory';
      readonly size: number | undefined;
      readonly segment: Register | undefined;
      readonly base: Register | undefined;
      readonly index: Register | undefined;
      readonly scale: number;
      readonly displacement: Expression | undefined;
      readonly place: Place;
    }
  | { readonly kind: 'target'; readonly expression: Expression; readonly form: BranchForm };

/** An instruction with its numbers, and the address that a RIP-relative operand is to reach, when it names one. */
export interface Instantiated {
  readonly asked: Asked;
  /** Set when a RIP-relative operand names an address: the displacement then depends on the length of the instruction. */
  readonly ripTarget: bigint | undefined;
}

/** Fills in the numbers of `template`. `ripRegister` is the number of RIP. */
export function instantiate(template: Template, resolve: Resolve, ripRegister: Register): Instantiated {
  let ripTarget: bigint | undefined;
  const operands = template.operands.map((o): AskedOperand => {
    switch (o.kind) {
      case 'register':
        return o;
      case 'immediate':
        return { kind: 'immediate', value: inRange(evaluate(o.expression, resolve), o.expression.place).value };
      case 'memory': {
        const { place, displacement, ...rest } = o;
        const value = displacement ? inRange(evaluate(displacement, resolve), place) : undefined;
        if (o.base === ripRegister && value && value.kind !== 'number') {
          ripTarget = BigInt.asUintN(64, value.value);
          return { ...rest, displacement: 0n };
        }
        return { ...rest, displacement: value?.value ?? 0n };
      }
      case 'target': {
        const value = inRange(evaluate(o.expression, resolve), o.expression.place);
        // Like GNU as, which knows no distance to what is not in the source.
        const form = o.form === 'any' && value.kind !== 'label' ? 'near' : o.form;
        return { kind: 'target', address: BigInt.asUintN(64, value.value), form };
      }
    }
  });
  return { asked: { ...template, operands }, ripTarget };
}

function inRange(value: Value, place: Place): Value {
  if (value.value < -(1n << 63n) || value.value >= 1n << 64n) {
    throw new AsmFailure(`0x${value.value.toString(16)} does not fit 64 bits`, place, 'use a smaller number');
  }
  return value;
}
