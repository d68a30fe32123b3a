import type { Operation, Patcher } from './operation.ts';

/** A place in a patcher's run: what it wants next, and where each answer leads. */
export interface ProgramNode {
  readonly number: number;
  /** Undefined when the patcher has ended. */
  readonly next: Operation | undefined;
  /** Hash of everything that it was answered so far: equal for equal histories, whoever explored them first. */
  readonly hash: readonly [bigint, bigint];
  readonly answers: readonly bigint[];
  readonly children: Map<bigint, ProgramNode>;
}

const MASK = (1n << 64n) - 1n;

/**
 * A patcher unfolded into a tree of its answers. Generators cannot be copied, so when the search backs up the place in the tree is what
 * goes back; a generator is run again from the start only for a history that was never seen before.
 */
export class Program {
  readonly #make: () => Patcher;
  readonly #nodes: ProgramNode[] = [];

  constructor(make: () => Patcher) {
    this.#make = make;
    this.#add([]);
  }

  node(number: number): ProgramNode {
    return this.#nodes[number] as ProgramNode;
  }

  /** Where the patcher is after `answer` to the operation of `node`. */
  after(node: ProgramNode, answer: bigint): ProgramNode {
    const known = node.children.get(answer);
    if (known !== undefined) return known;
    const child = this.#add([...node.answers, answer]);
    node.children.set(answer, child);
    return child;
  }

  #add(answers: readonly bigint[]): ProgramNode {
    const generator = this.#make();
    let result = generator.next();
    for (const answer of answers) result = generator.next(answer);
    const node: ProgramNode = {
      number: this.#nodes.length,
      next: result.done === true ? undefined : result.value,
      hash: historyHash(answers),
      answers,
      children: new Map(),
    };
    this.#nodes.push(node);
    return node;
  }
}

/** Two 64-bit lanes of FNV-1a over the answers. */
function historyHash(answers: readonly bigint[]): [bigint, bigint] {
  let a = 0xcbf29ce484222325n;
  let b = 0x84222325cbf29ce4n;
  for (const answer of answers) {
    a = ((a ^ answer) * 0x100000001b3n + 1n) & MASK;
    b = ((b ^ (answer + 0x9e37n)) * 0x10000000233n + 7n) & MASK;
  }
  return [a, b];
}
