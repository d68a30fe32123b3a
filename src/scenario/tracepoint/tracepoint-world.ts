import type { Site } from '../../explore/site.ts';
import type { World } from '../../explore/world.ts';
import type { Image } from '../../image/image.ts';
import type { Lab } from '../../kernel/lab.ts';
import type { EngineName } from '../../machine/machine.ts';
import { jumpTo, nop5 } from '../../patch/instructions.ts';
import type { Operation, Patcher } from '../../patch/operation.ts';
import { atomicWriter, pokeWriter, type SiteWriter } from '../../patch/site-writer.ts';
import { StaticCall, type StaticCallKey, staticCallText } from '../../patch/static-call.ts';
import type { Part } from '../../patch/text-poke.ts';
import {
  type GracePeriods,
  TRACEPOINT_RULES,
  Tracepoint,
  type TracepointFunc,
  type TracepointPlan,
  type TracepointSwitches,
  type TracepointVersion,
  TransitionSnapshots,
} from '../../patch/tracepoint.ts';
import { addTasks, kernelWorld, preemptionVector } from '../kernel-world.ts';
import { locLayout, textWorld } from '../lab-world.ts';
import type { SizedCell, Variant } from '../scenario.ts';
import { extent, type Sizes } from '../sizes.ts';

/** A probe with its data by their names in the image: what is registered and unregistered. */
export interface Probe {
  readonly func: string;
  readonly data: string;
  readonly prio: number;
}

/** `probe_a` with `data_a`, and so on; those behind have the lower priority unless a scenario says otherwise. */
export const probe = (letter: 'a' | 'b' | 'c', prio: number, data: 'a' | 'b' | 'c' = letter): Probe => ({
  func: `probe_${letter}`,
  data: `data_${data}`,
  prio,
});

/** The text of a module with a probe in it. */
export const moduleProbe = (prio: number, data: 'a' | 'b' | 'c'): Probe => ({ func: 'module_probe', data: `data_${data}`, prio });

type TracepointName = 'sched_switch' | 'sched_waking';

/** What the registering core does, in order. */
export type Step =
  | { readonly add: Probe; readonly to?: TracepointName }
  | { readonly remove: Probe; readonly from?: TracepointName }
  /** `tracepoint_synchronize_unregister`: what whoever unregistered must do before its probe and data may go. */
  | 'synchronize'
  /** From here on nobody may enter the probe (I4). */
  | { readonly gone: Probe }
  /** The data of a probe is freed. */
  | { readonly free: Probe }
  /** The module with `module_probe` is unloaded. */
  | 'unload';

export interface Chain {
  /** Registered at the start, highest priority first. */
  readonly start: readonly Probe[];
  /** The same of the other tracepoint, which nobody hits. */
  readonly other?: readonly Probe[];
  readonly steps: readonly Step[];
  /** Registered once and gone before the start: these pairs belong together as well. */
  readonly before?: readonly Probe[];
}

/** How a site gets its new instruction: by one store and a SYNC, or by the INT3 protocol. */
export type Mode = 'fast' | 'full';

export interface TracepointVariant extends Variant {
  readonly version: TracepointVersion;
  readonly mode: Mode;
  readonly chain: Chain;
  readonly switches?: TracepointSwitches;
  /** The same for `sched_waking`. */
  readonly otherSwitches?: TracepointSwitches;
  /** The sites are written without any SYNC. */
  readonly noSync?: true;
  /** Readers hold an SRCU lock; registration waits for SRCU, or wrongly for RCU. */
  readonly srcu?: 'srcu' | 'rcu';
  /** Victims may be preempted once wherever preemption is on: where it matters to others, or at each instruction. */
  readonly preempt?: true | 'anywhere';
  /** Callers go through the trampoline of the static call. */
  readonly trampoline?: true;
  /** Switches of the kernel (`cfg_` of fixtures/tracepoint). */
  readonly configure?: Readonly<Record<string, number>>;
  /** What must happen in some run before an OK counts. Default: each probe that a hit can reach is called. */
  readonly witnesses?: readonly string[];
  /** How often each victim hits the tracepoint. Default: twice, so that somebody does so behind a wait. */
  readonly calls?: number;
  /** Each victim waits for a grace period before it hits the tracepoint; the registering core can be preempted, as it is quiescent nowhere else. */
  readonly gracePeriodFirst?: true;
}

const RCU = ['synchronize_rcu', 'get_state_synchronize_rcu', 'cond_synchronize_rcu'] as const;
const SRCU = ['synchronize_tracepoint_srcu', 'get_state_synchronize_tracepoint_srcu', 'cond_synchronize_tracepoint_srcu'] as const;

const gracePeriods = (lab: Lab, [synchronize, getState, condSync]: typeof RCU | typeof SRCU): GracePeriods => ({
  synchronize: lab.symbol(synchronize),
  getState: lab.symbol(getState),
  condSync: lab.symbol(condSync),
});

/** How often a victim may hit the tracepoint. */
export const tracepointSizes = ({ calls = 2 }: TracepointVariant): Sizes => ({ calls: extent(1, calls, 3) });

/** The world of a chain of registrations on core 0 and of victims that hit the tracepoint. */
export function tracepointWorld(image: Image, variant: TracepointVariant, cell: SizedCell, engine: EngineName | undefined): World {
  const world = kernelWorld(image, cell, { engine });
  const { lab } = world;
  lab.configure({
    int3_handler: lab.abi('INT3_BP_REFS'),
    calls: 1,
    tp_srcu: variant.srcu === undefined ? 0 : 1,
    ...variant.configure,
  });
  const { start, other, steps } = variant.chain;
  belongTogether(lab, variant.chain);
  const kernels = {
    sched_switch: prepare(lab, 'sched_switch', start, 0, variant.trampoline === true),
    sched_waking: prepare(lab, 'sched_waking', other ?? [], lab.abi('TP_ARRAYS') / 2, false),
  };
  const wait = gracePeriods(lab, variant.srcu === 'srcu' ? SRCU : RCU);
  const text = textWorld(lab);
  const write: SiteWriter =
    variant.mode === 'fast'
      ? atomicWriter(text, variant.noSync === true ? { sync: false } : {})
      : pokeWriter(text, locLayout(lab), variant.noSync === true ? { sync1: false, sync2: false, finalSync: false } : {});
  const patcher = (): Patcher => register(lab, variant, kernels, { wait, write });
  addSites(world, kernels, patcher);
  nameElements(world);
  world.wantedWitnesses = variant.witnesses ?? witnesses(start, steps, variant.mode);
  const waits = variant.gracePeriodFirst === true;
  world.add({ core: 0, entry: 'patcher_stub', patcher, ...(waits ? { pendingInterrupt: preemptionVector(lab) } : {}) });
  const hit = variant.trampoline === true ? 'trace_sched_switch_by_tramp' : 'trace_sched_switch';
  const hits = Array.from({ length: cell.calls }, () => hit);
  addTasks(world, cell, [...(waits ? ['synchronize_rcu'] : []), ...hits], { preempt: variant.preempt ?? false });
  return world;
}

/** `probes_1[0].data` and its like, for diagrams. */
function nameElements(world: World): void {
  const { lab } = world;
  for (let array = 0; array < lab.abi('TP_ARRAYS'); array++) {
    const name = `probes_${array}`;
    for (let n = 0; n < lab.abi('TP_ELEMENTS'); n++) {
      for (const field of ['FUNC', 'DATA', 'PRIO']) {
        const offset = n * lab.abi('TP_SIZE') + lab.abi(`TP_${field}`);
        world.words.set(lab.symbol(name) + BigInt(offset), `${name}[${n}].${field.toLowerCase()}`);
      }
    }
  }
  for (const data of ['data_a', 'data_b', 'data_c']) world.words.set(lab.symbol(data) + BigInt(lab.abi('DATA_REMOVED')), `${data}.removed`);
}

/** Old and new text is executed, and every probe that a caller of `sched_switch` can reach. */
function witnesses(start: readonly Probe[], steps: readonly Step[], mode: Mode): string[] {
  const added = steps.flatMap((s) => (typeof s === 'object' && 'add' in s && s.to === undefined ? [s.add] : []));
  const called = [...start, ...added].map((p) => `${p.func} called`);
  return [...new Set([...called, 'old bytes executed', 'new bytes executed', ...(mode === 'full' ? ['#BP handled and emulated'] : [])])];
}

/** Tells the data which probes they are registered with anywhere in the chain. */
function belongTogether(lab: Lab, chain: Chain): void {
  const owners = new Map<string, Set<string>>();
  const added = chain.steps.flatMap((s) => (typeof s === 'object' && 'add' in s ? [s.add] : []));
  for (const { func, data } of [...chain.start, ...(chain.other ?? []), ...(chain.before ?? []), ...added])
    owners.set(data, (owners.get(data) ?? new Set<string>()).add(func));
  for (const [data, funcs] of owners) {
    if (funcs.size > lab.abi('DATA_FUNCS_MAX')) throw new RangeError(`${data} belongs to too many probes`);
    [...funcs].forEach((func, n) => lab.poke(lab.symbol(data) + BigInt(lab.abi('DATA_FUNCS') + 8 * n), 8, lab.symbol(func)));
  }
}

interface Prepared {
  readonly plan: TracepointPlan;
  readonly key: StaticCallKey;
}

const funcOf = (lab: Lab, p: Probe): TracepointFunc => ({ func: lab.symbol(p.func), data: lab.symbol(p.data), prio: p.prio });

/** Puts a tracepoint with what is registered at the start into memory, text included. */
function prepare(lab: Lab, name: TracepointName, start: readonly Probe[], firstArray: number, trampoline: boolean): Prepared {
  const abi = (field: string): number => lab.abi(`TP_${field}`);
  const layout = { func: abi('FUNC'), data: abi('DATA'), prio: abi('PRIO'), size: abi('SIZE') };
  const all = Array.from({ length: abi('ARRAYS') / 2 }, (_, n) => lab.symbol(`probes_${firstArray + n}`));
  const initial = start.map((p) => funcOf(lab, p));
  const iterator = lab.symbol(`${name}_iterator`);
  const branchSite = lab.symbol(`${name}_key`);
  const branch = {
    site: branchSite,
    name: `${name}_key`,
    off: nop5(),
    on: jumpTo(branchSite, lab.symbol(`${name}_enabled`)),
  };
  const key: StaticCallKey = {
    name: `${name}_static_call`,
    initial: initial.length === 1 ? (initial[0] as TracepointFunc).func : iterator,
    ...(trampoline ? { trampoline: { address: lab.symbol(`${name}_tramp`), name: `${name}_tramp`, form: 'jmp' } } : {}),
    sites: trampoline ? [] : [{ address: lab.symbol(`${name}_call`), name: `${name}_call`, form: 'call' }],
  };
  const put = (address: bigint, bytes: Uint8Array): void => bytes.forEach((b, i) => lab.poke(address + BigInt(i), 1, BigInt(b)));
  for (const site of [...key.sites, ...(key.trampoline === undefined ? [] : [key.trampoline])])
    put(site.address, staticCallText(site, key.initial).bytes);
  const funcs = lab.symbol(`${name}_funcs`);
  const [array] = all;
  if (initial.length > 0 && array !== undefined) {
    put(branch.site, branch.on);
    initial.forEach((p, n) => {
      const at = array + BigInt(n * layout.size);
      lab.poke(at + BigInt(layout.func), 8, p.func);
      lab.poke(at + BigInt(layout.data), 8, p.data);
      lab.poke(at + BigInt(layout.prio), 4, BigInt(p.prio));
    });
    lab.poke(funcs, 8, array);
  }
  return { key, plan: { name, funcs, iterator, branch, layout, arrays: all.slice(initial.length > 0 ? 1 : 0), initial } };
}

/** The registering core: the steps of the chain by the rules of the variant. */
function* register(
  lab: Lab,
  variant: TracepointVariant,
  kernels: Readonly<Record<TracepointName, Prepared>>,
  { wait, write }: { readonly wait: GracePeriods; readonly write: SiteWriter },
): Patcher {
  const snapshots = new TransitionSnapshots(wait);
  const rules = TRACEPOINT_RULES[variant.version];
  const tracepoint = (name: TracepointName): Tracepoint => {
    const { plan, key } = kernels[name];
    const switches = name === 'sched_switch' ? variant.switches : variant.otherSwitches;
    return new Tracepoint(plan, rules, { call: new StaticCall(key, write), write, snapshots }, switches);
  };
  const tracepoints = { sched_switch: tracepoint('sched_switch'), sched_waking: tracepoint('sched_waking') };
  const call = (name: string, ...args: bigint[]): Operation => ({ do: 'call', address: lab.symbol(name), args, what: name });
  function* perform(step: Step): Part {
    if (step === 'synchronize') yield { do: 'call', address: wait.synchronize, what: 'tracepoint_synchronize_unregister' };
    else if (step === 'unload') yield call('free_module');
    else if ('add' in step) yield* tracepoints[step.to ?? 'sched_switch'].add(funcOf(lab, step.add));
    else if ('remove' in step) yield* tracepoints[step.from ?? 'sched_switch'].remove(funcOf(lab, step.remove));
    else if ('gone' in step) yield call('probe_is_gone', lab.symbol(step.gone.data), lab.symbol(step.gone.func));
    else yield call('free_probe_data', lab.symbol(step.free.data));
  }
  for (const step of variant.chain.steps) yield* perform(step);
}

/** Registers the sites with what the patcher will write there, in order. What it writes does not depend on what it is answered. */
function addSites(world: World, kernels: Readonly<Record<TracepointName, Prepared>>, patcher: () => Patcher): void {
  const { lab } = world;
  const names = new Map<bigint, string>();
  for (const { plan, key } of Object.values(kernels)) {
    names.set(plan.branch.site, plan.branch.name);
    for (const site of [...key.sites, ...(key.trampoline === undefined ? [] : [key.trampoline])]) names.set(site.address, site.name);
  }
  const versions = new Map<bigint, Uint8Array[]>();
  const run = patcher();
  for (let next = run.next(); next.done !== true; next = run.next(0n)) {
    const op = next.value;
    if (op.do !== 'mark' || op.mark.kind !== 'begin') continue;
    const { site, bytes } = op.mark;
    const known = versions.get(site) ?? [lab.peek(site, bytes.length)];
    versions.set(site, [...known, bytes]);
  }
  for (const [address, all] of versions) {
    const site: Site = { name: names.get(address) as string, address, versions: all, final: all.length - 1 };
    world.sites.push(site);
  }
}
