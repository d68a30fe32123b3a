import type { Stopped, Watch } from '../debug/timeline/debugger.ts';
import { evaluate } from './expression.ts';
import type { Run } from './run.ts';

/** Which request a breakpoint came with. */
export type BreakpointKind = 'source' | 'function' | 'instruction' | 'data';

/** A breakpoint as the client knows it. */
export interface UserBreakpoint {
  readonly id: number;
  readonly kind: BreakpointKind;
  /** Requests replace those of one group: a source file, or the whole kind. */
  readonly group: string;
  readonly addresses: readonly bigint[];
  readonly watch: Watch | undefined;
  /** An expression that must not be 0. */
  readonly condition: string | undefined;
  /** Text to say instead of stopping, with expressions in braces. */
  readonly log: string | undefined;
}

/** The breakpoints of a client: they say where the debugger looks, and whether it stops there. */
export class Breakpoints {
  readonly #run: Run;
  #all: readonly UserBreakpoint[] = [];
  readonly #temporary = new Set<bigint>();
  #ids = 0;

  constructor(run: Run) {
    this.#run = run;
  }

  /** Puts these in place of those of a group. */
  replace(
    kind: BreakpointKind,
    group: string,
    breakpoints: readonly Omit<UserBreakpoint, 'id' | 'kind' | 'group'>[],
  ): readonly UserBreakpoint[] {
    const made = breakpoints.map((b) => ({ ...b, id: ++this.#ids, kind, group }));
    this.#all = [...this.#all.filter((b) => b.kind !== kind || b.group !== group), ...made];
    this.#apply();
    return made;
  }

  /** A number for one that cannot be set. */
  nextId(): number {
    return ++this.#ids;
  }

  clear(): void {
    this.#all = [];
    this.#apply();
  }

  #apply(): void {
    const { debug } = this.#run;
    debug.breakpoints.clear();
    for (const address of [...this.#all.flatMap((b) => b.addresses), ...this.#temporary]) debug.breakpoints.add(address);
    debug.watches.clear();
    for (const { watch } of this.#all) if (watch !== undefined) debug.watches.add(watch);
  }

  /** Looks at an address, too, while `until` goes on. */
  *temporarily<T>(address: bigint, until: () => Generator<undefined, T>): Generator<undefined, T> {
    const had = this.#temporary.has(address);
    this.#temporary.add(address);
    this.#apply();
    try {
      return yield* until();
    } finally {
      if (!had) this.#temporary.delete(address);
      this.#apply();
    }
  }

  /** Those of the client that a stop is about. */
  at(stopped: Stopped): readonly UserBreakpoint[] {
    if (stopped.why === 'breakpoint') return this.#all.filter((b) => b.addresses.includes(stopped.address));
    if (stopped.why === 'watch') return this.#all.filter((b) => b.watch === stopped.watch);
    return [];
  }

  /**
   * Those of them that stop the run, with their conditions asked; `say` takes what others log. Empty: it goes on. A condition that cannot be told stops, and says why.
   */
  stopping(stopped: Stopped, say: (text: string) => void): readonly UserBreakpoint[] {
    const core = this.#run.core(stopped.core);
    return this.at(stopped).filter(({ condition, log }) => {
      try {
        if (condition !== undefined && evaluate(this.#run, { core }, condition).value === 0n) return false;
      } catch (error) {
        say(`condition ${condition}: ${error instanceof Error ? error.message : error}`);
        return true;
      }
      if (log === undefined) return true;
      say(`${this.#run.place} CPU${core.index}: ${this.#logged(log, stopped.core)}`);
      return false;
    });
  }

  #logged(text: string, core: number): string {
    return text.replace(/\{([^{}]*)\}/g, (_, expression: string) => {
      try {
        const { value } = evaluate(this.#run, { core: this.#run.core(core) }, expression);
        return value < 10n ? `${value}` : `0x${value.toString(16)}`;
      } catch (error) {
        return `{${error instanceof Error ? error.message : error}}`;
      }
    });
  }
}
