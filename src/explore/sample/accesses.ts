import { CORE, EVENT_BASE, EVENT_BYTES, STORE_BUFFER, Stop } from '../../engine/layout.ts';
import type { Choice } from '../../machine/choices.ts';
import type { Core } from '../../machine/core.ts';
import type { Machine } from '../../machine/machine.ts';

/** How a word is touched. A write is one that reaches memory: a plain store under TSO writes when it drains. */
export const TOUCH = { load: 0, fetch: 1, write: 2 } as const;

/** What the engine's events are; a store into the buffer reaches nobody yet, and a locked change is one write. */
const TOUCH_OF_EVENT: readonly number[] = [TOUCH.load, -1, TOUCH.write, TOUCH.write, TOUCH.write, TOUCH.write];

/** Words of physical memory that one event touched, as numbers of quadwords. Filled anew for every event; no allocation. */
export class Accesses {
  count = 0;
  readonly words: number[] = [];
  readonly touches: number[] = [];

  /** Takes what the transition that just happened did, before the journal is marked again. */
  take(machine: Machine, choice: Choice): void {
    this.count = 0;
    if (choice.kind === 'step' && choice.fetch !== undefined) {
      const { window, bytes } = choice.fetch;
      for (let n = 0; n < bytes.length; n++) this.#add((window.addresses[n] as number) >>> 3, TOUCH.fetch);
    }
    const { view, globals } = machine.engine;
    const top = globals.eventTop.value as number;
    for (let at = EVENT_BASE; at < top; at += EVENT_BYTES) {
      const touch = TOUCH_OF_EVENT[view.getInt32(at + 4, true)] as number;
      if (touch < 0) continue;
      const from = view.getUint32(at + 8, true);
      const last = (from + view.getUint32(at + 12, true) - 1) >>> 3;
      for (let word = from >>> 3; word <= last; word++) this.#add(word, touch);
    }
  }

  #add(word: number, touch: number): void {
    const { count } = this;
    if (count > 0 && this.words[count - 1] === word && this.touches[count - 1] === touch) return;
    this.words[count] = word;
    this.touches[count] = touch;
    this.count = count + 1;
  }
}

/** Two touches of one word whose order can matter. */
export const conflicts = (a: number, b: number): boolean => a === TOUCH.write || b === TOUCH.write;

/** The word that a choice is about to touch first, -1 where that is not known before it happens. */
export function wordAhead(machine: Machine, choice: Choice): number {
  const core = machine.cores[choice.core] as Core;
  if (choice.kind === 'drain') {
    const at = core.base + CORE.storeBuffer + choice.entry * 16 + STORE_BUFFER.address;
    return machine.engine.view.getUint32(at, true) >>> 3;
  }
  if (choice.kind !== 'step') return -1;
  if (choice.fetch !== undefined) return choice.fetch.window.physical >>> 3;
  return core.raw(CORE.stop) === Stop.visible ? core.raw(CORE.stopAddress) >>> 3 : -1;
}

/** How it is going to touch it; undefined for a step that may load or write. */
export function touchAhead(choice: Choice): number | undefined {
  if (choice.kind === 'drain') return TOUCH.write;
  return choice.kind === 'step' && choice.fetch !== undefined ? TOUCH.fetch : undefined;
}
