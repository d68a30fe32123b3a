import { TextpokeError } from '../../src/error.ts';
import { GPR_NAMES } from '../../src/isa/core-state.ts';

/** A record as its line has it: the keys are those of fixtures/silicon/README.md. */
export interface RawVector {
  readonly id: string;
  readonly b: string;
  readonly ip: string;
  readonly s?: string;
  readonly g: number;
  readonly in: Readonly<Record<string, string>>;
  readonly m?: readonly (readonly [string, string])[];
  readonly out: Readonly<Record<string, string>>;
  readonly mo?: readonly (readonly [string, string])[];
  readonly x?: { readonly v: number; readonly e: string; readonly cr2?: string };
  readonly uf?: string;
  readonly fm?: string;
  readonly n?: readonly string[];
  readonly steps?: number;
  readonly run?: number;
}

/** Where the format is written down. */
export const FORMAT_HINT = 'fixtures/silicon/README.md has the format';

const numbered = (letters: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${letters}${n}`);
/** Registers of the format whose values are numbers, and those whose values are bytes in the order of memory, with how many. */
const WORDS = new Set<string>([...GPR_NAMES, 'rip', 'fl', 'fsb', 'gsb', 'fcw', 'fsw', 'ftw', 'fop', 'fip', 'fdp', 'mx']);
const BYTES = new Map([...numbered('y', 16).map((name) => [name, 32] as const), ...numbered('st', 8).map((name) => [name, 10] as const)]);
const KEYS = new Set(['id', 'b', 'ip', 's', 'g', 'in', 'm', 'out', 'mo', 'x', 'uf', 'fm', 'n', 'steps', 'run']);
/** The longest run of bytes of a record: those of class len have 16. */
const MOST_BYTES = 32;

const isNumber = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{1,16}$/i.test(value);
const isBytes = (value: unknown): value is string => typeof value === 'string' && /^(?:[0-9a-f]{2})+$/i.test(value);
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** One line of a vector file. Throws E_FILE that says which line and which key is wrong. `backgrounds`: how many register files there are. */
export function parseRecord(line: string, where: string, backgrounds: number): RawVector {
  const fail = (message: string): never => {
    throw new TextpokeError('E_FILE', message, { where, hint: FORMAT_HINT });
  };
  let raw: unknown;
  try {
    raw = JSON.parse(line);
  } catch {
    return fail('the line is no JSON');
  }
  if (!isObject(raw)) return fail('the line is no JSON object');
  const unknown = Object.keys(raw).find((key) => !KEYS.has(key));
  if (unknown !== undefined) return fail(`there is no key '${unknown}'`);
  const { id, b, ip, s, g, in: before = {}, out = {}, m, mo, x, uf, fm, n, steps, run } = raw;
  const text = (value: unknown): string => JSON.stringify(value) ?? 'nothing';
  const check = (key: string, value: unknown, wanted: string, good: boolean): void => {
    if (!good) fail(`${key} is ${text(value)}: it must be ${wanted}`);
  };
  const optional = (key: string, value: unknown, wanted: string, good: (value: unknown) => boolean): void =>
    check(key, value, wanted, value === undefined || good(value));
  check('id', id, 'a text', typeof id === 'string' && id !== '');
  check('b', b, 'the bytes of an instruction in hexadecimal', isBytes(b) && b.length <= 2 * MOST_BYTES);
  check('ip', ip, 'an address in hexadecimal', isNumber(ip));
  check(
    'g',
    g,
    `the number of a register file of bg.json, less than ${backgrounds}`,
    Number.isInteger(g) && (g as number) >= 0 && (g as number) < backgrounds,
  );
  optional(
    's',
    s,
    'six selectors in hexadecimal with dots between them',
    (v) => typeof v === 'string' && /^[0-9a-f]{1,4}(?:\.[0-9a-f]{1,4}){5}$/i.test(v),
  );
  for (const [side, registers] of [
    ['in', before],
    ['out', out],
  ] as const) {
    if (!isObject(registers)) return fail(`${side} is no object`);
    for (const [name, value] of Object.entries(registers)) {
      const length = BYTES.get(name);
      if (length !== undefined)
        check(`${side}.${name}`, value, `${length} bytes in hexadecimal`, isBytes(value) && value.length === 2 * length);
      else if (WORDS.has(name)) check(`${side}.${name}`, value, 'a number in hexadecimal', isNumber(value));
      // Selectors that changed.
      else if (side === 'in' || name !== 'sel') fail(`there is no register '${name}' (${side})`);
    }
  }
  for (const [key, list] of [
    ['m', m],
    ['mo', mo],
  ] as const) {
    const good = (v: unknown): boolean =>
      Array.isArray(v) && v.every((run) => Array.isArray(run) && run.length === 2 && isNumber(run[0]) && isBytes(run[1]));
    optional(key, list, 'pairs of an address and bytes, in hexadecimal', good);
  }
  const isException = (v: unknown): boolean =>
    isObject(v) && Number.isInteger(v.v) && isNumber(v.e) && (v.cr2 === undefined || isNumber(v.cr2));
  optional('x', x, 'an exception: v, e and, of a page fault, cr2', isException);
  for (const [key, mask] of Object.entries({ uf, fm })) optional(key, mask, 'a mask in hexadecimal', isNumber);
  optional('n', n, 'a list of notes', (v) => Array.isArray(v) && v.every((note) => typeof note === 'string'));
  optional('steps', steps, 'a number of iterations', (v) => Number.isInteger(v) && (v as number) >= 0);
  optional('run', run, '1', (v) => v === 1);
  return { ...raw, in: before, out } as unknown as RawVector;
}
