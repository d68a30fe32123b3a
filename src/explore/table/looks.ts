import { CORE } from '../../engine/layout.ts';
import { RSP } from '../../isa/core-state.ts';
import type { World } from '../world.ts';
import { LookLog } from './look-log.ts';
import type { MachineVector } from './machine-vector.ts';
import { MANY, type Owners } from './owners.ts';
import type { Places } from './places.ts';
import { type SlotNumbers, TEXT_SLOT } from './slot-numbers.ts';

/** What a core's next step, or the search for what that may be, has looked at so far: as slots of the vector, and as places. */
export class Looks {
  /** In the order in which they were looked at. */
  slots: number[] = [];
  places: number[] = [];
  /** Places that have changed although no content tells. */
  changed: number[] = [];
  textChanged = false;
  #core = 0;
  readonly #world: World;
  readonly #numbers: SlotNumbers;
  readonly #places: Places;
  readonly #owners: Owners;
  readonly #vector: MachineVector;
  readonly #log: LookLog;
  /** Quadwords of each core's stack that are words of their own. */
  readonly #stackWords: readonly (readonly number[])[];

  constructor(world: World, numbers: SlotNumbers, places: Places, owners: Owners, vector: MachineVector) {
    this.#world = world;
    this.#numbers = numbers;
    this.#places = places;
    this.#owners = owners;
    this.#vector = vector;
    this.#stackWords = world.machine.cores.map((core) => this.#wordsOfStack(Number(core.rawLong(CORE.stackHost))));
    this.#log = new LookLog(world, {
      memory: (address, bytes) => this.#lookAtMemory(address, bytes),
      meta: (at) => this.#lookAt(at & ~7),
      core: (core) => {
        if (core !== this.#core) this.note(numbers.localSlot(core));
      },
      text: (core, change) => this.#lookAtText(core, change),
      pending: (core, nmi) => this.note(numbers.pendingSlot(core), nmi ? numbers.nmiPlace(core) : numbers.pendingSlot(core)),
    });
  }

  /** Forgets all, for what `core` does next. */
  begin(core: number): void {
    this.#core = core;
    this.slots = [];
    this.places = [];
    this.changed = [];
    this.textChanged = false;
  }

  /** Listens to what the machine looks at while `run` runs. */
  during<T>(run: () => T): T {
    this.#log.start();
    const result = run();
    this.#log.stop();
    return result;
  }

  note(slot: number, place = slot): void {
    if (!this.slots.includes(slot)) this.slots.push(slot);
    if (!this.places.includes(place)) this.places.push(place);
  }

  /** Gives words that were found on the way their slots. The machine is where it was at `begin`. */
  nameWords(): void {
    const named = (n: number): number => (n < 0 ? this.#vector.slotAt(~n) : n);
    this.slots = this.slots.map(named);
    this.places = this.places.map(named);
  }

  /** The dead part of a core's stack is cleared behind each step: words there that others know are looked at. */
  lookBelowStack(core: number): void {
    const c = this.#world.machine.cores[core]!;
    const [low, rsp, host] = [c.rawLong(CORE.stackLow), c.gpr(RSP), Number(c.rawLong(CORE.stackHost))];
    for (const cell of this.#stackWords[core]!) if (low + BigInt(cell - host) < rsp) this.#lookAt(cell);
  }

  /** Bytes of patched text that a fetch chooses among are looked at. */
  lookAtFetch(core: number): void {
    const { machine } = this.#world;
    const c = machine.cores[core]!;
    const at = machine.fetchAt(c);
    if (!('physical' in at)) return;
    const window = machine.fetchWindow(c, at.physical);
    if (!window.patched || machine.text === undefined) return;
    for (const q of window.quadwords) this.#lookAtMemory(machine.text.addresses[q]!, 8);
  }

  #lookAtMemory(address: number, bytes: number): void {
    const { ram } = this.#world.machine.engine.map;
    for (let at = address & ~7; at < address + bytes; at += 8) this.#lookAt(ram + at);
  }

  #lookAt(cell: number): void {
    const known = this.#vector.slotOf(cell);
    if (known !== undefined) {
      this.note(known);
      return;
    }
    const part = this.#places.of(cell);
    if (part === 'text') return;
    if (part !== 'word') {
      // A constant, or what a core alone writes.
      const owner = this.#owners.of(cell) ?? (cell < this.#world.machine.engine.map.ram ? part : undefined);
      if (owner === undefined) this.#owners.looked(cell, this.#core);
      else if (owner !== this.#core) this.note(this.#numbers.localSlot(owner));
      return;
    }
    if (this.#places.untouched(cell)) this.#owners.looked(cell, MANY);
    // It gets its slot when the machine is back where it was: what it holds then is what it held at the start.
    else this.note(~cell);
  }

  #wordsOfStack(host: number): number[] {
    if (host === 0) return [];
    const cells = Array.from({ length: 512 }, (_, n) => host + 8 * n);
    return cells.filter((cell) => this.#places.of(cell) === 'word' && !this.#places.untouched(cell));
  }

  #lookAtText(core: number, change: boolean): void {
    const place = core < 0 ? TEXT_SLOT : this.#numbers.floorPlace(core);
    this.note(TEXT_SLOT, place);
    if (!change) return;
    this.textChanged = true;
    if (!this.changed.includes(place)) this.changed.push(place);
  }
}
