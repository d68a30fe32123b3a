/** An edge of a small graph. */
export interface LocalEdge {
  readonly from: number;
  readonly to: number;
}

/**
 * Strongly connected components, numbered such that edges lead to components of smaller numbers, and how many members each has. R. Tarjan, "Depth-First
 * Search and Linear Graph Algorithms", 1972, without recursion.
 */
export function componentsOf(nodes: number, edges: readonly LocalEdge[]): { component: Int32Array; sizes: number[] } {
  const outgoing = Array.from({ length: nodes }, () => [] as number[]);
  for (const { from, to } of edges) outgoing[from]!.push(to);
  const component = new Int32Array(nodes).fill(-1);
  const index = new Int32Array(nodes).fill(-1);
  const low = new Int32Array(nodes);
  const at = new Int32Array(nodes);
  const stack: number[] = [];
  const onStack = new Uint8Array(nodes);
  const sizes: number[] = [];
  let next = 0;
  for (let root = 0; root < nodes; root++) {
    if (index[root] !== -1) continue;
    const work = [root];
    while (work.length > 0) {
      const n = work[work.length - 1]!;
      if (index[n] === -1) {
        index[n] = low[n] = next++;
        stack.push(n);
        onStack[n] = 1;
      }
      const to = outgoing[n]![at[n]!++];
      if (to !== undefined) {
        if (index[to] === -1) work.push(to);
        else if (onStack[to] === 1) low[n] = Math.min(low[n]!, index[to]!);
        continue;
      }
      work.pop();
      const parent = work[work.length - 1];
      if (parent !== undefined) low[parent] = Math.min(low[parent]!, low[n]!);
      if (low[n] !== index[n]) continue;
      let size = 0;
      for (;;) {
        const member = stack.pop()!;
        onStack[member] = 0;
        component[member] = sizes.length;
        size++;
        if (member === n) break;
      }
      sizes.push(size);
    }
  }
  return { component, sizes };
}
