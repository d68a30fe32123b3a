import type { Operation, Patcher } from './operation.ts';

/** A place in a patcher's run: what it wants next, and where each answer leads. */
export interface ProgramNode {
  readonly number: number;
  /** Undefined when the patcher has ended. */
  readonly next: Operation | undefined;
  /** Hash of everything that it was answered so far: equal for equal histories, whoever explored them first. */
  readonly hash: readonly [bigint, bigint];
  /** The place before, and what its operation was answered; undefined for the first place. */
  readonly from: { readonly node: ProgramNode; readonly answer: bigint } | undefined;
  readonly children: Map<bigint, ProgramNode>;
}

const MASK = (1n << 64n) - 1n;

/**
 * A patcher unfolded into a tree of its answers. Generators cannot be copied, so when the search backs up the place in the tree is what
 * goes back. The generator that went on last goes on from where it is; only elsewhere one is run again from the start, for a history that was never seen before.
 */
export class Program {
  readonly #make: () => Patcher;
  readonly #nodes: ProgramNode[] = [];
  /** The generator that went on last, and the node that it is at. */
  #live: { readonly generator: Patcher; readonly at: ProgramNode } | undefined;

  constructor(make: () => Patcher) {
    this.#make = make;
    const generator = make();
    this.#add(generator, generator.next(), START, undefined);
  }

  node(number: number): ProgramNode {
    return this.#nodes[number] as ProgramNode;
  }

  /** Where the patcher is after `answer` to the operation of `node`. */
  after(node: ProgramNode, answer: bigint): ProgramNode {
    const known = node.children.get(answer);
    if (known !== undefined) return known;
    const generator = this.#live?.at === node ? this.#live.generator : this.#again(node);
    // What throws in the middle is not at any node.
    this.#live = undefined;
    const child = this.#add(generator, generator.next(answer), hashAfter(node.hash, answer), { node, answer });
    node.children.set(answer, child);
    return child;
  }

  #add(generator: Patcher, result: ReturnType<Patcher['next']>, hash: ProgramNode['hash'], from: ProgramNode['from']): ProgramNode {
    const next = result.done === true ? undefined : result.value;
    const node: ProgramNode = { number: this.#nodes.length, next, hash, from, children: new Map() };
    this.#nodes.push(node);
    this.#live = { generator, at: node };
    return node;
  }

  /** A generator that has come to a node. */
  #again(node: ProgramNode): Patcher {
    const answers: bigint[] = [];
    for (let { from } = node; from !== undefined; from = from.node.from) answers.push(from.answer);
    const generator = this.#make();
    generator.next();
    for (const answer of answers.reverse()) generator.next(answer);
    return generator;
  }
}

const START: ProgramNode['hash'] = [0xcbf29ce484222325n, 0x84222325cbf29ce4n];

/** Two 64-bit lanes of FNV-1a over the answers. */
const hashAfter = ([a, b]: ProgramNode['hash'], answer: bigint): ProgramNode['hash'] => [
  ((a ^ answer) * 0x100000001b3n + 1n) & MASK,
  ((b ^ (answer + 0x9e37n)) * 0x10000000233n + 7n) & MASK,
];
