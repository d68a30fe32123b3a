import { CORE, EVENT_BASE, EVENT_BYTES, PAGE, STORE_BUFFER_ENTRIES, Stop } from '../engine/layout.ts';
import { TextpokeError } from '../error.ts';
import type { Image } from '../image/image.ts';
import { Activity } from '../isa/core-state.ts';
import { Lab, type LabOptions } from '../kernel/lab.ts';
import { storeBufferFull } from '../machine/choices.ts';
import type { Core } from '../machine/core.ts';
import type { MachineEvent } from '../machine/parts.ts';
import { MAX_VERSIONS } from '../machine/text-versions.ts';
import { PatcherAgent } from '../patch/agent.ts';
import type { Mark, Patcher } from '../patch/operation.ts';
import { Program } from '../patch/program.ts';
import type { Checker } from './checker.ts';
import { declareVisible, type Knowledge } from './knowledge.ts';
import { MetaWords } from './meta.ts';
import type { Site } from './site.ts';
import type { Violation } from './violation.ts';

/** What happened, as checkers and traces see it. */
export type WorldEvent =
  | MachineEvent
  /** The guest told its observers something (`HC_NOTE`). */
  | { readonly kind: 'note'; readonly core: number; readonly id: number; readonly a: bigint; readonly b: bigint }
  /** The guest gave up (`HC_DIE`). */
  | { readonly kind: 'die'; readonly core: number; readonly reason: number; readonly regs: bigint }
  /** The guest found an invariant broken (`HC_FAIL`). */
  | { readonly kind: 'fail'; readonly core: number; readonly check: string; readonly message: string }
  /** A TypeScript patcher reached a step of its protocol. */
  | { readonly kind: 'mark'; readonly core: number; readonly mark: Mark };

/** What must have happened in some run each before an OK of a patched site counts. */
export const WITNESSES: readonly string[] = ['old bytes executed', '#BP handled and emulated', 'new bytes executed'];

/** A visible access: `load`, `store` (into the store buffer, or to memory where there is none), or the halves of a locked change. */
export interface WorldAccess {
  readonly core: number;
  readonly kind: 'load' | 'store' | 'locked load' | 'locked store';
  /** Physical address. */
  readonly physical: number;
  readonly size: number;
  readonly value: bigint;
  /** Of the instruction that does it. */
  readonly rip: bigint;
}

/** Kinds of the engine's events; 5 is a store buffer's entry on its way to memory, which is nobody's access. */
const ACCESS_KINDS: readonly (WorldAccess['kind'] | undefined)[] = ['load', 'store', 'locked load', 'locked store', 'store', undefined];

export interface Actor {
  readonly core: number;
  /** Function of the image that the core starts at. */
  readonly entry: string;
  /** What `victim_main` calls. */
  readonly calls?: readonly string[];
  /** A patcher in TypeScript; the core starts at `patcher_stub`. */
  readonly patcher?: () => Patcher;
  /** In a kernel with the small world: a second task of the core, and what `task_main` calls there. */
  readonly second?: { readonly entry: string; readonly calls?: readonly string[] };
  /** Vector that is pending from the start and may be taken whenever interrupts are on. */
  readonly pendingInterrupt?: number;
  /** An NMI is pending from the start and may be taken at any time. */
  readonly pendingNmi?: boolean;
  /**
   * While an interrupt or an NMI can be taken, every instruction of this core is a place to take it, not only those before something that
   * others can see. For handlers that look at what they interrupted.
   */
  readonly interruptAnywhere?: boolean;
}

/** Names of what happened without which an OK says nothing. */
class Witnessed extends Set<string> {
  /** Called each time that something is seen, also when it was seen before. */
  onSeen: ((what: string) => void) | undefined;

  override add(what: string): this {
    this.onSeen?.(what);
    return super.add(what);
  }
}

/** What a world has found that is not state, to go on with in another one. */
export interface Recollection {
  readonly notes: readonly string[];
  readonly witnessed: readonly string[];
  readonly bounds: readonly string[];
  readonly identityAsked: boolean;
}

/** Cores whose checkers have a page of state each. */
const MAX_WORLD_CORES = 13;

/** One world to explore: a lab with its actors in place and checkers watching. */
export class World {
  #lab: Lab | undefined;
  readonly meta: MetaWords;
  readonly sites: Site[] = [];
  /** Who runs where, as `add` placed them. */
  readonly actors: Actor[] = [];
  readonly checkers: Checker[] = [];
  /** Violations of the transition in progress; the search takes them from here. */
  violations: Violation[] = [];
  /** Violations of what the cores do before their first visible operation: no schedule avoids them. */
  early: readonly Violation[] = [];
  /** Findings that do not decide. */
  readonly notes = new Set<string>();
  /** Seen in some run so far. Not state: only ever grows. */
  readonly witnessed = new Witnessed();
  /** What traces call data that symbols do not tell apart, by linear address: elements and fields. */
  readonly words = new Map<bigint, string>();
  /** What a pointer there points to, by linear address, where no symbol says it. */
  readonly objects = new Map<bigint, string>();
  /** Called for every event, for traces. */
  onEvent: ((event: WorldEvent) => void) | undefined;
  /** Witnesses without which an OK does not count here. */
  wantedWitnesses: readonly string[] = WITNESSES;
  /** Cores that may trade places in the state key. */
  symmetric = 0;
  /** Cores that run the same code from the same start, in groups. */
  readonly #alike: number[][] = [];
  readonly #roles = new Map<string, number[]>();
  readonly #programs = new Map<number, PatcherAgent>();
  readonly #dead: number;

  constructor(image: Image, options: Omit<LabOptions, 'host' | 'journal'>) {
    if (options.cores > MAX_WORLD_CORES) {
      throw new TextpokeError('E_USAGE', `a world has at most ${MAX_WORLD_CORES} cores`, {
        where: `${options.cores} cores`,
        hint: 'use fewer victims',
      });
    }
    this.#lab = new Lab(image, {
      ...options,
      host: {
        serial: () => {},
        hypercall: (core) => this.#hypercall(core),
        waits: (core) => this.#programs.get(core.index)?.waits(core) === true,
      },
    });
    this.meta = new MetaWords(this.machine);
    this.#dead = this.meta.shared(1);
    this.machine.observers.push((event) => this.#observe(event));
  }

  get lab(): Lab {
    if (this.#lab === undefined) throw new TextpokeError('E_INTERNAL', 'a world is used after it was released', { where: 'World.release' });
    return this.#lab;
  }

  get machine(): Lab['machine'] {
    return this.lab.machine;
  }

  /** The world is done with: its machine's memory goes to the next one. What it found may still be read, its machine not. */
  release(): void {
    this.#boundsReached = this.bounds();
    this.machine.release();
    this.#lab = undefined;
  }

  /** Places an actor on its core. */
  add(actor: Actor): void {
    this.actors.push(actor);
    const core = this.machine.cores[actor.core] as Core;
    if (actor.calls !== undefined) this.lab.setCalls(actor.core, actor.calls);
    this.lab.start(actor.core, actor.entry);
    if (actor.patcher !== undefined) {
      this.#programs.set(
        actor.core,
        new PatcherAgent(
          () => this.machine,
          new Program(actor.patcher),
          (c, mark) => this.#observe({ kind: 'mark', core: c.index, mark }),
        ),
      );
    }
    if (actor.second !== undefined) this.lab.startSecondTask(actor.core, actor.second.entry, actor.second.calls);
    const { entry, calls, second, pendingInterrupt, pendingNmi, interruptAnywhere } = actor;
    const role = JSON.stringify([entry, calls, second, pendingInterrupt, pendingNmi, interruptAnywhere, actor.patcher && actor.core]);
    const group = this.#roles.get(role) ?? [];
    if (group.length === 0) this.#alike.push(group);
    this.#roles.set(role, group);
    group.push(actor.core);
    if (actor.pendingInterrupt !== undefined) {
      const word = (['irr0', 'irr1', 'irr2', 'irr3'] as const)[actor.pendingInterrupt >> 6] as 'irr0';
      core.set(word, core.get(word) | (1n << BigInt(actor.pendingInterrupt & 63)));
    }
    if (actor.pendingNmi === true) core.setSmall('nmiPending', 1);
    if (actor.interruptAnywhere === true) this.machine.splits.add(actor.core);
  }

  readonly #watched: (readonly [number, number])[] = [];

  /** Makes every access to memory of the image visible, shared or not, so that checkers hear of it (`Checker.onAccess`). Before the run, `Checker.begin` included. */
  watch(linear: bigint, bytes: number): void {
    const from = this.lab.physical(linear);
    this.#watched.push([from & ~7, (from + bytes + 7) & ~7]);
  }

  /** Declares the sites as patched text and runs every core up to its first visible operation: the base state. */
  begin(knowledge?: Knowledge): void {
    this.#hearsAccesses = this.checkers.some((c) => c.onAccess !== undefined);
    knowledge?.apply(this.machine);
    for (const site of this.sites) this.machine.fetch.declarePatched(this.lab.physical(site.address), site.versions[0]!.length);
    for (const checker of this.checkers) checker.begin?.(this);
    for (const [from, to] of this.#watched) for (let q = from; q < to; q += 8) declareVisible(this.machine, q);
    this.symmetric = this.#interchangeable();
    this.machine.text?.reset();
    this.machine.mark();
    this.violations = [];
    for (const core of this.machine.cores) {
      if (core.small('activity') !== Activity.running || this.violations.length > 0) continue;
      if (this.machine.splitting(core)) this.machine.pause(core);
      else this.machine.settle(core);
    }
    this.tellAccesses();
    this.tellState();
    this.early = this.violations;
    this.noteBounds();
  }

  /**
   * Cores that may trade places. Whoever reaches into a core's private memory names that core: which one of two is looked at first, and what it was doing
   * then, is no longer the same with the cores exchanged.
   */
  #interchangeable(): number {
    const named = new Set([...this.machine.sharedPages].map((page) => (this.machine.pageInfo(page) & PAGE.laneMask) - 1));
    const alike = this.#alike.filter((c) => c.length > 1 && this.lab.interchangeable(c));
    const free = alike.find((c) => !c.some((core) => named.has(core)));
    if (free === undefined && alike.length > 0) this.notes.add('symmetry off: private memory of a core is reached by its number');
    return (free ?? []).reduce((mask, c) => mask | (1 << c), 0);
  }

  /** Offset in linear memory of the word that says so. */
  get deadAt(): number {
    return this.#dead;
  }

  /** Whether a guest has given up: the run has ended there. */
  get dead(): boolean {
    return this.meta.get(this.#dead) !== 0;
  }

  /** Whether every actor has come to its end: nothing left but idle cores. */
  get finished(): boolean {
    return (
      this.machine.cores.every((c) => c.small('activity') !== Activity.running || c.raw(CORE.stop) === Stop.idle) &&
      [...this.#programs].every(([n, agent]) => agent.at(this.machine.cores[n] as Core).next === undefined)
    );
  }

  report(violation: Violation): void {
    this.violations.push(violation);
    this.machine.abandoned = true;
  }

  /** A core asked for its own number, or was called by it: then cores are not interchangeable. */
  identityAsked = false;

  #accessesFrom = EVENT_BASE;
  #hearsAccesses = false;

  /** Tells checkers of the accesses since they were last told. */
  tellAccesses(): void {
    if (!this.#hearsAccesses) return;
    const { engine } = this.machine;
    const top = engine.globals.eventTop.value;
    // A transition begins with no events.
    if (top < this.#accessesFrom) this.#accessesFrom = EVENT_BASE;
    for (; this.#accessesFrom < top; this.#accessesFrom += EVENT_BYTES) {
      const at = this.#accessesFrom;
      const kind = ACCESS_KINDS[engine.view.getInt32(at + 4, true)];
      if (kind === undefined) continue;
      const access: WorldAccess = {
        core: engine.view.getInt32(at, true),
        kind,
        physical: engine.view.getUint32(at + 8, true),
        size: engine.view.getUint32(at + 12, true),
        value: engine.view.getBigUint64(at + 16, true),
        rip: engine.view.getBigUint64(at + 24, true),
      };
      for (const checker of this.checkers) checker.onAccess?.(access, this);
    }
  }

  /** Tells checkers that the run is between two transitions. */
  tellState(): void {
    if (this.violations.length === 0) for (const checker of this.checkers) checker.onState?.(this);
  }

  /** A transition begins: its events are counted from here. */
  beginTransition(): void {
    this.violations = [];
    this.machine.abandoned = false;
    this.#accessesFrom = EVENT_BASE;
  }

  #observe(event: WorldEvent): void {
    this.tellAccesses();
    if (event.kind === 'identity' || (event.kind === 'ipi' && this.#namesSome(event.core, event.targets))) this.identityAsked = true;
    for (const checker of this.checkers) checker.onEvent?.(event, this);
    this.onEvent?.(event);
  }

  /** Whether an IPI tells cores apart that may trade places. */
  #namesSome(sender: number, targets: readonly number[]): boolean {
    const others = this.symmetric & ~(1 << sender);
    const reached = others & targets.reduce((mask, c) => mask | (1 << c), 0);
    return reached !== 0 && reached !== others;
  }

  /** What the guest says: the string at `text`, where %p is the value in the words of the symbol table and %s the string that it points to. */
  message(text: bigint, value: bigint): string {
    return this.lab
      .text(text)
      .replaceAll('%p', () => this.objects.get(value) ?? this.lab.image.describe(value))
      .replaceAll('%s', () => this.lab.text(value));
  }

  /** VMCALL of the lab (`HC_` in the image's ABI). */
  #hypercall(core: Core): 0 | 1 | 2 {
    const number = Number(core.gpr(0));
    if (number === this.lab.abi('HC_NOTE')) {
      this.#observe({ kind: 'note', core: core.index, id: Number(core.gpr(7)), a: core.gpr(6), b: core.gpr(2) });
      return 0;
    }
    if (number === this.lab.abi('HC_DIE')) {
      this.meta.set(this.#dead, 0, 1);
      this.#observe({ kind: 'die', core: core.index, reason: Number(core.gpr(7)), regs: core.gpr(6) });
      core.setSmall('activity', Activity.exited);
      return 0;
    }
    if (number === this.lab.abi('HC_WITNESS')) {
      this.witnessed.add(this.lab.text(core.gpr(7)));
      return 0;
    }
    if (number === this.lab.abi('HC_FAIL')) {
      this.meta.set(this.#dead, 0, 1);
      const message = this.message(core.gpr(6), core.gpr(2));
      this.#observe({ kind: 'fail', core: core.index, check: this.lab.text(core.gpr(7)), message });
      core.setSmall('activity', Activity.exited);
      return 0;
    }
    const agent = this.#programs.get(core.index);
    if (agent === undefined) {
      // Only code that went astray comes here: registers of a frame that was overwritten, say.
      this.report({
        check: 'assertion',
        message: `CPU${core.index} makes a hypercall that is not its own`,
        core: core.index,
        rip: core.rip,
      });
      this.meta.set(this.#dead, 0, 1);
      core.setSmall('activity', Activity.exited);
      return 0;
    }
    return number === this.lab.abi('HC_PATCHER_RETURN') ? agent.returned(core) : agent.step(core);
  }

  /** Physical memory that actors may share: the image's data and the private areas, which others reach through the direct map. */
  get sharable(): readonly (readonly [number, number])[] {
    const data = this.lab.image.segments
      .filter((s) => s.writable)
      .map((s) => [Number(s.physical), Number(s.physical) + s.memorySize] as const);
    const areas = this.machine.cores.map((c) => [this.lab.privatePage(c.index, 0), this.lab.privatePage(c.index, 1)] as const);
    return [...data, ...areas];
  }

  #storeBuffersFilled = false;
  #boundsReached: readonly string[] | undefined;

  #boundsRecalled: readonly string[] = [];

  /** Bounds of the machine that some run reached: what was found holds within them only. */
  bounds(): readonly string[] {
    if (this.#boundsReached !== undefined) return this.#boundsReached;
    const versions = `text versions <= ${MAX_VERSIONS}`;
    const stores = `store buffer <= ${STORE_BUFFER_ENTRIES - 2}`;
    const reached = [this.machine.text?.overflowed === true ? versions : [], this.#storeBuffersFilled ? stores : []].flat();
    return [versions, stores].filter((b) => reached.includes(b) || this.#boundsRecalled.includes(b));
  }

  get recollection(): Recollection {
    const { notes, witnessed, identityAsked } = this;
    return { notes: [...notes], witnessed: [...witnessed], bounds: this.bounds(), identityAsked };
  }

  /** Goes on with what another world like this one has found. */
  recall({ notes, witnessed, bounds, identityAsked }: Recollection): void {
    for (const note of notes) this.notes.add(note);
    for (const what of witnessed) this.witnessed.add(what);
    this.#boundsRecalled = bounds;
    this.identityAsked ||= identityAsked;
  }

  /** Looks whether the state just reached is at a bound. */
  noteBounds(): void {
    if (!this.#storeBuffersFilled) this.#storeBuffersFilled = this.machine.frameWaited || this.machine.cores.some(storeBufferFull);
  }

  /** End of a path: final checks. */
  atEnd(): void {
    for (const checker of this.checkers) checker.atEnd?.(this);
  }
}
