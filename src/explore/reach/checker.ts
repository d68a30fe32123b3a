import type { Checker } from '../checker.ts';
import type { World, WorldEvent } from '../world.ts';
import { coresOf, type Expression, isTrue, partsOf } from './expression.ts';

/** The check that what is to be reached breaks: the run ends there. */
export const REACHED = 'reach';

/** Ends a run where an expression is true: at a state between two transitions, or at an event that it names. It is told as a violation of `REACHED`. */
export class ReachChecker implements Checker {
  readonly name = 'reach';
  readonly #expression: Expression;
  readonly #text: string;
  readonly #hasEvents: boolean;

  constructor(expression: Expression, text: string) {
    this.#expression = expression;
    this.#text = text;
    this.#hasEvents = [...partsOf(expression)].some((p) => p.kind === 'event' || p.kind === 'at');
  }

  begin(world: World): void {
    for (const part of partsOf(this.#expression)) if (part.kind === 'at') world.machine.hooks.add(part.address);
  }

  onEvent(event: WorldEvent, world: World): void {
    if (!this.#hasEvents || !EVENTS.has(event.kind) || world.violations.length > 0) return;
    if (isTrue(this.#expression, world, event)) this.#report(world, event.core);
  }

  onState(world: World): void {
    if (isTrue(this.#expression, world, undefined)) this.#report(world, coresOf(this.#expression)[0] ?? 0);
  }

  #report(world: World, core: number): void {
    world.report({ check: REACHED, message: `reached: ${this.#text}`, core, rip: world.machine.cores[core]!.rip });
  }
}

const EVENTS: ReadonlySet<WorldEvent['kind']> = new Set<WorldEvent['kind']>(['exception', 'interrupt', 'ipi', 'hook']);
