import { type Checkpoint, decodeCheckpoint, encodeCheckpoint, requireKind } from '../checkpoint.ts';
import type { Recollection } from '../world.ts';
import type { Footprint } from './footprint.ts';
import { historyOfWords, type TableMemory, wordsOfHistory } from './memory.ts';
import { type SearchPause, stackOfWords, wordsOfStack } from './pause.ts';

/** Which of its searches an exploration is at. */
export interface Stage {
  /** How often it has begun again because more was found to be shared. */
  readonly round: number;
  /** What a world must know from its start. */
  readonly visible: readonly number[];
  readonly text: readonly number[];
  /** Quadwords that are slots of the table whoever touches them. */
  readonly cells: readonly number[];
  readonly symmetry: boolean;
  /** Why it is off although nobody asked for that. */
  readonly whyPlain?: string;
  readonly reduce: boolean;
}

/** A search alone that was interrupted. */
export interface AloneCheckpoint extends Stage {
  /** What is explored: image and cell. */
  readonly name: string;
  readonly pause: SearchPause;
  readonly memory: TableMemory;
  readonly footprint: Footprint;
  readonly recollection: Recollection;
}

export function encodeAlone({ name, pause, memory, footprint, ...stage }: AloneCheckpoint): Uint8Array {
  const { keys, edges, reached, masks, stack, ...rest } = pause;
  const { touched, executed, partition } = footprint;
  const { choices, locals, history } = memory;
  const long = [keys, edges, reached, masks, wordsOfStack(stack), new Int32Array(touched), new Int32Array(executed)];
  const parts = [...long, ...locals, ...history.map(wordsOfHistory)];
  return encodeCheckpoint({ kind: 'alone', name, plain: { ...stage, pause: rest, partition, choices }, parts });
}

type Plain = Pick<AloneCheckpoint, 'recollection' | keyof Stage> &
  Pick<TableMemory, 'choices'> &
  Pick<Footprint, 'partition'> & { readonly pause: Pick<SearchPause, 'counts' | 'found' | 'counterexample' | 'futures'> };

/** Throws what `decodeCheckpoint` and `requireKind` do. */
export function decodeAlone(bytes: Uint8Array, name: string): AloneCheckpoint {
  const checkpoint: Checkpoint = decodeCheckpoint(bytes, name);
  requireKind(checkpoint, 'alone');
  const { pause, partition, choices, ...stage } = checkpoint.plain as Plain;
  const [keys, edges, reached, masks, stack, touched, executed, ...cores] = checkpoint.parts;
  const locals = cores.slice(0, cores.length / 2);
  return {
    ...stage,
    name,
    pause: {
      ...pause,
      keys: keys!,
      edges: edges!,
      reached: reached!,
      masks: masks!,
      stack: stackOfWords(stack!),
    },
    memory: { choices, locals, history: cores.slice(locals.length).map(historyOfWords) },
    footprint: { touched: new Uint32Array(touched!), executed: new Uint32Array(executed!), partition },
  };
}
