import { TextpokeError } from '../../error.ts';
import type { Assembler } from '../../image/assembler/index.ts';
import type { Image } from '../../image/image.ts';
import type { Core } from '../../machine/core.ts';
import type { EngineName } from '../../machine/machine.ts';
import { fetchPolicy } from '../../machine/policy/index.ts';
import type { AnyFetchPolicyName } from '../../machine/policy/policy.ts';
import { death } from '../checkers/death.ts';
import { type ExploreOptions, explore } from '../explore.ts';
import type { Counts } from '../result.ts';
import { World } from '../world.ts';
import { holds, locationsOf } from './condition.ts';
import { asksFaults, FaultsTaken } from './faults.ts';
import { meaningOf, type Observed, observedAt } from './observed.ts';
import { litmusProgram, registerNamed } from './program.ts';
import { sharedVariables } from './shared.ts';
import type { LitmusTest, Location } from './syntax.ts';

export interface LitmusOptions {
  readonly memory?: 'sc' | 'tso';
  readonly fetch?: AnyFetchPolicyName;
  readonly engine?: EngineName;
  readonly budget?: ExploreOptions['budget'];
  /** Locations to tell final states by; default: those that the test names. */
  readonly locations?: readonly Location[];
}

/** The complete set of final states of a test, and the answer to its question. */
export interface LitmusResult {
  readonly test: LitmusTest;
  readonly locations: readonly Location[];
  /** One value a location, each state once, in order. */
  readonly states: readonly (readonly bigint[])[];
  /** Of the states, how many have the property of the condition. */
  readonly positive: number;
  readonly negative: number;
  /** Some run goes on for ever and never ends, though no thread and no store buffer is kept waiting for ever in it. */
  readonly endless: boolean;
  /** Bounds of the machine that some run reached: behind them there may be more final states. */
  readonly bounds: readonly string[];
  /** In some run a fetch could have returned two different instructions, which the policy does not allow code to lean on. */
  readonly codeRace: boolean;
  /** Undefined when every order was tried. */
  readonly stopped: string | undefined;
  readonly counts: Counts;
}

const CODE_RACE = 'code race';

const sameLocation = (a: Location, b: Location): boolean =>
  a.kind === 'register'
    ? b.kind === 'register' && a.thread === b.thread && registerNamed(a.register).number === registerNamed(b.register).number
    : a.kind === 'variable'
      ? b.kind === 'variable' && a.name === b.name && a.index === b.index
      : b.kind === 'fault' && a.thread === b.thread && a.vector === b.vector;

/** What a test shows of its final states: the locations of its question, then those that it lists. */
export function shownLocations(test: LitmusTest): Location[] {
  const out: Location[] = [];
  for (const location of [...locationsOf(test.condition.formula), ...test.locations])
    if (!out.some((known) => sameLocation(known, location))) out.push(location);
  return out;
}

/** Runs a test as machine code in every order that the models allow. Errors of the text or of a thread are `TextpokeError`. */
export function runLitmus(test: LitmusTest, lab: Image, assembler: Assembler, options: LitmusOptions = {}): LitmusResult {
  const program = litmusProgram(test, lab, assembler);
  const locations = options.locations ?? shownLocations(test);
  const named = [...locations];
  for (const l of [...locationsOf(test.condition.formula), ...(test.filter === undefined ? [] : locationsOf(test.filter))])
    if (!named.some((known) => sameLocation(known, l))) named.push(l);
  const addressOf = (name: string): bigint => program.image.symbol(name).address;
  const places = named.map((l) => observedAt(test, program.variables, addressOf, l));
  const found = new Map<string, readonly bigint[]>();
  let died: string | undefined;
  let last: World | undefined;
  const faults = asksFaults(test) ? new FaultsTaken() : undefined;
  const make = (): World => {
    // A search that still learns what is shared takes orders that there are not: only the last one counts, which knew from its start.
    found.clear();
    died = undefined;
    const policy = fetchPolicy(options.fetch ?? 'coherent');
    const world = new World(program.image, {
      cores: test.threads.length,
      explore: { memory: options.memory ?? 'tso', fetch: policy },
      ...(options.engine === undefined ? {} : { engine: options.engine }),
    });
    last = world;
    world.wantedWitnesses = [];
    world.lab.configure({ ncpus: test.threads.length, ...program.switches });
    if (faults !== undefined) world.checkers.push(faults);
    world.checkers.push(death, {
      name: 'final states',
      onEvent: (event, w) => {
        died ??= w.violations[0]?.message;
        if (event.kind === 'fetch' && event.race?.decides === true) w.witnessed.add(CODE_RACE);
      },
      atEnd: (w) => {
        const values = places.map((place) => meaningOf(place, rawAt(w, faults, place)));
        found.set(values.join(), values);
      },
    });
    test.threads.forEach((_, n) => world.add({ core: n, entry: `P${n}` }));
    return world;
  };
  // A violation that nothing has: every state counts, and none ends the search.
  const result = explore(make, {
    prefer: { check: 'assertion', cause: 'deadlock' },
    shrink: false,
    learned: sharedVariables(test, program),
    ...(options.budget === undefined ? {} : { budget: options.budget }),
  });
  const violation = result.counterexample?.violation;
  if (violation !== undefined && violation.cause !== 'livelock') died ??= violation.message;
  if (died !== undefined)
    throw new TextpokeError('E_GUEST', `a thread of ${test.name} cannot end: ${died}`, { hint: 'a litmus test ends in every order' });
  const reader = (values: readonly bigint[]) => (l: Location) => values[named.findIndex((n) => sameLocation(n, l))] as bigint;
  const kept = [...found.values()].filter((v) => test.filter === undefined || holds(test.filter, reader(v), addressOf));
  const states = unique(kept.map((v) => v.slice(0, locations.length)));
  const positive = unique(kept.filter((v) => holds(test.condition.formula, reader(v), addressOf))).length;
  return {
    test,
    locations,
    states,
    positive,
    negative: kept.length - positive,
    endless: violation?.cause === 'livelock',
    bounds: last?.bounds() ?? [],
    codeRace: last?.witnessed.has(CODE_RACE) === true,
    stopped: result.stopped,
    counts: result.counts,
  };
}

function unique(states: readonly (readonly bigint[])[]): (readonly bigint[])[] {
  const all = [...new Map(states.map((s) => [s.join(), s])).values()];
  return all.sort((a, b) => {
    const at = a.findIndex((v, i) => v !== b[i]);
    return at < 0 ? 0 : (a[at] as bigint) < (b[at] as bigint) ? -1 : 1;
  });
}

/** What is found where a location is, at the end of a run: store buffers are empty by then. */
function rawAt(world: World, faults: FaultsTaken | undefined, observed: Observed): bigint {
  switch (observed.kind) {
    case 'register':
      return (world.machine.cores[observed.thread] as Core).gpr(observed.number);
    case 'memory':
      return world.lab.readLong(0, observed.address);
    case 'fault':
      return BigInt.asUintN(32, BigInt(faults?.of(world, observed.thread) ?? 0));
  }
}
