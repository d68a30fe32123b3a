import type { Ran, VectorTarget } from '../../../tools/silicon/target.ts';
import type { Extended, Vector } from '../../../tools/silicon/vectors.ts';

/** What is there before an instruction. What is left out is zero, but for the control words: those mask everything. */
interface Front {
  readonly gpr: readonly bigint[];
  readonly rip: bigint;
  readonly rflags: bigint;
  readonly extended?: Partial<Extended>;
  readonly memory?: Vector['memory'];
  /** Selectors of 16- and 32-bit code. */
  readonly segments?: readonly number[];
}

export const bytesOf = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g)!, (pair) => Number.parseInt(pair, 16));

/** Runs an instruction as if it were one of the recorder's. */
export function runOne(target: VectorTarget, hex: string, { extended, memory = [], segments, ...registers }: Front): Ran {
  const zeros = (length: number): bigint[] => Array.from({ length }, () => 0n);
  const outcome = target.run({
    id: hex,
    bytes: bytesOf(hex),
    ...(segments !== undefined && { segments }),
    before: {
      ...registers,
      fsBase: 0n,
      gsBase: 0n,
      extended: {
        ...{ ymm: zeros(16), st: zeros(8), fcw: 0x37fn, fsw: 0n, ftw: 0n, mxcsr: 0x1f80n, fop: 0n, fip: 0n, fdp: 0n },
        ...extended,
      },
    },
    memory,
    out: new Map(),
    memoryOut: [],
    undefinedFlags: 0n,
    statusMask: 0xffffn,
    notes: [],
    steps: undefined,
  });
  if (outcome.kind !== 'ran') throw new Error(outcome.name);
  return outcome;
}
