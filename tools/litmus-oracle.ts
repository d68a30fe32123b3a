import type { Location } from '../src/explore/litmus/syntax.ts';

/** A record of an oracle: the complete final states of one test. */
export interface OracleRecord {
  readonly file: string;
  /** Absent for a test that names none: its states do. */
  readonly locations: readonly string[] | null;
  readonly states: readonly Readonly<Record<string, string>>[];
  readonly observation: string;
  readonly loop_truncated?: boolean;
  readonly operational_agrees?: boolean;
  /** CPU time that herd7 took, with its start-up. */
  readonly herd_seconds?: number;
}

/** `x`, `t[1]`, `0:rax` as an oracle names them. */
export function locationOf(name: string): Location {
  const [, thread, register] = /^(\d+):(\w+)$/.exec(name) ?? [];
  if (thread !== undefined && register !== undefined) return { kind: 'register', thread: Number(thread), register };
  const [, variable = name, index = '0'] = /^(\w+)\[(\d+)\]$/.exec(name) ?? [];
  return { kind: 'variable', name: variable, index: Number(index) };
}

/** The names of a record's locations, and its states as sorted lines of 64-bit values in their order. */
export function statesOf(record: OracleRecord): { readonly names: readonly string[]; readonly states: readonly string[] } {
  const names = record.locations ?? Object.keys(record.states[0] ?? {});
  const line = (state: Readonly<Record<string, string>>): string => names.map((n) => BigInt.asUintN(64, BigInt(state[n] ?? '0'))).join(' ');
  return { names, states: record.states.map(line).sort() };
}
