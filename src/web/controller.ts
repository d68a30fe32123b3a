import type { Cell } from '../scenario/scenario.ts';
import type { CatalogueEntry } from './catalogue-entry.ts';
import { CallFailed, Cancelled, type Client } from './emulator/client.ts';
import type { ErrorView, FoundView, Progress, RunView, StateView, WhyView } from './emulator/protocol.ts';
import { type Place, placeLink } from './link.ts';
import { marksOf, stepFrom, switchFrom } from './view/moves.ts';

/** A search that runs, or what it ended with. */
export interface SearchState {
  /** What is asked, in a few words. */
  readonly what: string;
  /** Where it is shown: with the race, or with the choices of a run. */
  readonly where: 'race' | 'run';
  /** Of one from a place of a run: which. */
  readonly at: number;
  readonly progress: Progress | undefined;
  readonly found: FoundView | undefined;
}

/** The run from which this one was made by another choice. */
export interface Fork {
  readonly at: number;
  readonly token: string;
  readonly outcome: string;
}

/** All that the page shows. Never changed, only replaced. */
export interface PageState {
  readonly place: Place;
  readonly run: RunView | undefined;
  readonly at: number;
  readonly inside: number;
  /** The core whose code is shown. */
  readonly core: number;
  readonly solo: number | undefined;
  /** The state at the place, or at the one before while that is on its way. */
  readonly state: StateView | undefined;
  readonly busy: string | undefined;
  readonly problem: ErrorView | undefined;
  readonly search: SearchState | undefined;
  readonly why: WhyView | 'asking' | undefined;
  readonly fork: Fork | undefined;
}

/** The browser's history, as much as is needed. */
export interface Addresses {
  push(link: string): void;
  replace(link: string): void;
}

export const EMPTY: PageState = {
  place: { kind: 'home' },
  run: undefined,
  at: 0,
  inside: 0,
  core: 0,
  solo: undefined,
  state: undefined,
  busy: undefined,
  problem: undefined,
  search: undefined,
  why: undefined,
  fork: undefined,
};

/** How a run ends, in a line. */
export function outcomeOf(run: Pick<RunView, 'broken' | 'open' | 'count'>): string {
  if (run.broken !== undefined) return `breaks at @${run.broken.at}: ${run.broken.title} (${run.broken.check})`;
  return run.open ? `is cut at @${run.count}: it could go on` : `holds: nothing is broken in its ${run.count} steps`;
}

/**
 * What the page does, without the page: answers links and keys by calls to two workers. `player` has the run that is shown; `searcher` is ended when a search
 * is cancelled.
 */
export class Controller {
  state: PageState = EMPTY;
  readonly #player: Client;
  readonly #searcher: Client;
  readonly #addresses: Addresses;
  readonly #catalogue: readonly CatalogueEntry[];
  readonly #changed: (state: PageState) => void;
  /** Counts what was asked for last: answers to what came before it are dropped. */
  #turn = 0;
  #looking = false;
  #lookAgain = false;

  constructor(parts: {
    readonly player: Client;
    readonly searcher: Client;
    readonly addresses: Addresses;
    readonly catalogue: readonly CatalogueEntry[];
    readonly changed: (state: PageState) => void;
  }) {
    this.#player = parts.player;
    this.#searcher = parts.searcher;
    this.#addresses = parts.addresses;
    this.#catalogue = parts.catalogue;
    this.#changed = parts.changed;
  }

  #set(change: Partial<PageState>): void {
    this.state = { ...this.state, ...change };
    this.#changed(this.state);
  }

  /** The race of a name or alias. */
  raceOf(name: string): CatalogueEntry | undefined {
    return this.#catalogue.find((s) => s.name === name || s.alias?.toLowerCase() === name.toLowerCase());
  }

  // ---- places ----

  /** Shows what an address says. */
  async show(place: Place): Promise<void> {
    if (place.kind === 'run' && place.token === this.state.run?.token && this.state.place.kind === 'run') {
      this.goto(place.at ?? this.state.at, place.inside);
      if (place.core !== undefined) this.look(place.core);
      return;
    }
    this.#stopSearch();
    if (place.kind === 'run') return this.#open(place);
    this.#turn++;
    const entry = place.kind === 'race' ? this.raceOf(place.name) : undefined;
    const unknown = place.kind === 'race' && entry === undefined;
    this.#set({
      ...EMPTY,
      place: unknown ? { kind: 'home' } : place,
      problem: unknown
        ? {
            code: 'E_SCENARIO',
            message: `there is no race '${place.name}'`,
            where: `the address: ${placeLink(place)}`,
            hint: 'search the catalogue below',
          }
        : undefined,
    });
    if (place.kind === 'race' && entry !== undefined && place.variant !== undefined) await this.find(entry, place.variant, 'replace');
  }

  async #open(place: Extract<Place, { kind: 'run' }>): Promise<void> {
    const turn = ++this.#turn;
    // Nothing is lost before the new run is there.
    this.#set({ busy: 'opens the run', problem: undefined });
    try {
      const run = await this.#player.call('open', { token: place.token });
      if (turn !== this.#turn) return;
      this.#shown(run, place, undefined);
      if (run.open) await this.#askForLivelock(run, turn);
    } catch (error) {
      if (turn === this.#turn) this.#failed(error);
    }
  }

  /** A run that ends in nothing may be one that goes round in a circle: only a search can say. */
  async #askForLivelock(run: RunView, turn: number): Promise<void> {
    const circle = await this.#searcher.call('livelock', { token: run.token });
    if (turn !== this.#turn || circle === undefined) return;
    const again = await this.#player.call('livelock', { token: run.token });
    if (turn === this.#turn && again !== undefined) this.#shown(again, { ...this.#place(), at: this.state.at }, this.state.fork);
  }

  #shown(run: RunView, place: Extract<Place, { kind: 'run' }>, fork: Fork | undefined): void {
    const wrong = (place.at ?? 0) > run.count;
    // What broke is what people want to see first.
    const at = place.at === undefined || wrong ? (run.broken?.at ?? 0) : place.at;
    const core = place.core !== undefined && place.core < run.cores ? place.core : (run.broken?.core ?? run.core[at] ?? 0);
    this.#set({
      ...EMPTY,
      place: { ...place, token: run.token, at, core },
      run,
      at,
      inside: wrong ? 0 : place.inside,
      core,
      solo: undefined,
      why: run.broken === undefined ? undefined : 'asking',
      fork,
      problem: wrong
        ? {
            code: 'E_USAGE',
            message: `the run has no @${place.at}`,
            where: `the address: at=${place.at}`,
            hint: `it goes from @0 to @${run.count}; this is @${at}`,
          }
        : undefined,
    });
    void this.#lookAround();
    if (run.broken !== undefined) void this.#askWhy(run);
  }

  async #askWhy(run: RunView): Promise<void> {
    try {
      const why = await this.#searcher.call('why', { token: run.token });
      if (this.state.run === run) this.#set({ why });
    } catch {
      if (this.state.run === run) this.#set({ why: undefined });
    }
  }

  /** Asks for the reason again, where a search took its place. */
  why(): void {
    const { run, why } = this.state;
    if (run?.broken === undefined || typeof why === 'object') return;
    this.#set({ why: 'asking' });
    void this.#askWhy(run);
  }

  #place(): Extract<Place, { kind: 'run' }> {
    const { run, at, inside, core } = this.state;
    return { kind: 'run', token: run?.token ?? '', at, inside, core };
  }

  /** The address of what is shown. */
  get link(): string {
    return this.state.run === undefined ? placeLink(this.state.place) : placeLink(this.#place());
  }

  #failed(error: unknown): void {
    if (error instanceof Cancelled) {
      this.#set({ busy: undefined });
      return;
    }
    const problem: ErrorView =
      error instanceof CallFailed
        ? error.view
        : { code: 'E_PAGE', message: error instanceof Error ? error.message : String(error), where: undefined, hint: 'reload the page' };
    this.#set({ busy: undefined, problem });
  }

  dismiss(): void {
    this.#set({ problem: undefined });
  }

  // ---- moving ----

  goto(at: number, inside = 0): void {
    const { run, state } = this.state;
    if (run === undefined) return;
    const to = Math.min(run.count, Math.max(0, at));
    if (to === this.state.at && inside === this.state.inside) return;
    // The code that is of interest is that of the core that goes on.
    const follows = state !== undefined && to < run.count && this.state.solo === undefined;
    this.#set({ at: to, inside, core: follows ? run.core[to]! : this.state.core });
    this.#addresses.replace(this.link);
    void this.#lookAround();
  }

  step(by: 1 | -1): void {
    const { run, at, inside, solo } = this.state;
    if (run === undefined) return;
    // From inside a step, back is its start.
    if (inside > 0 && by < 0) this.goto(at);
    else this.goto(stepFrom(run, at, by, solo));
  }

  switch(by: 1 | -1): void {
    const { run, at } = this.state;
    if (run !== undefined) this.goto(switchFrom(run, at, by));
  }

  /** One instruction inside a step: `inside` places are known with the state. */
  instruction(by: 1 | -1): void {
    const { run, at, inside, state } = this.state;
    if (run === undefined || state === undefined || state.at !== at || state.inside !== inside) return;
    if (by > 0) {
      if (inside + 1 < state.length) this.goto(at, inside + 1);
      else this.goto(at + 1);
    } else if (inside > 0) this.goto(at, inside - 1);
    else if (at > 0) this.goto(at - 1);
  }

  mark(name: string): void {
    const { run, fork } = this.state;
    const mark = run === undefined ? undefined : marksOf(run, fork?.at).find((m) => m.name === name);
    if (mark !== undefined) this.goto(mark.at);
  }

  solo(core: number | undefined): void {
    const { run, solo } = this.state;
    if (run === undefined || (core ?? 0) >= run.cores) return;
    const next = core === solo ? undefined : core;
    this.#set({ solo: next });
    if (next !== undefined) this.look(next);
  }

  /** Shows the code of a core. */
  look(core: number): void {
    const { run } = this.state;
    if (run === undefined || core >= run.cores || core === this.state.core) return;
    this.#set({ core });
    this.#addresses.replace(this.link);
    void this.#lookAround();
  }

  /** Gets the state of the place; of those that were asked for meanwhile, the last. */
  async #lookAround(): Promise<void> {
    if (this.#looking) {
      this.#lookAgain = true;
      return;
    }
    this.#looking = true;
    try {
      do {
        this.#lookAgain = false;
        const { at, inside, core, run } = this.state;
        if (run === undefined) break;
        const state = await this.#player.call('state', { at, inside, core });
        if (this.state.run === run) this.#set({ state });
      } while (this.#lookAgain);
    } catch (error) {
      // A place inside a step that the address names and the run has not: its start is there.
      if (this.state.inside > 0) {
        this.#set({ inside: 0 });
        this.#lookAgain = true;
      }
      this.#failed(error);
    } finally {
      this.#looking = false;
      if (this.#lookAgain) {
        this.#lookAgain = false;
        void this.#lookAround();
      }
    }
  }

  // ---- other orders ----

  /** The run with another choice here; it has an address of its own. */
  async take(choice: number): Promise<void> {
    const { run, at } = this.state;
    if (run === undefined) return;
    this.#stopSearch();
    const turn = ++this.#turn;
    this.#set({ busy: 'runs the other order', problem: undefined });
    try {
      const other = await this.#player.call('take', { at, choice });
      if (turn !== this.#turn) return;
      this.#shown(
        other,
        { kind: 'run', token: other.token, at, inside: 0, core: undefined },
        { at, token: run.token, outcome: outcomeOf(run) },
      );
      this.#addresses.push(this.link);
    } catch (error) {
      if (turn === this.#turn) this.#failed(error);
    }
  }

  /** Opens another run of the one that is shown, which differs from @`at` on. */
  async openFork(token: string, at: number): Promise<void> {
    const { run } = this.state;
    if (run === undefined) return;
    const fork: Fork = { at, token: run.token, outcome: outcomeOf(run) };
    await this.#open({ kind: 'run', token, at, inside: 0, core: undefined });
    if (this.state.run?.token !== token) return;
    this.#set({ fork });
    this.#addresses.push(this.link);
  }

  /** Tries the orders of a variant; a run that breaks is opened. */
  async find(entry: CatalogueEntry, variant: string, how: 'push' | 'replace', cell: Cell = entry.cell): Promise<void> {
    const turn = ++this.#turn;
    const place: Place = { kind: 'race', name: entry.name, variant };
    this.#set({ ...EMPTY, place });
    if (how === 'push') this.#addresses.push(placeLink(place));
    const found = await this.#searching(`${entry.alias ?? entry.name} ${variant}`, 'race', (onProgress) =>
      this.#searcher.call('find', { scenario: entry.name, variant, cell }, onProgress),
    );
    if (turn !== this.#turn || found === undefined) return;
    if (found.breaks && found.token !== undefined) {
      const { search } = this.state;
      await this.#open({ kind: 'run', token: found.token, at: undefined, inside: 0, core: undefined });
      if (this.state.run?.token !== found.token) return;
      this.#set({ search });
      // Going back leads to the race, not to the search again.
      this.#addresses.replace(this.link);
    }
  }

  /** Who acts in a race, and which bytes change. */
  story(entry: CatalogueEntry): Promise<string> {
    return this.#player.call('story', { scenario: entry.name });
  }

  /** Whether a violation can still be reached from here, with `choice` or whichever. */
  async findFrom(choice: number | undefined): Promise<void> {
    const { run, at } = this.state;
    if (run === undefined) return;
    await this.#searching(`the orders from @${at} on`, 'run', (onProgress) =>
      this.#searcher.call('findFrom', { token: run.token, at, choice }, onProgress),
    );
  }

  async #searching(
    what: string,
    where: SearchState['where'],
    ask: (onProgress: (progress: Progress) => void) => Promise<FoundView>,
  ): Promise<FoundView | undefined> {
    // Whatever the searcher was doing is less wanted than this.
    if (this.state.why === 'asking') this.#set({ why: undefined });
    this.#searcher.cancel();
    const begun: SearchState = { what, where, at: this.state.at, progress: undefined, found: undefined };
    this.#set({ search: begun, problem: undefined });
    const { run, place } = this.state;
    const isShown = (): boolean => this.state.search?.what === what && this.state.run === run && this.state.place === place;
    try {
      const found = await ask((progress) => {
        if (isShown()) this.#set({ search: { ...begun, progress } });
      });
      if (!isShown()) return undefined;
      this.#set({ search: { ...begun, found } });
      return found;
    } catch (error) {
      if (isShown()) {
        this.#set({ search: undefined });
        this.#failed(error);
      }
      return undefined;
    }
  }

  /** Ends a search, or takes away what it found. */
  cancel(): void {
    this.#stopSearch();
    this.#set({ search: undefined });
  }

  #stopSearch(): void {
    const { search } = this.state;
    if (search !== undefined && search.found === undefined) this.#searcher.cancel();
  }
}
