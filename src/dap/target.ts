import type { AssemblySyntax } from '../debug/disassemble.ts';
import { type Position, parsePosition } from '../debug/timeline/position.ts';
import { TextpokeError } from '../error.ts';
import type { EngineName } from '../machine/machine.ts';
import { ALL_FETCH_POLICY_NAMES } from '../machine/policy/index.ts';
import type { AnyFetchPolicyName } from '../machine/policy/policy.ts';
import { MAX_VICTIMS, type MemoryModel } from '../scenario/scenario.ts';
import { didYouMean } from '../suggest.ts';
import type { Fields } from './fields.ts';

/** What is to be debugged. */
export type What =
  | { readonly kind: 'token'; readonly token: string }
  /** A run of a scenario: the counterexample of a search, or the run of first answers. */
  | {
      readonly kind: 'scenario';
      readonly scenario: string;
      readonly variant: string | undefined;
      readonly victims: number | undefined;
      readonly fetch: AnyFetchPolicyName | undefined;
      readonly memory: MemoryModel | undefined;
      readonly sites: number | undefined;
      readonly calls: number | undefined;
      /** Transitions of the search; undefined: until it is settled. */
      readonly maxSteps: number | undefined;
    }
  /** A file alone on a machine. */
  | {
      readonly kind: 'program';
      readonly file: string;
      readonly cores: number;
      readonly entry: string | undefined;
      readonly base: bigint | undefined;
      /** It is a raw disk, whatever it looks like. */
      readonly isDisk: boolean;
      /** What a multiboot kernel is told. */
      readonly commandLine: string | undefined;
      readonly ramBytes: number;
    };

export interface Target {
  readonly what: What;
  readonly engine: EngineName | undefined;
  /** A file of scenarios. */
  readonly scenarios: string | undefined;
}

/** How a client wants to look at it. */
export interface Wishes {
  readonly stopOnEntry: boolean;
  /** Where to begin. */
  readonly at: Position | undefined;
  readonly noDebug: boolean;
  readonly sourceRoots: readonly string[];
  readonly syntax: AssemblySyntax;
}

const MAX_CORES = 64;
const RAM_MIB = 64;
/** What says what to debug, and how it runs. */
export const TARGET_NAMES = [
  'program',
  'token',
  'scenario',
  'variant',
  'cores',
  'fetch',
  'memory',
  'sites',
  'calls',
  'maxSteps',
  'entry',
  'base',
  'boot',
  'commandLine',
  'ram',
  'engine',
  'scenarios',
] as const;
/** Those that a program alone has. */
const PROGRAM_NAMES = ['entry', 'base', 'boot', 'commandLine', 'ram'] as const;
const WISH_NAMES = ['stopOnEntry', 'at', 'noDebug', 'sourceRoot', 'syntax'] as const;
/** All that a launch configuration can say. */
export const LAUNCH_ARGUMENTS: readonly string[] = [...TARGET_NAMES, ...WISH_NAMES];

/** What clients put into a launch configuration for themselves. */
const CLIENT_NAME =
  /^(_|\$|type$|request$|name$|preLaunchTask$|postDebugTask$|internalConsoleOptions$|presentation$|debugServer$|serverReadyAction$|cwd$|env$|args$|console$|trace$)/;

const isToken = (text: string): boolean => /\btp1_/.test(text);

const usage = (message: string, where: string, hint: string): TextpokeError => new TextpokeError('E_USAGE', message, { where, hint });

/** Reads a launch configuration. Throws `E_USAGE` for what it cannot mean. */
export function readTarget(fields: Fields): Target {
  const known = LAUNCH_ARGUMENTS;
  const unknown = fields.names.find((name) => !known.some((k) => k === name) && !CLIENT_NAME.test(name));
  if (unknown !== undefined)
    throw usage(`there is no launch argument '${unknown}'`, unknown, didYouMean(unknown, known) ?? `there are ${known.join(', ')}`);
  const engine = fields.oneOf('engine', ['reference', 'interpreter', 'region'] as const);
  return { what: readWhat(fields), engine, scenarios: fields.text('scenarios') };
}

/** Whether a configuration says what to debug. */
export const namesTarget = (fields: Fields): boolean => ['program', 'token', 'scenario'].some((name) => fields.has(name));

function readWhat(fields: Fields): What {
  const given = ['program', 'token', 'scenario'].filter((name) => fields.has(name));
  const [kind, another] = given;
  if (kind === undefined || another !== undefined) {
    throw usage(
      kind === undefined ? 'nothing says what to debug' : `'${kind}' and '${another}' cannot both be debugged`,
      'launch',
      'give one of "program" (a file), "token", or "scenario" with "variant"',
    );
  }
  const named = fields.needText(kind).trim();
  if (named === '') throw usage(`'${kind}' is empty`, kind, 'give one of "program" (a file), "token", or "scenario" with "variant"');
  if (kind === 'token' || (kind === 'program' && isToken(named))) {
    refuseOthers(fields, ['variant', 'cores', 'fetch', 'memory', 'sites', 'calls', 'maxSteps', ...PROGRAM_NAMES], 'a token says it all');
    const token = /\btp1_[\w-]+/.exec(named)?.[0];
    if (token === undefined)
      throw usage(`${JSON.stringify(named)} is no token`, kind, 'tokens begin with tp1_: textpoke explore prints them');
    return { kind: 'token', token };
  }
  if (kind === 'scenario') {
    refuseOthers(fields, PROGRAM_NAMES, 'that is for a program');
    const cores = fields.number('cores', 1, MAX_VICTIMS + 1);
    return {
      kind: 'scenario',
      scenario: named,
      variant: fields.text('variant'),
      victims: cores === undefined ? undefined : cores - 1,
      fetch: fields.oneOf('fetch', ALL_FETCH_POLICY_NAMES),
      memory: fields.oneOf('memory', ['sc', 'tso'] as const),
      sites: fields.number('sites', 1),
      calls: fields.number('calls', 1),
      maxSteps: fields.number('maxSteps', 1),
    };
  }
  refuseOthers(
    fields,
    ['variant', 'fetch', 'memory', 'sites', 'calls', 'maxSteps'],
    'that is for a scenario: a program alone runs coherent and in turns',
  );
  return {
    kind: 'program',
    file: named,
    cores: fields.number('cores', 1, MAX_CORES) ?? 1,
    entry: fields.text('entry'),
    base: fields.address('base'),
    isDisk: fields.flag('boot') ?? false,
    commandLine: fields.text('commandLine'),
    ramBytes: (fields.number('ram', 1, 4096) ?? RAM_MIB) << 20,
  };
}

function refuseOthers(fields: Fields, names: readonly string[], why: string): void {
  const found = names.find((name) => fields.has(name));
  if (found !== undefined) throw usage(`'${found}' does not fit here`, found, why);
}

export function readWishes(fields: Fields): Wishes {
  const at = fields.text('at');
  const root = fields.text('sourceRoot');
  return {
    stopOnEntry: fields.flag('stopOnEntry') ?? false,
    at: at === undefined ? undefined : parsePosition(at),
    noDebug: fields.flag('noDebug') ?? false,
    sourceRoots: root === undefined ? [] : [root],
    syntax: fields.oneOf('syntax', ['att', 'intel'] as const) ?? 'att',
  };
}

/** What a word on a command line means: a token, a file, or a scenario. */
export function targetOf(word: string): Record<string, unknown> {
  if (isToken(word)) return { token: word };
  // No scenario is called like this.
  const isFile = /\.(elf|bin|out|o|img|iso)$/i.test(word) || /^[./]/.test(word) || word.split('/').length > 2;
  return isFile ? { program: word } : { scenario: word };
}
