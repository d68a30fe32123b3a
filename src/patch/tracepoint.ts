import type { Operation } from './operation.ts';
import type { SiteWriter } from './site-writer.ts';
import type { StaticCall } from './static-call.ts';
import type { Part } from './text-poke.ts';

/** A probe with its data, as it is registered: they belong together (kernel: `struct tracepoint_func`). */
export interface TracepointFunc {
  readonly func: bigint;
  readonly data: bigint;
  readonly prio: number;
}

/** `struct tracepoint_func` in memory, from the image's ABI. */
export interface FuncLayout {
  readonly func: number;
  readonly data: number;
  readonly prio: number;
  readonly size: number;
}

/** What registration needs to know of one tracepoint. Addresses are linear. */
export interface TracepointPlan {
  readonly name: string;
  /** Address of `tracepoint.funcs`. */
  readonly funcs: bigint;
  readonly iterator: bigint;
  /** The static branch of the callers: `off` and `on` are its instructions. */
  readonly branch: { readonly site: bigint; readonly name: string; readonly off: Uint8Array; readonly on: Uint8Array };
  readonly layout: FuncLayout;
  /** Memory for one array each, used in order; none is used twice. */
  readonly arrays: readonly bigint[];
  /** What is registered at the start, highest priority first. */
  readonly initial: readonly TracepointFunc[];
}

/** What readers of a tracepoint hold is waited for: RCU or SRCU, by functions of the image. */
export interface GracePeriods {
  readonly synchronize: bigint;
  readonly getState: bigint;
  readonly condSync: bigint;
}

/** How registration orders its steps and for what it waits. One set of rules for each version of the kernel. */
export interface TracepointRules {
  /** Adding: the call site is updated before the array is published, not behind it. */
  readonly siteBeforeArray: boolean;
  /** Removing the last probe: the call site goes back to the iterator before the array goes; otherwise it stays as it is. */
  readonly iteratorWhenEmpty: boolean;
  /** What keeps readers from before 1->0 away from the probe of the next 0->1. */
  readonly between101: 'nothing' | 'synchronize at 1->0' | 'cond_sync at 0->1';
  /** When the call site waits for readers before it goes from the iterator to the one probe that is left. */
  readonly before21: 'func of element 0 changed' | 'data of element 0 changed' | 'always' | 'cond_sync';
}

export type TracepointVersion = 'T0' | 'T1' | 'T2' | 'T3' | 'T4';

const T0: TracepointRules = {
  siteBeforeArray: false,
  iteratorWhenEmpty: false,
  between101: 'nothing',
  before21: 'func of element 0 changed',
};
const T1: TracepointRules = { ...T0, siteBeforeArray: true };
const T2: TracepointRules = { ...T1, before21: 'data of element 0 changed' };
const T3: TracepointRules = { siteBeforeArray: true, iteratorWhenEmpty: true, between101: 'synchronize at 1->0', before21: 'always' };
const T4: TracepointRules = { ...T3, between101: 'cond_sync at 0->1', before21: 'cond_sync' };

/** The versions of v5.10 (T0), v5.14-rc3 (T1) and the three behind it in v5.14 (T2, T3, T4). */
export const TRACEPOINT_RULES: Readonly<Record<TracepointVersion, TracepointRules>> = { T0, T1, T2, T3, T4 };

/** Steps of T4 that can be done wrong, by name. What is not named is done right. */
export interface SnapshotSwitches {
  /** The snapshot of 3->2 and its like is taken before the new array is published. */
  readonly beforePublishing?: boolean;
  /** A snapshot that is there already is kept. */
  readonly keepOldest?: boolean;
  /** The site is updated first, the grace period awaited then. */
  readonly condSyncLate?: boolean;
  /** Steps that take no snapshot. */
  readonly skip?: '1->2' | '1->0' | 'N->N-1';
  /** Another tracepoint's removal forgets the snapshot instead of waiting for it. */
  readonly forget?: boolean;
}

export interface TracepointSwitches extends SnapshotSwitches {
  /** The static branch is enabled before the array is published. */
  readonly keyFirst?: boolean;
}

type Transition = '1->0->1' | 'N->2->1';

/**
 * The grace periods that the next critical transition must have behind it, one of each kind for all tracepoints together (kernel:
 * `tp_transition_snapshot`, `tp_rcu_get_state`, `tp_rcu_cond_sync`). Make it inside a patcher: its state is that of the run.
 */
export class TransitionSnapshots {
  readonly #wait: GracePeriods;
  readonly #taken = new Map<Transition, bigint>();

  constructor(wait: GracePeriods) {
    this.#wait = wait;
  }

  *getState(transition: Transition, keepOldest = false): Part {
    if (keepOldest && this.#taken.has(transition)) return;
    const state = yield* call(this.#wait.getState, 'get_state_synchronize_rcu');
    this.#taken.set(transition, state);
  }

  *condSync(transition: Transition): Part {
    const state = this.#taken.get(transition);
    if (state === undefined) return;
    yield* call(this.#wait.condSync, 'cond_synchronize_rcu', state);
    this.#taken.delete(transition);
  }

  forget(transition: Transition): void {
    this.#taken.delete(transition);
  }

  *synchronize(): Part {
    yield* call(this.#wait.synchronize, 'synchronize_rcu');
  }
}

function* call(address: bigint, what: string, ...args: bigint[]): Generator<Operation, bigint, bigint> {
  return yield { do: 'call', address, args, what };
}

/**
 * Registration of one tracepoint's probes by a core that holds tracepoints_mutex (kernel: `tracepoint_add_func`, `tracepoint_remove_func`). Make it inside a
 * patcher: its state is that of the run.
 */
export class Tracepoint {
  readonly #plan: TracepointPlan;
  readonly #rules: TracepointRules;
  readonly #switches: TracepointSwitches;
  readonly #call: StaticCall;
  readonly #write: SiteWriter;
  readonly #snapshots: TransitionSnapshots;
  #registered: readonly TracepointFunc[];
  #arraysUsed = 0;

  constructor(
    plan: TracepointPlan,
    rules: TracepointRules,
    parts: { readonly call: StaticCall; readonly write: SiteWriter; readonly snapshots: TransitionSnapshots },
    switches: TracepointSwitches = {},
  ) {
    this.#plan = plan;
    this.#rules = rules;
    this.#call = parts.call;
    this.#write = parts.write;
    this.#snapshots = parts.snapshots;
    this.#switches = switches;
    this.#registered = plan.initial;
  }

  /** Adds a probe in front of those whose priority is not higher. */
  *add(probe: TracepointFunc): Part {
    const old = this.#registered;
    const at = old.findIndex((p) => p.prio < probe.prio);
    const probes = at < 0 ? [...old, probe] : [...old.slice(0, at), probe, ...old.slice(at)];
    const array = yield* this.#fill(probes);
    const first = old.length === 0;
    const siteChanges = old.length <= 1;
    const { siteBeforeArray, between101 } = this.#rules;
    const late = this.#switches.condSyncLate === true;
    const wait = first && between101 === 'cond_sync at 0->1';
    if (wait && !late) yield* this.#snapshots.condSync('1->0->1');
    if (siteChanges && siteBeforeArray) yield* this.#updateCall(probes);
    if (wait && late) yield* this.#snapshots.condSync('1->0->1');
    if (first && this.#switches.keyFirst === true) yield* this.#setKey(true);
    yield* this.#replace(array, old, probes, !first && !(old.length === 1 && this.#switches.skip === '1->2'));
    if (siteChanges && !siteBeforeArray) yield* this.#updateCall(probes);
    if (first && this.#switches.keyFirst !== true) yield* this.#setKey(true);
  }

  /** Removes a probe: the one with this function and this data. */
  *remove(probe: Pick<TracepointFunc, 'func' | 'data'>): Part {
    const old = this.#registered;
    const probes = old.filter((p) => p.func !== probe.func || p.data !== probe.data);
    if (probes.length !== old.length - 1) throw new RangeError(`${this.#plan.name}: the probe is not registered once`);
    if (probes.length === 0) {
      yield* this.#removeLast();
      return;
    }
    const array = yield* this.#fill(probes);
    yield* this.#replace(array, old, probes, !(probes.length > 1 && this.#switches.skip === 'N->N-1'));
    if (probes.length > 1) return;
    const late = this.#switches.condSyncLate === true;
    if (!late) yield* this.#waitBefore21(old, probes);
    yield* this.#updateCall(probes);
    if (late) yield* this.#waitBefore21(old, probes);
  }

  *#removeLast(): Part {
    const { iteratorWhenEmpty, between101 } = this.#rules;
    yield* this.#setKey(false);
    if (iteratorWhenEmpty) yield* this.#call.update(this.#plan.iterator);
    yield* this.#publish(0n);
    this.#registered = [];
    if (between101 === 'synchronize at 1->0') yield* this.#snapshots.synchronize();
    if (between101 === 'cond_sync at 0->1' && this.#switches.skip !== '1->0')
      yield* this.#snapshots.getState('1->0->1', this.#switches.keepOldest);
  }

  /** Publishes an array; T4 remembers when element 0 got other data. */
  *#replace(array: bigint, old: readonly TracepointFunc[], probes: readonly TracepointFunc[], snapshot: boolean): Part {
    const needed = snapshot && this.#rules.before21 === 'cond_sync' && probes[0]?.data !== old[0]?.data;
    const { beforePublishing, keepOldest } = this.#switches;
    if (needed && beforePublishing === true) yield* this.#snapshots.getState('N->2->1', keepOldest);
    yield* this.#publish(array);
    if (needed && beforePublishing !== true) yield* this.#snapshots.getState('N->2->1', keepOldest);
    this.#registered = probes;
  }

  *#waitBefore21(old: readonly TracepointFunc[], [left]: readonly TracepointFunc[]): Part {
    switch (this.#rules.before21) {
      case 'func of element 0 changed':
        if (old[0]?.func !== left?.func) yield* this.#snapshots.synchronize();
        break;
      case 'data of element 0 changed':
        if (old[0]?.data !== left?.data) yield* this.#snapshots.synchronize();
        break;
      case 'always':
        yield* this.#snapshots.synchronize();
        break;
      case 'cond_sync':
        if (this.#switches.forget === true) this.#snapshots.forget('N->2->1');
        else yield* this.#snapshots.condSync('N->2->1');
    }
  }

  /** The call site calls the one probe itself, or the iterator when there are more (kernel: `tracepoint_update_call`). */
  *#updateCall(probes: readonly TracepointFunc[]): Part {
    yield* this.#call.update(probes.length === 1 ? (probes[0] as TracepointFunc).func : this.#plan.iterator);
  }

  *#setKey(on: boolean): Part {
    const { branch } = this.#plan;
    const [old, bytes] = on ? [branch.off, branch.on] : [branch.on, branch.off];
    yield* this.#write({ site: branch.site, name: branch.name, bytes, old });
  }

  /** Allocates an array and fills it; nobody knows it yet. */
  *#fill(probes: readonly TracepointFunc[]): Generator<Operation, bigint, bigint> {
    const { arrays, layout, name } = this.#plan;
    const array = arrays[this.#arraysUsed++];
    if (array === undefined) throw new RangeError(`${name}: no array is left`);
    for (const [n, probe] of probes.entries()) {
      const at = array + BigInt(n * layout.size);
      const put = (offset: number, bytes: number, value: bigint, what: string): Operation => ({
        do: 'store',
        address: at + BigInt(offset),
        bytes,
        value,
        what: `probes[${n}].${what}`,
      });
      yield put(layout.func, 8, probe.func, 'func');
      yield put(layout.data, 8, probe.data, 'data');
      yield put(layout.prio, 4, BigInt.asUintN(32, BigInt(probe.prio)), 'prio');
    }
    return array;
  }

  *#publish(array: bigint): Part {
    yield { do: 'store', address: this.#plan.funcs, bytes: 8, value: array, what: `${this.#plan.name}.funcs` };
  }
}
