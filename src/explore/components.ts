/** Strongly connected components of a graph: numbers such that edges lead to the same or a smaller one. */
export interface Components {
  /** Of each node. */
  readonly of: Int32Array;
  readonly count: number;
  /** Nodes by ascending component. */
  readonly order: Int32Array;
}

/** What `successor` says of an edge that leads to no node. */
export const NOWHERE = -2;

/**
 * The components of nodes 0 to `nodes` - 1. `successor(node, n)` is where the nth edge of a node leads, -1 when it has no more. R. Tarjan, "Depth-First Search
 * and Linear Graph Algorithms", 1972, without recursion.
 */
export function componentsOf(nodes: number, successor: (node: number, n: number) => number): Components {
  const of = new Int32Array(nodes).fill(-1);
  const index = new Int32Array(nodes).fill(-1);
  const low = new Int32Array(nodes);
  const at = new Int32Array(nodes);
  const onStack = new Uint8Array(nodes);
  const order = new Int32Array(nodes);
  const stack: number[] = [];
  let [next, count, done] = [0, 0, 0];
  for (let root = 0; root < nodes; root++) {
    if (index[root] !== -1) continue;
    const work = [root];
    while (work.length > 0) {
      const node = work[work.length - 1]!;
      if (index[node] === -1) {
        index[node] = low[node] = next++;
        stack.push(node);
        onStack[node] = 1;
      }
      const to = successor(node, at[node]!++);
      if (to === NOWHERE) continue;
      if (to !== -1) {
        if (index[to] === -1) work.push(to);
        else if (onStack[to] === 1) low[node] = Math.min(low[node]!, index[to]!);
        continue;
      }
      work.pop();
      const parent = work[work.length - 1];
      if (parent !== undefined) low[parent] = Math.min(low[parent]!, low[node]!);
      if (low[node] !== index[node]) continue;
      for (;;) {
        const member = stack.pop()!;
        onStack[member] = 0;
        of[member] = count;
        order[done++] = member;
        if (member === node) break;
      }
      count++;
    }
  }
  return { of, count, order };
}
