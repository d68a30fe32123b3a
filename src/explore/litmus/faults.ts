import { TextpokeError } from '../../error.ts';
import { Vector } from '../../isa/core-state.ts';
import type { Checker } from '../checker.ts';
import type { World } from '../world.ts';
import { locationsOf } from './condition.ts';
import type { LitmusTest } from './syntax.ts';

/** Whether a test has a say about exceptions. In one that has not, an exception is an error of the test. */
export function asksFaults(test: LitmusTest): boolean {
  const locations = [
    ...test.locations,
    ...locationsOf(test.condition.formula),
    ...(test.filter === undefined ? [] : locationsOf(test.filter)),
  ];
  return test.handlers.some((h) => h.kind === 'fault') || locations.some((l) => l.kind === 'fault');
}

/** Bits of the exceptions that a location is about. `E_USAGE` where the manual has no such vector. */
export function vectorsOf(name: string | undefined): number {
  if (name === undefined) return -1;
  const vector = Vector[name.slice(1) as keyof typeof Vector];
  if (!name.startsWith('#') || vector === undefined)
    throw new TextpokeError('E_USAGE', `there is no exception ${name}`, {
      where: name,
      hint: 'they are called as in the manual: #BP, #UD, #GP, #PF',
    });
  return 1 << vector;
}

/** Remembers which exceptions each thread took: they are part of a final state. */
export class FaultsTaken implements Checker {
  readonly name = 'faults taken';
  #at: readonly number[] = [];

  begin(world: World): void {
    this.#at = world.meta.perCore(1);
  }

  onEvent(event: Parameters<NonNullable<Checker['onEvent']>>[0], world: World): void {
    // Where a thread at CPL 3 comes to its end, that is none.
    if (event.kind !== 'exception' || event.rip === world.lab.symbol('cpu_idle')) return;
    const at = this.#at[event.core] as number;
    world.meta.set(at, 0, world.meta.get(at) | (1 << event.vector));
  }

  /** The exceptions that a thread took, a bit for each vector. */
  of(world: World, thread: number): number {
    return world.meta.get(this.#at[thread] as number);
  }
}
