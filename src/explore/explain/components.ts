import { type RunGraph, VIOLATES } from './run-graph.ts';

/** Strongly connected components: numbers such that edges lead to the same or a smaller one. */
export interface Components {
  /** Of each state. */
  readonly of: Int32Array;
  readonly count: number;
  /** States by ascending component. */
  readonly order: Int32Array;
}

/** Tarjan's algorithm without recursion. R. Tarjan, "Depth-First Search and Linear Graph Algorithms", 1972. */
export function componentsOf(graph: RunGraph): Components {
  const { states } = graph;
  const of = new Int32Array(states).fill(-1);
  const index = new Int32Array(states).fill(-1);
  const low = new Int32Array(states);
  const at = new Int32Array(states);
  const onStack = new Uint8Array(states);
  const order: number[] = [];
  const stack: number[] = [];
  const work = [0];
  let next = 0;
  let count = 0;
  while (work.length > 0) {
    const s = work[work.length - 1]!;
    if (index[s] === -1) {
      index[s] = low[s] = next++;
      stack.push(s);
      onStack[s] = 1;
    }
    if (at[s]! < graph.count[s]!) {
      const to = graph.to[graph.first[s]! + at[s]!++]!;
      if (to === VIOLATES) continue;
      if (index[to] === -1) work.push(to);
      else if (onStack[to] === 1) low[s] = Math.min(low[s]!, index[to]!);
      continue;
    }
    work.pop();
    const parent = work[work.length - 1];
    if (parent !== undefined) low[parent] = Math.min(low[parent]!, low[s]!);
    if (low[s] !== index[s]) continue;
    for (;;) {
      const member = stack.pop()!;
      onStack[member] = 0;
      of[member] = count;
      order.push(member);
      if (member === s) break;
    }
    count++;
  }
  return { of, count, order: Int32Array.from(order) };
}
