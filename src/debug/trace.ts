import { CORE, EVENT_BASE, EVENT_BYTES, MAX_EVENTS } from '../engine/layout.ts';
import { TextpokeError } from '../error.ts';
import { choose, endOf, options } from '../explore/path.ts';
import type { Violation } from '../explore/violation.ts';
import type { World, WorldEvent } from '../explore/world.ts';
import { ACCESS_KINDS, type Happening, type Trace, type TraceStep } from './happening.ts';
import { hexBytes, Names } from './names.ts';
import { TextHistory } from './text-history.ts';

export { formatTrace } from './trace-text.ts';

/** Of a run that is longer nobody can undo everything. */
const JOURNAL_BYTES = 1 << 20;

/**
 * Performs `answers` in a world that has just begun and gives what happened, step by step. The world is left behind the last step. An
 * answer that is not offered is `E_DIVERGE`: the answers belong to another world. `violation` is what the run leads to where its steps alone do not
 * show it: a livelock is a circle, which no step ends.
 */
export function recordTrace(world: World, answers: readonly number[], violation?: Violation): Trace {
  const recorder = new TraceRecorder(world);
  const { machine } = world;
  const start = machine.mark();
  try {
    for (const answer of answers) {
      if (machine.engine.globals.journalTop.value - start > JOURNAL_BYTES) machine.forget(start);
      recorder.answer(answer);
    }
    return recorder.finish(violation);
  } finally {
    recorder.detach();
  }
}

/** What each core was given to run. */
function rolesOf(world: World): string[] {
  return world.machine.cores.map((core) => {
    const actor = world.actors.find((a) => a.core === core.index);
    if (actor === undefined || actor.patcher !== undefined) return '';
    const [first, ...more] = actor.calls ?? [];
    return first === undefined ? actor.entry.replace(/_main$/, '') : more.length === 0 ? first : `${first} ...`;
  });
}

/** Records a run one answer at a time, for whoever decides the answers on the way. */
export class TraceRecorder {
  readonly world: World;
  readonly names: Names;
  readonly steps: TraceStep[] = [];
  readonly #histories: readonly TextHistory[];
  readonly #before: World['onEvent'];
  readonly #buffered: readonly number[];
  #happened: Happening[] = [];
  #read = EVENT_BASE;
  #last = 0;
  /** Some slab object has a type. */
  #learned = false;
  /** What the last step violated. */
  violations: readonly Violation[] = [];

  constructor(world: World) {
    this.world = world;
    this.names = new Names(world);
    this.#histories = world.sites.map((s) => new TextHistory(s, world.lab.peek(s.address, s.versions[0]!.length)));
    this.#buffered = world.machine.cores.map((core) => core.raw(CORE.storeBufferCount));
    this.#before = world.onEvent;
    world.onEvent = (event) => {
      this.#accesses();
      this.#event(event);
      this.#before?.(event);
    };
  }

  /** Gives the world's events back to whoever had them. */
  detach(): void {
    this.world.onEvent = this.#before;
  }

  /** The core that moved last, which `options` wants to know. */
  get lastCore(): number {
    return this.#last;
  }

  /** Performs one answer. */
  answer(answer: number): TraceStep {
    const { world } = this;
    const offered = options(world, this.#last);
    const choice = offered[answer];
    const at = this.steps.length;
    if (choice === undefined) {
      const wanted = offered.length === 0 ? 'the run has ended there' : `only ${offered.length} are offered there`;
      throw new TextpokeError('E_DIVERGE', `the schedule wants answer ${answer} at @${at}, but ${wanted}`, {
        where: `@${at}`,
        hint: 'the schedule was recorded in another world: compare image, cores, models and variant',
      });
    }
    const core = world.machine.cores[choice.core]!;
    const { rip } = core;
    world.machine.mark();
    this.#read = EVENT_BASE;
    this.#happened = [];
    this.violations = choose(world, choice);
    this.#accesses();
    this.#report(this.violations);
    this.#last = choice.core;
    const step = {
      at,
      core: choice.core,
      choice: choice.kind,
      answer,
      offered: offered.length,
      rip,
      symbol: this.names.code(rip),
      happened: this.#happened,
    };
    this.steps.push(step);
    return step;
  }

  /** Ends the recording: what the end violates, where the run has come to one, and the hash of the state. */
  finish(violation?: Violation): Trace {
    const { world } = this;
    this.#happened = [];
    const hash = world.machine.hash();
    if (this.violations.length === 0 && options(world, this.#last).length === 0) {
      this.violations = endOf(world);
      this.#report(this.violations);
    }
    if (this.violations.length === 0 && violation !== undefined) {
      this.violations = [violation];
      this.#report(this.violations);
    }
    if (this.names.learnAll() || this.#learned) this.#renameObjects();
    return {
      cores: world.machine.cores.length,
      roles: rolesOf(world),
      buffered: this.#buffered,
      steps: this.steps,
      end: this.#happened,
      violations: this.violations,
      hash,
    };
  }

  /** What pointers told about objects holds for accesses before it, too: memory is filled first and published then. */
  #renameObjects(): void {
    const { names } = this;
    const renamed = (h: Happening): Happening =>
      h.what === 'access' ? { ...h, name: names.data(h.physical, h.size), text: names.value(h.physical, h.size, h.value) } : h;
    for (const [n, step] of this.steps.entries()) this.steps[n] = { ...step, happened: step.happened.map(renamed) };
  }

  #report(violations: readonly Violation[]): void {
    for (const v of violations)
      this.#happened.push({ what: 'violation', core: v.core, check: v.check, message: this.names.plain(v.message) });
  }

  /** Takes over the accesses that the engine has noted since the last look, so that they stand before the event that follows them. */
  #accesses(): void {
    const { view, globals } = this.world.machine.engine;
    const top = globals.eventTop.value;
    for (; this.#read < top; this.#read += EVENT_BYTES) {
      const at = this.#read;
      const physical = view.getUint32(at + 8, true);
      const size = view.getUint32(at + 12, true);
      const value = BigInt.asUintN(8 * size, view.getBigUint64(at + 16, true));
      if (this.names.learn(physical, size, value)) this.#learned = true;
      this.#happened.push({
        what: 'access',
        access: ACCESS_KINDS[view.getUint32(at + 4, true)]!,
        core: view.getUint32(at, true),
        physical,
        size,
        value,
        name: this.names.data(physical, size),
        text: this.names.value(physical, size, value),
        by: this.names.functionAt(view.getBigUint64(at + 24, true)),
        site: this.names.siteOf(physical) !== undefined || this.names.siteOf(physical + size - 1) !== undefined,
      });
      if (at === EVENT_BASE + (MAX_EVENTS - 1) * EVENT_BYTES) this.#happened.push({ what: 'lost', core: view.getUint32(at, true) });
    }
  }

  #event(event: WorldEvent): void {
    if (event.kind === 'text') {
      for (const h of this.#histories) h.add(this.steps.length, this.world.lab.peek(h.site.address, h.site.versions[0]!.length));
      return;
    }
    const happening = this.#translate(event);
    if (happening !== undefined) this.#happened.push(happening);
  }

  #translate(event: Exclude<WorldEvent, { kind: 'text' }>): Happening | undefined {
    const { names } = this;
    const { core } = event;
    switch (event.kind) {
      case 'exception':
        return {
          what: 'exception',
          core,
          vector: event.vector,
          name: names.vector(event.vector),
          rip: names.code(event.rip),
          frame: event.frame,
        };
      case 'interrupt':
        return {
          what: 'interrupt',
          core,
          vector: event.vector,
          name: names.vector(event.vector),
          rip: names.code(event.rip),
          frame: event.frame,
        };
      case 'iret':
        return { what: 'iret', core, rip: names.code(event.rip), frame: event.frame };
      case 'ipi':
        return { what: 'ipi', core, vector: event.vector, name: names.vector(event.vector), targets: event.targets };
      case 'serialize':
        return { what: 'serialize', core, why: event.why };
      case 'icache':
        return { what: 'icache', core, event: event.what, line: names.line(event.line) };
      case 'exit':
        return { what: 'exit', core, code: event.code };
      case 'shutdown':
        return { what: 'shutdown', core, why: event.why };
      case 'note':
        if (event.id === this.world.lab.abi('NOTE_SAY'))
          return { what: 'note', core, id: 'SAY', a: this.world.message(event.a, event.b), b: '' };
        return { what: 'note', core, id: names.note(event.id), a: names.word(event.a), b: names.word(event.b) };
      case 'die':
        return { what: 'die', core, reason: names.reason(event.reason) };
      case 'mark': {
        const { mark } = event;
        const text = mark.kind === 'sync' || mark.kind === 'call' ? mark.what : names.code(mark.site);
        const detail = mark.kind === 'begin' ? `: ${hexBytes(mark.bytes)}` : mark.kind === 'phase' ? ` ${mark.phase}` : '';
        return { what: 'mark', core, kind: mark.kind, text: text + detail };
      }
      case 'fetch':
        return this.#fetch(core, event);
      case 'hook':
        return undefined;
    }
  }

  #fetch(core: number, event: Extract<WorldEvent, { kind: 'fetch' }>): Happening {
    const { names } = this;
    const site = names.siteAt(event.rip);
    const history = this.#histories.find((h) => h.site === site);
    const offset = site === undefined ? 0 : Number(event.rip - site.address);
    return {
      what: 'fetch',
      core,
      physical: this.world.lab.physical(event.rip),
      name: names.code(event.rip),
      bytes: hexBytes(event.bytes),
      length: Math.max(event.bytes.length, ...(event.race?.candidates.map((c) => c.length) ?? [])),
      stale: event.stale,
      age: history?.age(offset, event.bytes) ?? { kind: 'now' },
      text:
        (site === undefined
          ? names.disassembled(event.bytes, event.rip)
          : offset === 0
            ? names.instruction(site, event.bytes)
            : undefined) ?? '',
      race: event.race !== undefined,
    };
  }
}
