import { TextpokeError } from '../../error.ts';
import { registerNamed } from './code.ts';
import { vectorsOf } from './faults.ts';
import type { LitmusTest, LitmusVariable, Location } from './syntax.ts';

/** Where the value of a location is found once a run has ended, and how to read the bits there. */
export type Observed =
  | { readonly kind: 'register'; readonly thread: number; readonly number: number; readonly bits: number; readonly signed: boolean }
  | { readonly kind: 'memory'; readonly address: bigint; readonly bits: number; readonly signed: boolean }
  /** Bits of the vectors that count, of the exceptions that a thread took. */
  | { readonly kind: 'fault'; readonly thread: number; readonly vectors: number };

/** Finds a location in a test. `E_USAGE` where the test has no such thing. */
export function observedAt(
  test: LitmusTest,
  variables: readonly LitmusVariable[],
  addressOf: (name: string) => bigint,
  location: Location,
): Observed {
  if (location.kind === 'variable') return variableAt(variables, addressOf, location);
  const { kind, thread } = location;
  if (test.threads[thread] === undefined)
    throw new TextpokeError('E_USAGE', `there is no thread ${thread}`, { where: `P${thread}`, hint: 'threads are counted from 0' });
  if (kind === 'fault') return { kind, thread, vectors: vectorsOf(location.vector) };
  const { number, bits } = registerNamed(location.register);
  const signed = test.registers.some((r) => r.signed && r.thread === thread && registerNamed(r.register).number === number);
  return { kind, thread, number, bits, signed };
}

function variableAt(
  variables: readonly LitmusVariable[],
  addressOf: (name: string) => bigint,
  { name, index }: Extract<Location, { kind: 'variable' }>,
): Observed {
  const variable = variables.find((v) => v.name === name);
  if (variable === undefined || index >= variable.values.length)
    throw new TextpokeError('E_USAGE', `there is no location ${name}`, {
      where: name,
      hint: 'a condition names variables that the threads use',
    });
  return { kind: 'memory', address: addressOf(name) + BigInt(index * variable.bytes), bits: variable.bytes * 8, signed: variable.signed };
}

/** What the bits that are found there mean. */
export function meaningOf(observed: Observed, raw: bigint): bigint {
  if (observed.kind === 'fault') return (raw & BigInt(observed.vectors >>> 0)) === 0n ? 0n : 1n;
  return observed.signed ? BigInt.asIntN(observed.bits, raw) : BigInt.asUintN(observed.bits, raw);
}
