import { type Choice, choicesOf, othersOf, stepsOf } from '../../machine/choices.ts';
import { choose, endOf } from '../path.ts';
import type { Violation } from '../violation.ts';
import type { World } from '../world.ts';
import { Looks } from './looks.ts';
import { type BlockChange, MAX_SLOTS, MachineVector } from './machine-vector.ts';
import { stepKey, type TableMemory } from './memory.ts';
import { Owners, type Partition } from './owners.ts';
import { type Part, Places } from './places.ts';
import { type LocalStep, type Offer, type Offers, Remembered } from './remembered.ts';
import { SlotNumbers, TEXT_SLOT } from './slot-numbers.ts';
import type { StateVector, Transition, TransitionSystem, Waiting } from './system.ts';
import { LookTree } from './tree.ts';

/** A slot and the number of its new content. */
type SlotChange = readonly [slot: number, content: number];

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
  readonly numbers: SlotNumbers;
  /** What the contents of the slots are. */
  readonly vector: MachineVector;
  /** The vector that `expand` looks at; the search changes it in place. */
  readonly state: StateVector = new Int32Array(MAX_SLOTS);
  /** Cases that were run on the machine. */
  runs = 0;
  /** Quadwords that are slots of their own whoever touches them. */
  readonly forced: ReadonlySet<number>;
  /** Of each core all that was run. */
  readonly history: LocalStep[][];
  /** Steps that are in the history although this table has not run them. */
  #recalled: ReadonlySet<string> = new Set();
  readonly #places: Places;
  readonly #owners: Owners;
  readonly #looks: Looks;
  readonly #offers: Map<number, LookTree<Offers>>[];
  readonly #choices = new Map<string, number>();
  readonly #dead: number;
  readonly #discoveries: number;
  #hasLearned = false;

  /** Of a world that has begun. `forced`: quadwords of linear memory that are slots of their own whoever touches them. */
  constructor(world: World, forced: ReadonlySet<number> = new Set()) {
    const { machine } = world;
    this.world = world;
    this.cores = machine.cores.length;
    this.forced = forced;
    this.numbers = new SlotNumbers(this.cores);
    this.#places = new Places(machine, forced);
    this.#owners = new Owners(forced);
    this.vector = new MachineVector(machine, this.numbers, this.#places, this.#owners);
    this.#looks = new Looks(world, this.numbers, this.#places, this.#owners, this.vector);
    this.#offers = machine.cores.map(() => new Map());
    this.history = machine.cores.map(() => []);
    this.#discoveries = machine.discoveries;
    this.#dead = this.vector.slotAt(world.deadAt & ~7);
  }

  get slots(): number {
    return this.vector.slots;
  }

  get bytes(): number {
    return this.vector.bytes;
  }

  /** More memory turned out to be shared, or more text to be written: what the table says is void. */
  get hasLearned(): boolean {
    return this.#hasLearned;
  }

  // ---- what other tables of the same world know ----

  get partition(): Partition {
    return { slots: [...this.vector.cells], ...this.#owners.partition };
  }

  /** Takes quadwords for what another table of the same world took them for. Before anything is looked at. */
  adopt(partition: Partition): void {
    for (const cell of partition.slots) this.vector.slotAt(cell);
    this.#owners.adopt(partition);
  }

  get memory(): TableMemory {
    return { choices: [...this.#choices.keys()], locals: this.vector.localHashes, history: this.history };
  }

  /** Takes over what another table of the same world had seen: names and numbers only, each case is run again when it is needed. Behind `adopt`. */
  recall({ choices, locals, history }: TableMemory): void {
    for (const choice of choices) this.#choiceNumber(choice);
    locals.forEach((hashes, core) => this.vector.announceLocals(core, hashes));
    history.forEach((steps, core) => {
      for (const step of steps) this.history[core]!.push(step);
    });
    this.#recalled = new Set(history.flatMap((steps, core) => steps.map((step) => stepKey(core, step))));
  }

  #remember(core: number, step: LocalStep): void {
    if (this.#recalled.size === 0 || !this.#recalled.has(stepKey(core, step))) this.history[core]!.push(step);
  }

  // ---- the transition system ----

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

  waiting(state: StateVector): readonly Waiting[] {
    this.#load(state);
    if (this.dead) return [];
    return this.world.machine.cores.flatMap((core) => this.#offersOf(core.index).waiting);
  }

  #load(state: StateVector): void {
    this.state.set(state);
    this.state.fill(0, state.length, this.slots);
  }

  // ---- the table in `state` ----

  /** Puts the machine into `state`. */
  materialise(): void {
    this.vector.put(this.state);
  }

  /** Puts the machine where it was when the table was made, and gives the mark to roll back to behind what is done there. */
  toStart(): number {
    this.state.fill(0, 0, this.slots);
    this.materialise();
    return this.world.machine.mark();
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
    return BigInt.asUintN(32, this.vector.wordOf(this.#dead, content) >> BigInt(8 * (this.world.deadAt & 7))) !== 0n;
  }

  /** Adds what a core can do in `state`, in the order of `choicesOf`. */
  expand(core: number, out: Remembered[]): void {
    if (this.dead) return;
    for (const offer of this.#offersOf(core).offers) out.push(offer.outcomes.find(this.state) ?? this.#run(core, offer));
  }

  /** Places that decided what a core can do in `state`. */
  deciding(core: number): Int32Array {
    return this.#offersOf(core).places;
  }

  #offersOf(core: number): Offers {
    const local = this.state[this.numbers.localSlot(core)]!;
    let tree = this.#offers[core]!.get(local);
    if (tree === undefined) {
      tree = new LookTree();
      this.#offers[core]!.set(local, tree);
    }
    return tree.find(this.state) ?? this.#findOffers(core, tree);
  }

  /** The place of a quadword of RAM by a physical address in it; undefined when it has none of its own. */
  placeOf(physical: number): number | undefined {
    return this.vector.slotOf(this.world.machine.engine.map.ram + (physical & ~7));
  }

  /** `Transition.detail` of a choice. */
  detailOf(choice: Choice): string {
    if (choice.kind === 'step') return choice.fetch === undefined ? '' : choice.fetch.bytes.join();
    return String(choice.kind === 'drain' ? choice.entry : choice.kind === 'interrupt' ? choice.vector : choice.line);
  }

  #choiceNumber(name: string): number {
    const known = this.#choices.get(name);
    if (known !== undefined) return known;
    this.#choices.set(name, this.#choices.size);
    return this.#choices.size - 1;
  }

  // ---- running ----

  /** What a core can do in `state`: run once for each case. */
  #findOffers(core: number, tree: LookTree<Offers>): Offers {
    this.materialise();
    const { machine } = this.world;
    const looks = this.#looks;
    const c = machine.cores[core]!;
    looks.begin(core);
    const mark = machine.mark();
    c.flushTlb();
    const choices: Choice[] = [];
    looks.during(() => stepsOf(machine, c, choices));
    if (choices.some((choice) => choice.kind === 'step' && choice.fetch !== undefined)) looks.lookAtFetch(core);
    const before = looks.places.length;
    const steps = choices.length;
    looks.during(() => othersOf(machine, c, choices));
    machine.rollback(mark);
    looks.nameWords();
    const looked = looks.places.slice(0, before);
    const others = looks.places.slice(before);
    const all = choices.map(
      (choice, index): Offer => ({
        index,
        kind: choice.kind,
        reads: choice.kind === 'drain' ? [] : index < steps ? looked : others,
        outcomes: new LookTree(),
      }),
    );
    const found: Offers = { offers: all, waiting: this.#waiting(core, all, looked, others), places: Int32Array.from(looks.places) };
    this.#hasLearned ||= machine.discoveries !== this.#discoveries;
    if (!this.hasLearned) tree.add(this.state, looks.slots, found);
    return found;
  }

  #waiting(core: number, offers: readonly Offer[], looked: readonly number[], others: readonly number[]): Waiting[] {
    const local = this.numbers.localSlot(core);
    const out: Waiting[] = [];
    const wait = (kind: Choice['kind'], places: readonly number[]): void => {
      if (offers.some((o) => o.kind === kind)) return;
      out.push({ core, kind, reads: Int32Array.from(new Set([local, ...places, this.numbers.deadPlace])).sort() });
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
    const { world, numbers, vector } = this;
    const { machine } = world;
    const looks = this.#looks;
    const c = machine.cores[core]!;
    const choices: Choice[] = [];
    const mark = machine.mark();
    c.flushTlb();
    choicesOf(machine, c, choices);
    const choice = choices[offer.index]!;
    looks.begin(core);
    if (choice.kind === 'interrupt')
      looks.note(numbers.pendingSlot(core), choice.vector === 'nmi' ? numbers.nmiPlace(core) : numbers.pendingSlot(core));
    const violations = looks.during(() => choose(world, choice));
    const died = world.dead;
    looks.lookBelowStack(core);
    const changed = violations.length > 0 ? [] : this.#changedCells(mark);
    const after = new Map(changed.map((cell) => [cell, machine.engine.longs[cell >> 3]!]));
    const blocks = violations.length > 0 ? [] : vector.changedBlocks(this.state, core);
    const text = violations.length > 0 || !(looks.textChanged || blocks.some((b) => b.floors)) ? undefined : vector.textNumber();
    const pending = blocks
      .filter((b) => b.pending || b.nmi)
      .map((b): SlotChange => [numbers.pendingSlot(b.core), vector.pendingNumber(b.core)]);
    machine.rollback(mark);
    looks.nameWords();
    const changes = this.#changes(core, after, blocks, text, pending);
    const places = changes.filter(([slot]) => slot !== TEXT_SLOT && !numbers.isPending(slot)).map(([slot]) => slot);
    for (const b of blocks) {
      if (b.pending) places.push(numbers.pendingSlot(b.core));
      if (b.nmi) places.push(numbers.nmiPlace(b.core));
    }
    const written = [...places, ...looks.changed, ...(died ? [numbers.deadPlace] : [])];
    const writes = violations.length > 0 ? [] : [...new Set(written)].sort(ascending);
    const local = numbers.localSlot(core);
    const reads = [...new Set([local, ...offer.reads, ...looks.places, ...writes, numbers.deadPlace])].sort(ascending);
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
    const from = this.state[local]!;
    const to = violations.length > 0 ? -1 : (changes.find(([slot]) => slot === local)?.[1] ?? from);
    this.#remember(core, { from, to, reads: remembered.reads, writes: remembered.writes });
    this.#hasLearned ||= machine.discoveries !== this.#discoveries;
    if (!this.hasLearned) offer.outcomes.add(this.state, looks.slots, remembered);
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

  /** The changes that a step of `mover` has made, as slots and numbers. The machine is back in `state`. */
  #changes(
    mover: number,
    after: ReadonlyMap<number, bigint>,
    blocks: readonly BlockChange[],
    text: number | undefined,
    pending: readonly SlotChange[],
  ): SlotChange[] {
    const { vector, numbers } = this;
    const looks = this.#looks;
    const changes: SlotChange[] = [];
    const privates = new Map<number, Map<number, bigint>>();
    for (const [cell, value] of after) {
      const part = this.#partOf(cell);
      if (part === 'text') continue;
      if (part === 'word') {
        const slot = vector.slotAt(cell);
        looks.note(slot);
        changes.push([slot, vector.wordNumber(slot, value)]);
        continue;
      }
      const cells = privates.get(part) ?? new Map<number, bigint>();
      privates.set(part, cells.set(cell, value));
    }
    for (let core = 0; core < this.cores; core++) {
      const block = blocks.find((b) => b.core === core && b.own)?.block;
      const cells = privates.get(core);
      if (block === undefined && cells === undefined) continue;
      const slot = numbers.localSlot(core);
      const from = this.state[slot]!;
      const to = vector.localAfter(core, from, block, cells);
      changes.push([slot, to]);
      if (core === mover) continue;
      looks.note(slot);
      this.#remember(core, { from, to, reads: NOTHING, writes: NOTHING });
    }
    changes.push(...pending);
    if (text !== undefined) {
      if (!looks.slots.includes(TEXT_SLOT)) looks.slots.push(TEXT_SLOT);
      changes.push([TEXT_SLOT, text]);
    }
    return changes.filter(([slot, value]) => this.state[slot] !== value);
  }

  /** Whose a quadword is that has changed. */
  #partOf(cell: number): Part {
    if (this.vector.slotOf(cell) !== undefined) return 'word';
    const part = this.#places.of(cell);
    return part === 'text' ? part : this.#owners.changed(cell, part);
  }
}

const NOTHING = new Int32Array(0);
const ascending = (a: number, b: number): number => a - b;
