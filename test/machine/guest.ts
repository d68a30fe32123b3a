import type { Checker } from '../../src/explore/checker.ts';
import { Knowledge } from '../../src/explore/knowledge.ts';
import { type StatefulOptions, type StatefulOutcome, searchStates } from '../../src/explore/stateful.ts';
import { World } from '../../src/explore/world.ts';
import { type Assembler, loadAssembler } from '../../src/image/assembler/index.ts';
import { Image } from '../../src/image/image.ts';
import type { EngineName } from '../../src/machine/machine.ts';
import { fetchPolicy } from '../../src/machine/policy/index.ts';
import type { AnyFetchPolicy } from '../../src/machine/policy/policy.ts';
import { lab } from '../fixtures/lab.ts';

/** Where a guest program's text and data lie: behind the lab kernel, on pages of their own. */
const TEXT = 0xffffffff81020000n;
const DATA = 0xffffffff81030000n;
const KERNEL_BASE = 0xffffffff80000000n;
/** What turns an executable address into its write alias (the direct map). */
const ALIAS_DELTA = BigInt.asUintN(64, 0xffff888000000000n - KERNEL_BASE);

const assembler: Assembler = await loadAssembler();

/** Puts the write alias of `label` into `register`; `scratch` is lost. */
export const alias = (label: string, register: string, scratch: string): string =>
  `leaq ${label}(%rip), ${register}\nmovabsq $0x${ALIAS_DELTA.toString(16)}, ${scratch}\naddq ${scratch}, ${register}`;

/**
 * The lab kernel with a program beside it. Labels are entries for actors; `vars` are quadwords of zero, each in a cache line of its own
 * (name: offset into its line). A program ends with `jmp cpu_idle`.
 */
export function guestImage(source: string, vars: Readonly<Record<string, number>> = {}): Image {
  const names = Object.keys(vars);
  const at = (name: string): bigint => DATA + BigInt(64 * 2 * names.indexOf(name) + (vars[name] as number));
  const symbols = new Map<string, bigint>([['cpu_idle', lab.symbol('cpu_idle').address], ...names.map((n) => [n, at(n)] as const)]);
  const assembled = assembler.assemble(source, { address: TEXT, symbols });
  const page = (address: bigint, bytes: Uint8Array, executable: boolean) => ({
    address,
    physical: address - KERNEL_BASE,
    bytes,
    memorySize: 8192,
    readable: true,
    writable: true,
    executable,
  });
  const label = (name: string, address: bigint) => ({ name, address, size: 0, kind: 'label' }) as const;
  return new Image({
    segments: [...lab.segments, page(TEXT, assembled.bytes, true), page(DATA, new Uint8Array(0), false)],
    entry: lab.entry,
    symbols: [
      ...lab.symbols,
      ...[...assembled.symbols].filter(([n]) => n !== 'cpu_idle').map(([n, a]) => label(n, a)),
      ...names.map((n) => label(n, at(n))),
    ],
  });
}

export interface GuestModels {
  readonly memory: 'sc' | 'tso';
  readonly fetch: string | AnyFetchPolicy;
  readonly engine?: EngineName;
}

/** A world of the lab for `cores` cores, without checkers and actors. */
export function guestWorld(image: Image, cores: number, models: GuestModels): World {
  const policy = typeof models.fetch === 'string' ? fetchPolicy(models.fetch) : models.fetch;
  if (policy === undefined) throw new RangeError(`no fetch policy ${String(models.fetch)}`);
  const engine = models.engine === undefined ? {} : { engine: models.engine };
  const world = new World(image, { cores, explore: { memory: models.memory, fetch: policy }, ...engine });
  world.lab.configure({ ncpus: cores });
  world.wantedWitnesses = [];
  return world;
}

/** Collects what `look` says at the end of every run, and every death; finds nothing wrong itself. */
export function collector(into: Set<string>, look: (world: World) => string): Checker {
  return {
    name: 'collector',
    onEvent(event) {
      if (event.kind === 'die') into.add(`CPU${event.core} dies of ${event.reason}`);
    },
    atEnd: (world) => void into.add(look(world)),
  };
}

export interface Explored {
  readonly world: World;
  readonly knowledge: Knowledge;
  readonly outcome: StatefulOutcome;
}

/** Explores the whole graph of the worlds that `make` builds, from new until nothing more is learned. `fresh` runs before each search. */
export function wholeGraph(make: () => World, options: StatefulOptions = {}, fresh: () => void = () => {}): Explored {
  const knowledge = new Knowledge();
  for (let round = 0; round < 24; round++) {
    const world = make();
    world.begin(knowledge);
    fresh();
    const before = knowledge.size;
    const outcome = searchStates(world, { wholeGraph: true, learnFor: 3000, ...options });
    // Sharing may show while the cores run to their base state, before the search: what counts is whether anything is new.
    knowledge.learn(world.machine, world.sharable);
    if (knowledge.size === before) return { world, knowledge, outcome };
    world.release();
  }
  throw new Error('the search learns for ever');
}

/** Final states of a program: one core for each entry, `look` names what counts of a state. */
export function finalStates(image: Image, entries: readonly string[], models: GuestModels, look: (world: World) => string): string[] {
  const states = new Set<string>();
  const { outcome, world } = wholeGraph(
    () => {
      const world = guestWorld(image, entries.length, models);
      world.checkers.push(collector(states, look));
      entries.forEach((entry, core) => world.add({ core, entry }));
      return world;
    },
    {},
    () => states.clear(),
  );
  if (outcome.violations.length > 0) throw new Error(outcome.violations.map((v) => v.message).join('\n'));
  world.release();
  return [...states].sort();
}
