import type { World } from '../../explore/world.ts';
import type { Image } from '../../image/image.ts';
import type { Lab } from '../../kernel/lab.ts';
import type { EngineName } from '../../machine/machine.ts';
import type { Operation, Patcher } from '../../patch/operation.ts';
import { addTasks, kernelWorld } from '../kernel-world.ts';
import type { Cell } from '../scenario.ts';

/** The probes of fixtures/unregister; the text of `MODULE` can be freed, the last two have FineIBT's preamble. */
export type ProbeName = 'A' | 'B' | 'C' | 'MODULE' | 'FINEIBT_A' | 'FINEIBT_B';

/** What core 0 does: a function of fixtures/unregister and the probe that it is about. */
export type Step = readonly [
  'tracepoint_probe_register' | 'tracepoint_probe_unregister' | 'remove_only' | 'remove_in_atomic_context',
  ProbeName,
];

/** How a run of the family is set up. */
export interface Registration {
  /** Which reader the victims run: `trace_<reader>` and `__traceiter_<reader>`. Default: `event`. */
  readonly reader?: 'event' | 'reload' | 'sentinel' | 'sentinel_reload' | 'kcfi' | 'fineibt';
  /** Registered before the first hit, in the order of the array. */
  readonly probes: readonly ProbeName[];
  /** Behind that, while victims hit the tracepoint. */
  readonly steps: readonly Step[];
  /** Hits of each victim; default 1. */
  readonly hits?: number;
  /** For which removals there is no memory; default: all. */
  readonly fails?: 'all' | 'first' | 'none';
  /** Switches of the image: numbers, names of its numbers, or symbols. */
  readonly switches?: Readonly<Record<string, number | string>>;
  /** What must have happened in some run for an OK to count; default: a probe was called and kmalloc() failed. */
  readonly witnesses?: readonly string[];
}

/** Objects that the registration of a probe takes: its data and the array, twice where a spare one is put aside. */
const objectsOf = ({ switches }: Registration): number => (switches?.remove === 'REMOVE_HALVES' ? 3 : 2);

/** Makes kmalloc() fail where func_remove() asks, always or the first time. */
function failRemovals(lab: Lab, registration: Registration): void {
  const { fails = 'all', probes } = registration;
  if (fails === 'all') {
    const { address, size } = lab.image.symbol('func_remove');
    lab.configure({ fail_mode: lab.abi('FAIL_CALLER'), fail_caller: address, fail_caller_size: size });
  } else if (fails === 'first') {
    lab.configure({ fail_mode: lab.abi('FAIL_NTH'), fail_nth: probes.length * objectsOf(registration) + 1 });
  }
}

/** A tracepoint with probes, victims that hit it, and core 0 that removes and adds probes while kmalloc() fails in func_remove(). */
export function unregisterWorld(image: Image, cell: Cell, registration: Registration, engine?: EngineName): World {
  const world = kernelWorld(image, cell, { engine });
  const { lab } = world;
  failRemovals(lab, registration);
  for (const [name, value] of Object.entries(registration.switches ?? {})) {
    const wanted = typeof value === 'number' ? value : lab.image.hasSymbol(`ABI_${value}`) ? lab.abi(value) : lab.symbol(value);
    lab.configure({ [name]: wanted });
  }
  lab.configure({ exception_fn: lab.symbol('handle_cfi_failure') });
  world.add({ core: 0, entry: 'patcher_stub', patcher: () => registrar(lab, registration) });
  const hits = Array.from({ length: registration.hits ?? 1 }, () => `trace_${registration.reader ?? 'event'}`);
  addTasks(world, cell, ['await_probes', ...hits]);
  // Core 0 may use what it freed itself: one victim is enough to find that.
  if (cell.victims === 1) world.watch(lab.symbol('slab'), lab.image.symbol('slab').size);
  nameObjects(world, registration);
  world.wantedWitnesses = registration.witnesses ?? ['probe called', 'kmalloc fails'];
  return world;
}

function* registrar(lab: Lab, { probes, steps }: Registration): Patcher {
  const call = (what: string, ...args: bigint[]): Operation => ({ do: 'call', address: lab.symbol(what), args, what });
  const number = (probe: ProbeName): bigint => BigInt(lab.abi(`PROBE_${probe}`));
  for (const probe of probes) yield call('tracepoint_probe_register', number(probe));
  yield call('open_for_hits');
  for (const [what, probe] of steps) yield call(what, number(probe));
}

/** Traces call objects by what they are, and not by their place in the slab: they are taken in one order in every run. */
function nameObjects(world: World, registration: Registration): void {
  const { lab } = world;
  world.words.set(lab.symbol('event') + BigInt(lab.abi('TRACEPOINT_FUNCS')), 'event.funcs');
  const size = BigInt(lab.abi('SLAB_SIZE') + lab.abi('SLAB_REDZONE'));
  let next = lab.symbol('slab');
  let arrays = 0;
  const take = (name: string, header = 0): bigint => {
    const at = next + BigInt(header);
    world.objects.set(next, name).set(at, name);
    next += size;
    return at;
  };
  const takeArray = (name: string): void => {
    const at = take(name, lab.abi('TP_PROBES_HEADER'));
    for (let n = 0; (n + 1) * lab.abi('TP_SIZE') <= lab.abi('SLAB_SIZE') - lab.abi('TP_PROBES_HEADER'); n++) {
      for (const field of ['func', 'data', 'prio'])
        world.words.set(at + BigInt(n * lab.abi('TP_SIZE') + lab.abi(`TP_${field.toUpperCase()}`)), `${name}[${n}].${field}`);
    }
  };
  const added = (probe: ProbeName): void => {
    const data = `data_${probe.toLowerCase()}`;
    world.words.set(take(data), `${data}.owner`);
    takeArray(`array${++arrays}`);
    if (objectsOf(registration) === 3) takeArray(`array${arrays}_spare`);
  };
  registration.probes.forEach(added);
  let failures = registration.fails === 'none' ? 0 : registration.fails === 'first' ? 1 : Number.POSITIVE_INFINITY;
  for (const [what, probe] of registration.steps) {
    if (what === 'tracepoint_probe_register') added(probe);
    else if (failures-- <= 0) takeArray(`array${++arrays}`);
  }
}
