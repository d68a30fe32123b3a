/** How big runs are, learned from those that came to their end: what change points are drawn over, and what the guarantee is counted with. */
export class RunSize {
  /** Agents that could act in some run: n. */
  agents = 0;
  /** Events that change points are drawn over: k, at least the longest run. 0: nothing is known yet. */
  events = 0;
  readonly #seen: boolean[] = [];

  /** An agent could act. */
  saw(agent: number): void {
    if (this.#seen[agent] === true) return;
    this.#seen[agent] = true;
    this.agents++;
  }

  /** A run ended after so many events. An eighth more is allowed for, so that k soon stays what it is. */
  ended(events: number): void {
    if (events > this.events) this.events = events + (events >> 3);
  }
}
