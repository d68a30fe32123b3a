import { decodeCheckpoint, encodeCheckpoint, requireKind } from '../checkpoint.ts';
import type { NamedStep } from '../table/named-steps.ts';
import type { Findings } from './findings.ts';
import type { Job } from './shared-work.ts';

/** A search by workers that was interrupted: all that is needed to go on, by as many as one likes. */
export interface SharedCheckpoint {
  /** What is explored: image and cell. */
  readonly name: string;
  /** What a world must know from its start. */
  readonly visible: readonly number[];
  readonly text: readonly number[];
  /** Quadwords that are slots of the table whoever touches them. */
  readonly cells: readonly number[];
  readonly symmetry: boolean;
  /** All that cores are known to do, where that decides who goes first; undefined: all runs are looked at. */
  readonly steps?: readonly NamedStep[];
  /** Why it is off although nobody asked for that. */
  readonly whyPlain?: string;
  /** Keys of all states in the order of their numbers, four words each. */
  readonly keys: Int32Array;
  readonly jobs: readonly Job[];
  /** Undefined where nothing counts so far. */
  readonly findings?: Findings;
}

export function encodeShared({ name, keys, findings, ...rest }: SharedCheckpoint): Uint8Array {
  if (findings === undefined) return encodeCheckpoint({ kind: 'shared', name, plain: rest, parts: [keys] });
  const { edges, seen, ...told } = findings;
  const plain = { ...rest, findings: told, partition: seen.partition };
  const parts = [keys, edges, new Int32Array(seen.touched), new Int32Array(seen.executed)];
  return encodeCheckpoint({ kind: 'shared', name, plain, parts });
}

type Plain = Omit<SharedCheckpoint, 'name' | 'keys'> & { readonly partition: Findings['seen']['partition'] };

/** Throws what `decodeCheckpoint` and `requireKind` do. */
export function decodeShared(bytes: Uint8Array, name: string): SharedCheckpoint {
  const checkpoint = decodeCheckpoint(bytes, name);
  requireKind(checkpoint, 'shared');
  const [keys, edges, touched, executed] = checkpoint.parts;
  const { partition, findings, ...rest } = checkpoint.plain as Plain;
  if (findings === undefined) return { ...rest, name, keys: keys! };
  const seen = { touched: new Uint32Array(touched!), executed: new Uint32Array(executed!), partition };
  return { ...rest, name, keys: keys!, findings: { ...findings, edges: edges!, seen } };
}
