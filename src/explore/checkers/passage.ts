import type { Checker } from '../checker.ts';
import type { World, WorldEvent } from '../world.ts';

/** Remembers, as part of the state, whether the run so far went through the place at which the guest says `text` (`NOTE_SAY`). Finds nothing. */
export class Passage implements Checker {
  readonly name = 'passage';
  readonly text: string;
  #word = 0;

  constructor(text: string) {
    this.text = text;
  }

  begin(world: World): void {
    this.#word = world.meta.shared(1);
  }

  onEvent(event: WorldEvent, world: World): void {
    if (event.kind !== 'note' || event.id !== world.lab.abi('NOTE_SAY') || world.lab.text(event.a) !== this.text) return;
    world.meta.set(this.#word, 0, 1);
  }

  passed(world: World): boolean {
    return world.meta.get(this.#word) !== 0;
  }
}
