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
export type Step = readonly ['tracepoint_probe_register' | 'tracepoint_probe_unregister' | 'unregister_in_atomic_context', ProbeName];

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
  /** Switches of the image: numbers, names of its numbers, or symbols. */
  readonly switches?: Readonly<Record<string, number | string>>;
  /** What must have happened in some run for an OK to count; default: a probe was called and kmalloc() failed. */
  readonly witnesses?: readonly string[];
}

/** Which kmalloc() of the removal fails: each one that func_remove() asks for. */
export function failRemovals(lab: Lab): void {
  const { address, size } = lab.image.symbol('func_remove');
  lab.configure({ fail_mode: lab.abi('FAIL_CALLER'), fail_caller: address, fail_caller_size: size });
}

/** A tracepoint with probes, victims that hit it, and core 0 that removes and adds probes while kmalloc() fails in func_remove(). */
export function unregisterWorld(image: Image, cell: Cell, registration: Registration, engine?: EngineName): World {
  const world = kernelWorld(image, cell, { engine });
  const { lab } = world;
  failRemovals(lab);
  for (const [name, value] of Object.entries(registration.switches ?? {})) {
    const wanted = typeof value === 'number' ? value : lab.image.hasSymbol(`ABI_${value}`) ? lab.abi(value) : lab.symbol(value);
    lab.configure({ [name]: wanted });
  }
  lab.configure({ exception_fn: lab.symbol('handle_cfi_failure') });
  world.add({ core: 0, entry: 'patcher_stub', patcher: () => registrar(lab, registration) });
  const hits = Array.from({ length: registration.hits ?? 1 }, () => `trace_${registration.reader ?? 'event'}`);
  addTasks(world, cell, ['await_probes', ...hits]);
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
