import { Mnemonic } from 'iced-x86';
import { X87_ALIASES, x87Meaning } from './x87.ts';

/** What a written mnemonic means. */
export interface Meaning {
  readonly mnemonic: string;
  /** Bits that the suffix or the name says. */
  readonly size?: number;
  /** Bits of the source operand of a widening move in AT&T syntax. */
  readonly sourceSize?: number;
  readonly wide?: boolean;
  /** `ljmp`, `lcall`: far, through memory. */
  readonly far?: boolean;
}

const KNOWN = new Set(
  Object.entries(Mnemonic).flatMap(([key, value]) => (typeof value === 'number' && value !== Mnemonic.INVALID ? [key.toLowerCase()] : [])),
);

/** Names of one condition: the decoder's first. */
const CONDITIONS: readonly (readonly string[])[] = [
  ['b', 'c', 'nae'],
  ['ae', 'nc', 'nb'],
  ['e', 'z'],
  ['ne', 'nz'],
  ['be', 'na'],
  ['a', 'nbe'],
  ['p', 'pe'],
  ['np', 'po'],
  ['l', 'nge'],
  ['ge', 'nl'],
  ['le', 'ng'],
  ['g', 'nle'],
];

const ALIASES = new Map<string, string>([
  ['sal', 'shl'],
  ['pushf', 'pushfq'],
  ['popf', 'popfq'],
  ['xlat', 'xlatb'],
  ['icebp', 'int1'],
  ['retn', 'ret'],
  ['retf', 'retf'],
  ['loopz', 'loope'],
  ['loopnz', 'loopne'],
  ['ud2a', 'ud2'],
  ['iretw', 'iret'],
  ['fwait', 'wait'],
  ...X87_ALIASES,
]);
for (const [first, ...others] of CONDITIONS) {
  for (const other of others) for (const stem of ['j', 'set', 'cmov']) ALIASES.set(stem + other, stem + first);
}

const SUFFIXES: Readonly<Record<string, number>> = { b: 8, w: 16, l: 32, q: 64 };

/** Names that GNU as has for AT&T syntax and that are not the manual's plus a suffix. */
const ATT = new Map<string, Meaning>([
  ['cbtw', { mnemonic: 'cbw' }],
  ['cwtl', { mnemonic: 'cwde' }],
  ['cltq', { mnemonic: 'cdqe' }],
  ['cwtd', { mnemonic: 'cwd' }],
  ['cltd', { mnemonic: 'cdq' }],
  ['cqto', { mnemonic: 'cqo' }],
  ['movslq', { mnemonic: 'movsxd', size: 64, sourceSize: 32 }],
  ['movabs', { mnemonic: 'mov', wide: true }],
  ['lret', { mnemonic: 'retf', size: 32 }],
  ['lretl', { mnemonic: 'retf', size: 32 }],
  ['lretq', { mnemonic: 'retf', size: 64 }],
  ['lretw', { mnemonic: 'retf', size: 16 }],
  ['ljmp', { mnemonic: 'jmp', far: true, size: 32 }],
  ['ljmpl', { mnemonic: 'jmp', far: true, size: 32 }],
  ['lcall', { mnemonic: 'call', far: true, size: 32 }],
  ['lcalll', { mnemonic: 'call', far: true, size: 32 }],
  ['movzb', { mnemonic: 'movzx', sourceSize: 8 }],
  ['movzw', { mnemonic: 'movzx', sourceSize: 16 }],
  ['iret', { mnemonic: 'iretd' }],
  ['iretl', { mnemonic: 'iretd' }],
  ['sysretl', { mnemonic: 'sysret' }],
  ['sysexitl', { mnemonic: 'sysexit' }],
  ['movsl', { mnemonic: 'movsd' }],
  ['stosl', { mnemonic: 'stosd' }],
  ['lodsl', { mnemonic: 'lodsd' }],
  ['scasl', { mnemonic: 'scasd' }],
  ['cmpsl', { mnemonic: 'cmpsd' }],
  ['insl', { mnemonic: 'insd' }],
  ['outsl', { mnemonic: 'outsd' }],
]);
for (const suffix of Object.keys(SUFFIXES)) ATT.set(`movabs${suffix}`, { mnemonic: 'mov', wide: true, size: SUFFIXES[suffix] ?? 0 });
for (const [from, to] of ['bw', 'bl', 'bq', 'wl', 'wq'].map((pair) => [pair[0] ?? '', pair[1] ?? ''] as const)) {
  const sizes = { size: SUFFIXES[to] ?? 0, sourceSize: SUFFIXES[from] ?? 0 };
  ATT.set(`movz${from}${to}`, { mnemonic: 'movzx', ...sizes });
  ATT.set(`movs${from}${to}`, { mnemonic: 'movsx', ...sizes });
}

const canonical = (name: string): string | undefined => {
  const mnemonic = ALIASES.get(name) ?? name;
  return KNOWN.has(mnemonic) ? mnemonic : undefined;
};

/** The widening moves that share their names with string instructions, and differ by having operands. */
const ATT_WIDENING = new Map<string, Meaning>([
  ['movsb', { mnemonic: 'movsx', sourceSize: 8 }],
  ['movsw', { mnemonic: 'movsx', sourceSize: 16 }],
  ['movsl', { mnemonic: 'movsxd', size: 64, sourceSize: 32 }],
]);

/**
 * What `name` (lower case) means in AT&T syntax with `operands` operands, of which one is a vector register when `vector` says so.
 * Undefined: no such instruction.
 */
export function attMeaning(name: string, operands: number, vector: boolean): Meaning | undefined {
  const special = (operands > 0 ? ATT_WIDENING.get(name) : undefined) ?? ATT.get(name);
  if (special && !vector) return special;
  const exact = canonical(name);
  // With general registers `movq` is `mov` of 64 bits; only with vector registers is it an instruction of its own.
  if (exact !== undefined && (vector || exact !== 'movq')) return { mnemonic: exact };
  const x87 = x87Meaning(name);
  if (x87 !== undefined) return x87;
  const stem = canonical(name.slice(0, -1));
  const size = SUFFIXES[name.slice(-1)];
  return stem !== undefined && size !== undefined ? { mnemonic: stem, size } : undefined;
}

/** What `name` (lower case) means in Intel syntax. */
export function intelMeaning(name: string): Meaning | undefined {
  if (name === 'movabs') return { mnemonic: 'mov', wide: true };
  if (name === 'iretw') return { mnemonic: 'iret' };
  if (name === 'iret') return { mnemonic: 'iretd' };
  if (name === 'retf') return { mnemonic: 'retf', size: 32 };
  if (name === 'retfq') return { mnemonic: 'retf', size: 64 };
  const mnemonic = canonical(name);
  return mnemonic === undefined ? undefined : { mnemonic };
}

/** Every name that an instruction may have, for suggestions. */
export const instructionNames = (): Iterable<string> => [...KNOWN, ...ATT.keys(), ...ALIASES.keys()];

/** True for instructions whose plain operand is a place to go to. */
export const isBranch = (mnemonic: string): boolean => /^(?:jmp|call|xbegin|jrcxz|jecxz|loop|loope|loopne|j[a-z]{1,2})$/.test(mnemonic);

/** True for the string instructions, whose operands are implied. */
export const isString = (mnemonic: string): boolean => /^(?:movs|stos|lods|scas|cmps|ins|outs)[bwdq]$/.test(mnemonic);
