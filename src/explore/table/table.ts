import { CORE, META_BASE } from '../../engine/layout.ts';
import { OFFSET, RSP } from '../../isa/core-state.ts';
import { type Choice, choicesOf, othersOf, stepsOf } from '../../machine/choices.ts';
import { TEXT_META_BYTES } from '../../machine/text-versions.ts';
import { choose, endOf } from '../path.ts';
import type { Violation } from '../violation.ts';
import type { World } from '../world.ts';
import { HASH_WORDS, hashWords } from './content-hash.ts';
import { Contents } from './contents.ts';
import { addCell, hashLocal, type Local, localBlock, PENDING, putBlock } from './local.ts';
import { LookLog } from './look-log.ts';
import { stepKey, type TableMemory } from './memory.ts';
import { type Part, Places } from './places.ts';
import { type LocalStep, type Offer, type Offers, Remembered } from './remembered.ts';
import type { StateVector, Transition, TransitionSystem, Waiting } from './system.ts';
import { LookTree } from './tree.ts';

/** A quadword turned out to belong to no single core after all: the table must be made again with these as slots of their own. */
export class NewWords {
  readonly cells: ReadonlySet<number>;

  constructor(cells: ReadonlySet<number>) {
    this.cells = cells;
  }
}

/** What a table took quadwords of linear memory for. Whoever works on the same states with a table of their own must have taken them for the same. */
export interface Partition {
  /** Those with a slot of their own. */
  readonly slots: readonly number[];
  /** Those that belong to what one core alone knows, and that core. */
  readonly owners: readonly (readonly [number, number])[];
  /** Those that nobody was seen to change, and who looked: a core, or -1 for several. */
  readonly constants: readonly (readonly [number, number])[];
}

/** Versions of patched text, and of each core how far its fetch may lag behind them. */
interface Text {
  readonly versions: Uint8Array;
  readonly floors: readonly Uint8Array[];
  /** Hash of each core's floors. */
  readonly floorHashes: Int32Array;
}

const TEXT_SLOT = 0;
/** Most slots that a world may have. */
const MAX_SLOTS = 4096;

/**
 * Everything that the cores of a world can do, as a table: what a core does next depends on what it alone knows and on the few shared words that it
 * looks at, so each such case is run once on the machine and looked up from then on. This is the transition caching of LTSmin (S. Blom, J. van de
 * Pol, M. Weber, "LTSmin: Distributed and Symbolic Reachability", 2010) with looks that are observed instead of declared.
 *
 * Sound because a look at anything outside the core's own state is an event of the engine or a call of `LookObserver`, and everything else that a core
 * touches is by definition touched by no other (`Knowledge` is at its fixed point; where it grows, `learned` of the world says so and what was
 * counted is void).
 */
export class TransitionTable implements TransitionSystem {
  readonly world: World;
  readonly cores: number;
  slots: number;
  /** The vector that `expand` looks at; the search changes it in place. */
  readonly state: StateVector = new Int32Array(MAX_SLOTS);
  /** Cases that were run on the machine. */
  runs = 0;
  readonly #places: Places;
  /** Quadwords that are slots of their own whoever touches them. */
  readonly forced: ReadonlySet<number>;
  readonly #texts = new Contents<Text>();
  readonly #locals: Contents<Local>[];
  readonly #pending: Contents<BigUint64Array>[];
  readonly #words: Contents<bigint>[] = [];
  /** Offset in linear memory of each word slot, and back. */
  readonly #cells: number[] = [];
  readonly #slotOf = new Map<number, number>();
  /** What private quadwords held at the start. */
  readonly #base = new Map<number, bigint>();
  readonly #owners = new Map<number, number>();
  /** Quadwords that somebody looked at when they belonged to nobody, by who looked. */
  readonly #constant = new Map<number, number>();
  /** What the machine holds now. */
  readonly #current: StateVector = new Int32Array(MAX_SLOTS);
  /** Of each core all that was run. */
  readonly history: LocalStep[][];
  /** Steps that are in the history although this table has not run them. */
  #recalled: ReadonlySet<string> = new Set();
  readonly #offers: Map<number, LookTree<Offers>>[];
  readonly #choices = new Map<string, number>();
  readonly #log: LookLog;
  readonly #dead: number;
  readonly #discoveries: number;
  #hasLearned = false;
  /** Quadwords of each core's stack that are words of their own. */
  readonly #stackWords: readonly (readonly number[])[];

  // What the run in progress has looked at, as slots of the vector and as places.
  #core = 0;
  #lookedSlots: number[] = [];
  #lookedPlaces: number[] = [];
  #changedPlaces: number[] = [];
  #textChanged = false;

  /** Of a world that has begun. `forced`: quadwords of linear memory that are slots of their own whoever touches them. */
  constructor(world: World, forced: ReadonlySet<number> = new Set()) {
    this.world = world;
    this.cores = world.machine.cores.length;
    this.slots = 2 + 4 * this.cores;
    this.forced = forced;
    this.#places = new Places(world.machine, forced);
    this.#locals = world.machine.cores.map(() => new Contents<Local>());
    this.#pending = world.machine.cores.map(() => new Contents<BigUint64Array>());
    this.#offers = world.machine.cores.map(() => new Map());
    this.history = world.machine.cores.map(() => []);
    for (const core of world.machine.cores) {
      this.#localNumber(core.index, localBlock(world.machine, core.index), new Map(), new Int32Array(HASH_WORDS));
      this.#pendingNumber(core.index);
    }
    this.#textNumber();
    this.#stackWords = world.machine.cores.map((core) => this.#wordsOfStack(Number(core.rawLong(CORE.stackHost))));
    this.#log = new LookLog(world, {
      memory: (address, bytes) => this.#lookAtMemory(address, bytes),
      meta: (at) => this.#lookAt(at & ~7),
      core: (core) => {
        if (core !== this.#core) this.#note(this.localSlot(core));
      },
      text: (core, change) => this.#lookAtText(core, change),
      pending: (core, nmi) => this.#note(this.pendingSlot(core), nmi ? this.nmiPlace(core) : this.pendingSlot(core)),
    });
    this.#discoveries = world.machine.discoveries;
    this.#dead = this.#wordSlot(world.deadAt & ~7);
  }

  /** Memory that the contents of its slots hold: nearly all of it are blocks of cores. */
  get bytes(): number {
    return this.#locals.reduce((sum, l) => sum + l.size * (CORE.blockEnd + l.hashes.BYTES_PER_ELEMENT * HASH_WORDS), 0);
  }

  get partition(): Partition {
    return { slots: [...this.#cells], owners: [...this.#owners], constants: [...this.#constant] };
  }

  /** Takes quadwords for what another table of the same world took them for. Before anything is looked at. */
  adopt({ slots, owners, constants }: Partition): void {
    for (const cell of slots) this.#wordSlot(cell);
    for (const [cell, core] of owners) this.#owners.set(cell, core);
    for (const [cell, core] of constants) this.#constant.set(cell, core);
  }

  get memory(): TableMemory {
    const locals = this.#locals.map((l) => l.hashes.slice(0, l.size * HASH_WORDS));
    return { choices: [...this.#choices.keys()], locals, history: this.history };
  }

  /** Takes over what another table of the same world had seen: names and numbers only, each case is run again when it is needed. Behind `adopt`. */
  recall({ choices, locals, history }: TableMemory): void {
    for (const choice of choices) this.#choiceNumber(choice);
    locals.forEach((hashes, core) => {
      for (let at = HASH_WORDS; at < hashes.length; at += HASH_WORDS) {
        const hash = hashes.subarray(at, at + HASH_WORDS);
        this.#locals[core]!.announce(hash.join(), hash);
      }
    });
    history.forEach((steps, core) => {
      for (const step of steps) this.history[core]!.push(step);
    });
    this.#recalled = new Set(history.flatMap((steps, core) => steps.map((step) => stepKey(core, step))));
  }

  #remember(core: number, step: LocalStep): void {
    if (this.#recalled.size === 0 || !this.#recalled.has(stepKey(core, step))) this.history[core]!.push(step);
  }

  /** More memory turned out to be shared, or more text to be written: what the table says is void. */
  get hasLearned(): boolean {
    return this.#hasLearned;
  }

  /** Slot numbers: text, then floors (places only), local states, what is pending; words behind. */
  floorPlace(core: number): number {
    return 1 + core;
  }
  localSlot(core: number): number {
    return 1 + this.cores + core;
  }
  pendingSlot(core: number): number {
    return 1 + 2 * this.cores + core;
  }
  /** Whether an NMI is pending: a place of its own, with what else is pending in one slot. */
  nmiPlace(core: number): number {
    return 1 + 3 * this.cores + core;
  }

  /** A place without a content: a guest that gives up writes it and everybody reads it, for nothing happens behind that. */
  get deadPlace(): number {
    return 1 + 4 * this.cores;
  }

  /** The place of a quadword of RAM by a physical address in it; undefined when it has none of its own. */
  placeOf(physical: number): number | undefined {
    return this.#slotOf.get(this.world.machine.engine.map.ram + (physical & ~7));
  }

  start(): StateVector {
    return new Int32Array(this.slots);
  }

  next(state: StateVector): readonly Transition[] {
    this.#load(state);
    const out: Remembered[] = [];
    for (let core = 0; core < this.cores; core++) this.expand(core, out);
    return out;
  }

  after(state: StateVector, transition: Transition): StateVector {
    const { slots, values } = transition as Remembered;
    const out = new Int32Array(this.slots);
    out.set(state);
    for (const [n, slot] of slots.entries()) out[slot] = values[n]!;
    return out;
  }

  end(state: StateVector): readonly Violation[] {
    this.#load(state);
    return this.ended();
  }

  #load(state: StateVector): void {
    this.state.set(state);
    this.state.fill(0, state.length, this.slots);
  }

  /** What the end of a run in `state` violates. */
  ended(): readonly Violation[] {
    this.materialise();
    const { machine } = this.world;
    const mark = machine.mark();
    const violations = endOf(this.world);
    machine.rollback(mark);
    return violations;
  }

  /** Whether a run has ended in `state` because its guest gave up. */
  get dead(): boolean {
    if (this.world.early.length > 0) return true;
    const content = this.state[this.#dead]!;
    if (content === 0) return false;
    // The other half of the quadword is somebody else's.
    const word = this.#words[this.#dead - this.firstWord]!.values[content]!;
    return BigInt.asUintN(32, word >> BigInt(8 * (this.world.deadAt & 7))) !== 0n;
  }

  /** Adds what a core can do in `state`, in the order of `choicesOf`. */
  expand(core: number, out: Remembered[]): void {
    if (this.dead) return;
    for (const offer of this.#offersOf(core).offers) out.push(offer.outcomes.find(this.state) ?? this.#run(core, offer));
  }

  waiting(state: StateVector): readonly Waiting[] {
    this.#load(state);
    if (this.dead) return [];
    return this.world.machine.cores.flatMap((core) => this.#offersOf(core.index).waiting);
  }

  #offersOf(core: number): Offers {
    const local = this.state[this.localSlot(core)]!;
    let tree = this.#offers[core]!.get(local);
    if (tree === undefined) {
      tree = new LookTree();
      this.#offers[core]!.set(local, tree);
    }
    return tree.find(this.state) ?? this.#findOffers(core, tree);
  }

  /** Places that decided what a core can do in `state`. */
  deciding(core: number): Int32Array {
    return this.#offersOf(core).places;
  }

  /** The quadword of a slot of its own, by its offset in linear memory. */
  cellAt(slot: number): number {
    return this.#cells[slot - this.firstWord]!;
  }

  /** The slot of a quadword that has one of its own for whoever works on the same states. Before it is looked at, or behind that. */
  slotAt(cell: number): number {
    return this.#wordSlot(cell);
  }

  /** The same for a core's local state in every table of a world. */
  localName(core: number, local: number): string {
    return this.#locals[core]!.hashes.subarray(local * HASH_WORDS, (local + 1) * HASH_WORDS).join();
  }

  /** The number of a core's local state by its name, whether it was reached here or not. */
  localOf(core: number, name: string): number {
    const locals = this.#locals[core]!;
    if (locals.numberOf(name) === undefined) locals.announce(name, Int32Array.from(name.split(','), Number));
    return locals.numberOf(name)!;
  }

  /** Local states of a core that were seen. */
  localsOf(core: number): number {
    return this.#locals[core]!.size;
  }

  // ---- contents ----

  /** 128 bits of what a slot adds to the key of a state. */
  hashesOf(slot: number): Int32Array {
    if (slot === TEXT_SLOT) return this.#texts.hashes;
    if (slot < this.localSlot(0)) return NO_HASH;
    if (slot < this.pendingSlot(0)) return this.#locals[slot - this.localSlot(0)]!.hashes;
    if (slot < this.nmiPlace(0)) return this.#pending[slot - this.pendingSlot(0)]!.hashes;
    return this.#words[slot - this.firstWord]!.hashes;
  }

  /** Hash of how far the fetch of a core may lag: a part of the text slot that trades places with the core. */
  floorHash(text: number, core: number, word: number): number {
    return this.#texts.values[text]!.floorHashes[core * HASH_WORDS + word]!;
  }

  #isPending(slot: number): boolean {
    return slot >= this.pendingSlot(0) && slot < this.nmiPlace(0);
  }

  /** The first slot of a word of memory. */
  get firstWord(): number {
    return 2 + 4 * this.cores;
  }

  #wordSlot(cell: number): number {
    const known = this.#slotOf.get(cell);
    if (known !== undefined) return known;
    if (this.#owners.has(cell)) throw new NewWords(new Set([...this.forced, cell]));
    const slot = this.slots++;
    if (slot >= MAX_SLOTS) throw new RangeError(`a world has more than ${MAX_SLOTS} shared words`);
    this.#slotOf.set(cell, slot);
    this.#cells.push(cell);
    this.#words.push(new Contents<bigint>());
    // Nobody has written it so far: what the machine holds is what it held at the start.
    this.#wordNumber(slot, this.#base.get(cell) ?? this.world.machine.engine.longs[cell >> 3]!);
    return slot;
  }

  #wordNumber(slot: number, value: bigint): number {
    const words = this.#words[slot - this.firstWord]!;
    const known = words.numberOf(value);
    if (known !== undefined) return known;
    const at = this.#cells[slot - this.firstWord]!;
    hashWords(Int32Array.of(at, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))), 3, 0x30bd, HASH, 0);
    if (words.size === 0) HASH.fill(0);
    return words.add(value, value, HASH);
  }

  #localNumber(core: number, block: Uint8Array, cells: ReadonlyMap<number, bigint>, sum: Int32Array): number {
    hashLocal(block, sum, HASH);
    const key = HASH.join();
    const locals = this.#locals[core]!;
    const known = locals.numberOf(key);
    if (known === undefined) return locals.add(key, { block, cells, sum }, HASH);
    locals.put(known, { block, cells, sum });
    return known;
  }

  #pendingNumber(core: number): number {
    const { engine, cores } = this.world.machine;
    const words = BigUint64Array.from(PENDING, (at) => engine.longs[(cores[core]!.base + at) >> 3]!);
    const key = words.join();
    const pending = this.#pending[core]!;
    const known = pending.numberOf(key);
    if (known !== undefined) return known;
    hashWords(new Int32Array(words.buffer), words.length * 2, 0x9e4d, HASH, 0);
    return pending.add(key, words, HASH);
  }

  #textNumber(): number {
    const { engine, cores } = this.world.machine;
    const versions = engine.bytes.slice(META_BASE, META_BASE + TEXT_META_BYTES);
    const floors = cores.map((c) => engine.bytes.slice(c.base + CORE.floors, c.base + CORE.storeBufferCount));
    const floorHashes = new Int32Array(cores.length * HASH_WORDS);
    floors.forEach((f, n) => hashWords(new Int32Array(f.buffer), f.length / 4, 0xf100, floorHashes, n * HASH_WORDS));
    hashWords(new Int32Array(versions.buffer), versions.length / 4, 0x7e47, HASH, 0);
    const key = `${HASH.join()} ${floorHashes.join()}`;
    return this.#texts.numberOf(key) ?? this.#texts.add(key, { versions, floors, floorHashes }, HASH);
  }

  // ---- the machine in the state ----

  /** Puts the machine into `state`. */
  materialise(): void {
    const { machine } = this.world;
    const { engine } = machine;
    const text = this.state[TEXT_SLOT]!;
    const textMoved = this.#current[TEXT_SLOT] !== text;
    if (textMoved) engine.bytes.set(this.#texts.values[text]!.versions, META_BASE);
    for (let core = 0; core < this.cores; core++) {
      const [local, pending] = [this.localSlot(core), this.pendingSlot(core)];
      const moved = this.#current[local] !== this.state[local];
      if (moved) this.#putLocal(core, this.state[local]!);
      if (moved || this.#current[pending] !== this.state[pending]) this.#putPending(core, this.state[pending]!);
      if (moved || textMoved) engine.bytes.set(this.#texts.values[text]!.floors[core]!, machine.cores[core]!.base + CORE.floors);
      engine.words[(machine.cores[core]!.base + CORE.hashDirty) >> 2] = 1;
    }
    for (let slot = this.firstWord; slot < this.slots; slot++) {
      if (this.#current[slot] === this.state[slot]) continue;
      engine.longs[this.#cells[slot - this.firstWord]! >> 3] = this.#words[slot - this.firstWord]!.values[this.state[slot]!]!;
    }
    this.#current.set(this.state);
  }

  #putLocal(core: number, number: number): void {
    const { engine } = this.world.machine;
    const locals = this.#locals[core]!.values;
    const [from, to] = [locals[this.#current[this.localSlot(core)]!]!, locals[number]!];
    putBlock(this.world.machine, core, to.block);
    for (const cell of from.cells.keys()) if (!to.cells.has(cell)) engine.longs[cell >> 3] = this.#base.get(cell)!;
    for (const [cell, value] of to.cells) engine.longs[cell >> 3] = value;
  }

  #putPending(core: number, number: number): void {
    const { engine, cores } = this.world.machine;
    const words = this.#pending[core]!.values[number]!;
    PENDING.forEach((at, n) => {
      engine.longs[(cores[core]!.base + at) >> 3] = words[n]!;
    });
  }

  /** Puts the machine where it was when the table was made, and gives the mark to roll back to behind what is done there. */
  toStart(): number {
    this.state.fill(0, 0, this.slots);
    this.materialise();
    return this.world.machine.mark();
  }

  // ---- looks ----

  #note(slot: number, place = slot): void {
    if (!this.#lookedSlots.includes(slot)) this.#lookedSlots.push(slot);
    if (!this.#lookedPlaces.includes(place)) this.#lookedPlaces.push(place);
  }

  #lookAtMemory(address: number, bytes: number): void {
    const { ram } = this.world.machine.engine.map;
    for (let at = address & ~7; at < address + bytes; at += 8) this.#lookAt(ram + at);
  }

  #lookAt(cell: number): void {
    const known = this.#slotOf.get(cell);
    if (known !== undefined) {
      this.#note(known);
      return;
    }
    const part = this.#places.of(cell);
    if (part === 'text') return;
    if (part !== 'word') {
      // A constant, or what a core alone writes.
      const owner = this.#owners.get(cell) ?? (cell < this.world.machine.engine.map.ram ? part : undefined);
      if (owner === undefined) {
        const looked = this.#constant.get(cell);
        this.#constant.set(cell, looked === undefined || looked === this.#core ? this.#core : MANY);
      } else if (owner !== this.#core) this.#note(this.localSlot(owner));
      return;
    }
    if (this.#places.untouched(cell)) this.#constant.set(cell, MANY);
    // It gets its slot when the machine is back where it was: what it holds then is what it held at the start.
    else this.#note(~cell);
  }

  #wordsOfStack(host: number): number[] {
    if (host === 0) return [];
    const cells = Array.from({ length: 512 }, (_, n) => host + 8 * n);
    return cells.filter((cell) => this.#places.of(cell) === 'word' && !this.#places.untouched(cell));
  }

  /** Gives words that were found on the way their slots. The machine is in `state`. */
  #nameWords(): void {
    const named = (n: number): number => (n < 0 ? this.#wordSlot(~n) : n);
    this.#lookedSlots = this.#lookedSlots.map(named);
    this.#lookedPlaces = this.#lookedPlaces.map(named);
  }

  #lookAtText(core: number, change: boolean): void {
    const place = core < 0 ? TEXT_SLOT : this.floorPlace(core);
    this.#note(TEXT_SLOT, place);
    if (!change) return;
    this.#textChanged = true;
    if (!this.#changedPlaces.includes(place)) this.#changedPlaces.push(place);
  }

  /** The dead part of a core's stack is cleared behind each step: words there that others know are looked at. */
  #lookBelowStack(core: number): void {
    const { machine } = this.world;
    const c = machine.cores[core]!;
    const [low, rsp, host] = [c.rawLong(CORE.stackLow), c.gpr(RSP), Number(c.rawLong(CORE.stackHost))];
    for (const cell of this.#stackWords[core]!) if (low + BigInt(cell - host) < rsp) this.#lookAt(cell);
  }

  #choiceNumber(name: string): number {
    const known = this.#choices.get(name);
    if (known !== undefined) return known;
    this.#choices.set(name, this.#choices.size);
    return this.#choices.size - 1;
  }

  #listen(core: number): void {
    this.#core = core;
    this.#lookedSlots = [];
    this.#lookedPlaces = [];
    this.#changedPlaces = [];
    this.#textChanged = false;
  }

  /** Bytes of patched text that a fetch chooses among are looked at. */
  #lookAtFetch(core: number): void {
    const { machine } = this.world;
    const c = machine.cores[core]!;
    const at = machine.fetchAt(c);
    if (!('physical' in at)) return;
    const window = machine.fetchWindow(c, at.physical);
    if (!window.patched || machine.text === undefined) return;
    for (const q of window.quadwords) this.#lookAtMemory(machine.text.addresses[q]!, 8);
  }

  // ---- running ----

  /** `Transition.detail` of a choice. */
  detailOf(choice: Choice): string {
    if (choice.kind === 'step') return choice.fetch === undefined ? '' : choice.fetch.bytes.join();
    return String(choice.kind === 'drain' ? choice.entry : choice.kind === 'interrupt' ? choice.vector : choice.line);
  }

  /** What a core can do in `state`: run once for each case. */
  #findOffers(core: number, tree: LookTree<Offers>): Offers {
    this.materialise();
    const { machine } = this.world;
    const c = machine.cores[core]!;
    this.#listen(core);
    const mark = machine.mark();
    c.flushTlb();
    this.#log.start();
    const choices: Choice[] = [];
    stepsOf(machine, c, choices);
    this.#log.stop();
    if (choices.some((choice) => choice.kind === 'step' && choice.fetch !== undefined)) this.#lookAtFetch(core);
    const before = this.#lookedPlaces.length;
    const steps = choices.length;
    this.#log.start();
    othersOf(machine, c, choices);
    this.#log.stop();
    machine.rollback(mark);
    this.#nameWords();
    const looked = this.#lookedPlaces.slice(0, before);
    const others = this.#lookedPlaces.slice(before);
    const all = choices.map(
      (choice, index): Offer => ({
        index,
        kind: choice.kind,
        reads: choice.kind === 'drain' ? [] : index < steps ? looked : others,
        outcomes: new LookTree(),
      }),
    );
    const found: Offers = { offers: all, waiting: this.#waiting(core, all, looked, others), places: Int32Array.from(this.#lookedPlaces) };
    this.#hasLearned ||= this.world.machine.discoveries !== this.#discoveries;
    if (!this.hasLearned) tree.add(this.state, this.#lookedSlots, found);
    return found;
  }

  #waiting(core: number, offers: readonly Offer[], looked: readonly number[], others: readonly number[]): Waiting[] {
    const out: Waiting[] = [];
    const wait = (kind: Choice['kind'], places: readonly number[]): void => {
      if (offers.some((o) => o.kind === kind)) return;
      out.push({ core, kind, reads: Int32Array.from(new Set([this.localSlot(core), ...places, this.deadPlace])).sort() });
    };
    wait('step', looked);
    wait('drain', []);
    wait('interrupt', others);
    if (this.world.machine.icache !== undefined) for (const kind of ['invalidate', 'evict', 'prefetch'] as const) wait(kind, others);
    return out;
  }

  /** Makes a choice happen on the machine, and remembers what came of it. */
  #run(core: number, offer: Offer): Remembered {
    this.materialise();
    this.runs++;
    const { world } = this;
    const { machine } = world;
    const c = machine.cores[core]!;
    const choices: Choice[] = [];
    const mark = machine.mark();
    c.flushTlb();
    choicesOf(machine, c, choices);
    const choice = choices[offer.index]!;
    this.#listen(core);
    if (choice.kind === 'interrupt')
      this.#note(this.pendingSlot(core), choice.vector === 'nmi' ? this.nmiPlace(core) : this.pendingSlot(core));
    this.#log.start();
    const violations = choose(world, choice);
    this.#log.stop();
    const died = world.dead;
    this.#lookBelowStack(core);
    const changed = violations.length > 0 ? [] : this.#changedCells(mark);
    const after = new Map(changed.map((cell) => [cell, machine.engine.longs[cell >> 3]!]));
    const blocks = violations.length > 0 ? [] : this.#changedBlocks();
    const text = violations.length > 0 || !(this.#textChanged || blocks.some((b) => b.floors)) ? undefined : this.#textNumber();
    const pending = blocks.filter((b) => b.pending || b.nmi).map((b) => [b.core, this.#pendingNumber(b.core)] as const);
    machine.rollback(mark);
    this.#nameWords();
    const changes = this.#changes(after, blocks, text, pending);
    const places = changes.filter(([slot]) => slot !== TEXT_SLOT && !this.#isPending(slot)).map(([slot]) => slot);
    for (const b of blocks) {
      if (b.pending) places.push(this.pendingSlot(b.core));
      if (b.nmi) places.push(this.nmiPlace(b.core));
    }
    const written = [...places, ...this.#changedPlaces, ...(died ? [this.deadPlace] : [])];
    const writes = violations.length > 0 ? [] : [...new Set(written)].sort(ascending);
    const reads = [...new Set([this.localSlot(core), ...offer.reads, ...this.#lookedPlaces, ...writes, this.deadPlace])].sort(ascending);
    const remembered = new Remembered(
      {
        core,
        kind: choice.kind,
        detail: this.detailOf(choice),
        choice: this.#choiceNumber(`${core} ${choice.kind} ${this.detailOf(choice)}`),
        stale: choice.kind === 'step' && choice.fetch?.stale === true,
        reads: Int32Array.from(reads),
        writes: Int32Array.from(writes),
        violations,
      },
      changes,
    );
    const from = this.state[this.localSlot(core)]!;
    const to = violations.length > 0 ? -1 : (changes.find(([slot]) => slot === this.localSlot(core))?.[1] ?? from);
    this.#remember(core, { from, to, reads: remembered.reads, writes: remembered.writes });
    this.#hasLearned ||= machine.discoveries !== this.#discoveries;
    if (!this.hasLearned) offer.outcomes.add(this.state, this.#lookedSlots, remembered);
    return remembered;
  }

  /** Quadwords that have changed since a mark, by the undo journal. */
  #changedCells(mark: number): number[] {
    const { words, globals } = this.world.machine.engine;
    const cells = new Set<number>();
    for (let top = globals.journalTop.value; top > mark; ) {
      const length = words[(top - 4) >> 2]!;
      top -= length + 8;
      if (length === 8) cells.add(words[(top + 8) >> 2]!);
    }
    return [...cells];
  }

  #changedBlocks(): { core: number; block: Uint8Array; own: boolean; pending: boolean; nmi: boolean; floors: boolean }[] {
    const { machine } = this.world;
    return machine.cores.map((c, core) => {
      const block = localBlock(machine, core);
      const known = this.#locals[core]!.values[this.state[this.localSlot(core)]!]!.block;
      const words = this.#pending[core]!.values[this.state[this.pendingSlot(core)]!]!;
      const floors = this.#texts.values[this.state[TEXT_SLOT]!]!.floors[core]!;
      return {
        core,
        block,
        own: core === this.#core || !same(block, known),
        pending: PENDING.some((at, n) => n !== NMI && machine.engine.longs[(c.base + at) >> 3] !== words[n]),
        nmi: machine.engine.longs[(c.base + PENDING[NMI]!) >> 3] !== words[NMI],
        floors: floors.some((f, n) => machine.engine.bytes[c.base + CORE.floors + n] !== f),
      };
    });
  }

  /** The changes as slots and numbers. The machine is back in `state`. */
  #changes(
    after: ReadonlyMap<number, bigint>,
    blocks: readonly { core: number; block: Uint8Array; own: boolean }[],
    text: number | undefined,
    pending: readonly (readonly [number, number])[],
  ): (readonly [number, number])[] {
    const changes: (readonly [number, number])[] = [];
    const privates = new Map<number, Map<number, bigint>>();
    for (const [cell, value] of after) {
      const part = this.#partOf(cell);
      if (part === 'text') continue;
      if (part === 'word') {
        const slot = this.#wordSlot(cell);
        this.#note(slot);
        changes.push([slot, this.#wordNumber(slot, value)]);
        continue;
      }
      const cells = privates.get(part) ?? new Map<number, bigint>();
      privates.set(part, cells.set(cell, value));
    }
    for (let core = 0; core < this.cores; core++) {
      const block = blocks.find((b) => b.core === core && b.own)?.block;
      const cells = privates.get(core);
      if (block === undefined && cells === undefined) continue;
      const slot = this.localSlot(core);
      const after = this.#afterLocal(core, block, cells);
      changes.push([slot, after]);
      if (core === this.#core) continue;
      this.#note(slot);
      this.#remember(core, { from: this.state[slot]!, to: after, reads: NOTHING, writes: NOTHING });
    }
    for (const [core, number] of pending) changes.push([this.pendingSlot(core), number]);
    if (text !== undefined) {
      if (!this.#lookedSlots.includes(TEXT_SLOT)) this.#lookedSlots.push(TEXT_SLOT);
      changes.push([TEXT_SLOT, text]);
    }
    return changes.filter(([slot, value]) => this.state[slot] !== value);
  }

  /** Whose a quadword is that has changed. Who owns one stays its owner. */
  #partOf(cell: number): Part {
    if (this.#slotOf.has(cell)) return 'word';
    const part = this.#places.of(cell);
    if (part === 'text') return part;
    if (part === 'word') return this.#owners.has(cell) || this.#constant.has(cell) ? this.#contested(cell) : part;
    const owner = this.#owners.get(cell);
    if (owner === undefined) {
      const looked = this.#constant.get(cell);
      if (looked !== undefined && looked !== part) return this.#contested(cell);
      this.#owners.set(cell, part);
    } else if (owner !== part) return this.#contested(cell);
    return part;
  }

  #contested(cell: number): never {
    throw new NewWords(new Set([...this.forced, cell]));
  }

  #afterLocal(core: number, block: Uint8Array | undefined, changed: ReadonlyMap<number, bigint> | undefined): number {
    const before = this.#locals[core]!.values[this.state[this.localSlot(core)]!]!;
    if (changed === undefined) return this.#localNumber(core, block ?? before.block, before.cells, before.sum);
    const cells = new Map(before.cells);
    const sum = before.sum.slice();
    for (const [cell, value] of changed) {
      if (!this.#base.has(cell)) this.#base.set(cell, this.world.machine.engine.longs[cell >> 3]!);
      const base = this.#base.get(cell)!;
      const old = before.cells.get(cell);
      if (old !== undefined) addCell(this.#places, cell, old, sum, -1);
      if (value === base) cells.delete(cell);
      else {
        cells.set(cell, value);
        addCell(this.#places, cell, value, sum, 1);
      }
    }
    return this.#localNumber(core, block ?? before.block, cells, sum);
  }
}

const MANY = -1;
/** Which of the words of `PENDING` is the NMI. */
const NMI = PENDING.indexOf(OFFSET.nmiPending);
const NOTHING = new Int32Array(0);
const NO_HASH = new Int32Array(HASH_WORDS);
const HASH = new Int32Array(HASH_WORDS);
const ascending = (a: number, b: number): number => a - b;

function same(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
