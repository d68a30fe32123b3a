import { type Command, Option } from 'commander';
import { TextpokeError } from '../error.ts';
import { ALL_FETCH_POLICY_NAMES } from '../machine/policy/index.ts';
import type { AnyFetchPolicyName } from '../machine/policy/policy.ts';
import { didYouMean } from '../suggest.ts';
import type { Io } from './io.ts';
import { memorySize, oneOf, type ParseValue, seconds, someText, wholeNumber } from './values.ts';

/** How instructions run. The help names what this version has; the rest is refused with a message of its own. */
export const ENGINES = ['reference', 'interpreter', 'region'] as const;
/** How orders are tried; the help likewise. */
export const SEARCHES = ['stateful', 'dpor', 'ladder', 'pct', 'twin'] as const;
/** The data memory models. */
export const MEMORY_MODELS = ['sc', 'tso'] as const;
/** The instruction fetch policies, each allowing all that the ones before it allow; then one to learn from, which is in no row of the matrix. */
export const FETCH_POLICIES: readonly AnyFetchPolicyName[] = ALL_FETCH_POLICY_NAMES;

/** What the shared flags say after flag, environment and config file were looked at, in this order. Undefined: nobody said anything. */
export interface SharedFlags {
  readonly cores: number | undefined;
  readonly memory: (typeof MEMORY_MODELS)[number] | undefined;
  readonly fetch: AnyFetchPolicyName | undefined;
  readonly engine: (typeof ENGINES)[number] | undefined;
  readonly search: (typeof SEARCHES)[number] | undefined;
  /** Unsigned, 32 bits. Always printed, with `seedIsDefault` saying that nobody chose it. */
  readonly seed: number;
  readonly seedIsDefault: boolean;
  readonly maxSeconds: number | undefined;
  readonly maxSteps: number | undefined;
  /** Bytes. */
  readonly maxMemory: number | undefined;
  readonly jobs: number | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** False after --no-color; the environment and the terminal still have a say (style.ts). */
  readonly color: boolean;
  /** Columns that text output may use. */
  readonly width: number;
  /** A file for what else goes to stdout. */
  readonly out: string | undefined;
}

interface ValueFlag<T> {
  /** As in the help: `--memory sc|tso`. */
  readonly usage: string;
  readonly parse: ParseValue<T>;
  readonly env?: string;
  /** False for what is understood, but not there in this version. */
  readonly inHelp?: boolean;
}

const values = {
  memory: { usage: `--memory ${MEMORY_MODELS.join('|')}`, parse: oneOf(...MEMORY_MODELS) },
  fetch: { usage: `--fetch ${FETCH_POLICIES.join('|')}`, parse: oneOf(...FETCH_POLICIES) },
  cores: { usage: '--cores N', parse: wholeNumber(1, 64) },
  engine: { usage: '--engine reference|interpreter|region', parse: oneOf(...ENGINES) },
  search: { usage: '--search stateful|dpor|twin|ladder|pct', parse: oneOf(...SEARCHES) },
  seed: { usage: '--seed N', parse: wholeNumber(0, 0xffff_ffff), env: 'TEXTPOKE_SEED' },
  maxSeconds: { usage: '--max-seconds N', parse: seconds },
  maxSteps: { usage: '--max-steps N', parse: wholeNumber(1) },
  maxMemory: { usage: '--max-memory N[K|M|G]', parse: memorySize },
  jobs: { usage: '--jobs N', parse: wholeNumber(1, 1024), env: 'TEXTPOKE_JOBS' },
  width: { usage: '--width N', parse: wholeNumber(40, 1000) },
  out: { usage: '--out FILE', parse: someText },
} satisfies Record<string, ValueFlag<unknown>>;

type ValueName = keyof typeof values;

/** The groups in which a verb takes the shared flags, and the help shows them. */
const FLAG_GROUPS = {
  Model: ['memory', 'fetch'],
  Machine: ['cores', 'engine'],
  Engine: ['engine'],
  Search: ['search', 'seed', 'jobs'],
  Budget: ['maxSeconds', 'maxSteps', 'maxMemory'],
} as const satisfies Record<string, readonly ValueName[]>;

export type FlagGroup = keyof typeof FLAG_GROUPS;

const SWITCHES = ['--json', '--quiet', '--verbose', '--no-color'] as const;

/** The flags of one group as the help shows them. 'Output' is taken by every verb. */
export function usagesOf(group: FlagGroup | 'Output'): string[] {
  if (group !== 'Output') {
    const flags: readonly ValueFlag<unknown>[] = FLAG_GROUPS[group].map((name) => values[name]);
    return flags.filter(({ inHelp }) => inHelp !== false).map(({ usage }) => usage);
  }
  return [...SWITCHES, values.width.usage, values.out.usage, '--config FILE'];
}

/** Lets `command` take the flags of these groups and the output flags. The help shows them as groups, so they are hidden as options. */
export function takeFlags(command: Command, groups: readonly FlagGroup[]): void {
  const names = new Set<ValueName>([...groups.flatMap((group) => [...FLAG_GROUPS[group]]), 'width', 'out']);
  for (const name of names) {
    const [flag, value] = values[name].usage.split(' ');
    command.addOption(new Option(`${flag} <${value}>`).hideHelp());
  }
  for (const flag of [...SWITCHES, '--config <FILE>']) command.addOption(new Option(flag).hideHelp());
}

function flagOf(name: ValueName): string {
  return values[name].usage.split(' ')[0] ?? name;
}

/** The config file: a JSON object whose keys are the flags' names in camelCase. Throws E_USAGE. */
function readConfig(path: string, io: Io): ReadonlyMap<string, string> {
  const bad = (message: string, hint?: string): TextpokeError =>
    new TextpokeError('E_USAGE', `config file: ${message}`, { where: path, ...(hint !== undefined && { hint }) });
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(io.readFile(path)));
  } catch (error) {
    throw bad(error instanceof Error ? error.message : String(error), 'a JSON object such as {"fetch": "zen3", "maxSteps": 5000000}');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw bad('it holds no JSON object');
  const config = new Map<string, string>();
  for (const [key, value] of Object.entries(parsed)) {
    if (!Object.hasOwn(values, key)) throw bad(`unknown key '${key}'`, didYouMean(key, Object.keys(values)));
    if (typeof value !== 'string' && typeof value !== 'number') throw bad(`'${key}' is neither a number nor a text`);
    config.set(key, String(value));
  }
  return config;
}

/** The shared flags of a parsed command: flag before environment before config file before default. Throws E_USAGE. */
export function readFlags(command: Command, io: Io): SharedFlags {
  const given = command.opts<Record<string, string | boolean | undefined>>();
  const config = typeof given.config === 'string' ? readConfig(given.config, io) : new Map<string, string>();
  const taken = new Set(command.options.map((option) => option.attributeName()));

  function read<T>(name: ValueName, flag: ValueFlag<T>): T | undefined {
    if (!taken.has(name)) return undefined;
    const own = given[name];
    if (typeof own === 'string') return flag.parse(own, flagOf(name));
    const inherited = flag.env === undefined ? undefined : io.env[flag.env];
    if (flag.env !== undefined && inherited !== undefined && inherited !== '') return flag.parse(inherited, flag.env);
    const configured = config.get(name);
    return configured === undefined ? undefined : flag.parse(configured, `'${name}' in ${String(given.config)}`);
  }

  const seed = read('seed', values.seed);
  return {
    cores: read('cores', values.cores),
    memory: read('memory', values.memory),
    fetch: read('fetch', values.fetch),
    engine: read('engine', values.engine),
    search: read('search', values.search),
    seed: seed ?? 1,
    seedIsDefault: seed === undefined,
    maxSeconds: read('maxSeconds', values.maxSeconds),
    maxSteps: read('maxSteps', values.maxSteps),
    maxMemory: read('maxMemory', values.maxMemory),
    jobs: read('jobs', values.jobs),
    json: given.json === true,
    quiet: given.quiet === true,
    verbose: given.verbose === true,
    color: given.color !== false,
    width: read('width', values.width) ?? 80,
    out: read('out', values.out),
  };
}
