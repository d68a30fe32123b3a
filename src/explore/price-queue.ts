/** Nodes in the order of their prices; of one price in the order of arrival. */
export class PriceQueue {
  readonly #buckets = new Map<number, { readonly nodes: number[]; next: number }>();
  /** Binary heap of the prices that have a bucket. */
  readonly #prices: number[] = [];

  add(price: number, node: number): void {
    const bucket = this.#buckets.get(price);
    if (bucket !== undefined) {
      bucket.nodes.push(node);
      return;
    }
    this.#buckets.set(price, { nodes: [node], next: 0 });
    const heap = this.#prices;
    let at = heap.push(price) - 1;
    for (let up = (at - 1) >> 1; at > 0 && heap[up]! > price; up = (at - 1) >> 1) {
      heap[at] = heap[up]!;
      at = up;
    }
    heap[at] = price;
  }

  /** Takes a cheapest node; undefined when there is none. */
  take(): number | undefined {
    for (;;) {
      const price = this.#prices[0];
      if (price === undefined) return undefined;
      const bucket = this.#buckets.get(price)!;
      if (bucket.next < bucket.nodes.length) return bucket.nodes[bucket.next++];
      this.#buckets.delete(price);
      this.#removeFirst();
    }
  }

  #removeFirst(): void {
    const heap = this.#prices;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++;
      if (heap[child]! >= last) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}
