import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { TextpokeError } from '../../src/error.ts';
import { GPR_NAMES } from '../../src/isa/core-state.ts';
import { FORMAT_HINT, parseRecord, type RawVector } from './raw-vector.ts';

/** Registers before a vector runs. */
export interface InState {
  readonly gpr: readonly bigint[];
  readonly rip: bigint;
  readonly rflags: bigint;
  readonly fsBase: bigint;
  readonly gsBase: bigint;
  readonly extended: Extended;
}

/** x87, MMX, SSE and AVX registers. Register contents are little-endian numbers. */
export interface Extended {
  /** YMM0 to YMM15, 256 bits each. */
  readonly ymm: readonly bigint[];
  /** ST(0) to ST(7), 80 bits each. */
  readonly st: readonly bigint[];
  readonly fcw: bigint;
  readonly fsw: bigint;
  /** One bit a physical register: in use. */
  readonly ftw: bigint;
  readonly mxcsr: bigint;
  readonly fop: bigint;
  readonly fip: bigint;
  readonly fdp: bigint;
}

/** One record of a vector file. */
export interface Vector {
  readonly id: string;
  readonly bytes: Uint8Array;
  /** 16- and 32-bit code: selectors of CS, SS, DS, ES, FS and GS. */
  readonly segments?: readonly number[];
  readonly before: InState;
  /** Of what saves and restores state: FOP, FIP and FDP are compared, and x87 registers that are empty. */
  readonly isImage?: boolean;
  /** Initial memory: address and bytes; all other data memory is 0. */
  readonly memory: readonly (readonly [bigint, Uint8Array])[];
  /** Registers that change, by the format's names: rax to r15, rip, fl, sel, fsb, gsb, and those of x87 and SSE. */
  readonly out: ReadonlyMap<string, string>;
  /** Memory that changes. */
  readonly memoryOut: readonly (readonly [bigint, Uint8Array])[];
  readonly exception?: { readonly vector: number; readonly errorCode: bigint; readonly cr2: bigint | undefined };
  /** RFLAGS bits that are undefined for this instance. */
  readonly undefinedFlags: bigint;
  /** Bits of the x87 status word that are defined. */
  readonly statusMask: bigint;
  /** The result is an approximation, or a destination is undefined: not every register can be compared. */
  readonly notes: readonly string[];
  readonly steps: number | undefined;
  /** Runs on, instruction after instruction, until something is raised: RFLAGS count as a whole. */
  readonly runs?: boolean;
}

interface Background {
  readonly gpr: readonly string[];
  readonly ymm: readonly string[];
  readonly st: readonly string[];
  readonly fl: string;
}

const hex = (text: string): bigint => BigInt(`0x${text}`);
/** Bytes in the order of memory as a number. */
export const littleEndian = (text: string): bigint => hex((text.match(/../g) ?? []).reverse().join('') || '0');
const hexBytes = (text: string): Uint8Array => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const runs = (list: RawVector['m']) => (list ?? []).map(([address, bytes]) => [hex(address), hexBytes(bytes)] as const);

/** What vector files end with: compressed ones, and those that somebody has written by hand. */
const SUFFIXES = ['.jsonl.gz', '.jsonl'] as const;
const BACKGROUNDS = 'bg.json';

/** A directory of vector files. Throws E_USAGE where there is none, E_FILE where one is damaged. */
export class VectorDirectory {
  readonly path: string;
  readonly classes: readonly string[];
  readonly #files: ReadonlyMap<string, string>;
  readonly #backgrounds: readonly Background[];

  constructor(path: string) {
    this.path = path;
    this.#files = filesIn(path);
    this.classes = [...this.#files.keys()];
    if (this.classes.length === 0) {
      throw new TextpokeError('E_USAGE', `no vector files (*${SUFFIXES.join(', *')})`, {
        where: path,
        hint: 'name a directory in the format of fixtures/silicon',
      });
    }
    this.#backgrounds = backgroundsIn(path);
  }

  /** The records of a class whose id starts with `prefix`. */
  read(name: string, prefix = ''): Vector[] {
    const file = this.#files.get(name) ?? name + SUFFIXES[0];
    const lines = textOf(this.path, file).split('\n');
    return lines.flatMap((line, n) => {
      if (line.trim() === '') return [];
      const raw = parseRecord(line, `${join(this.path, file)}:${n + 1}`, this.#backgrounds.length);
      return raw.id.startsWith(prefix) ? [vectorOf(raw, this.#backgrounds[raw.g]!)] : [];
    });
  }
}

/** Vector files by their classes. */
function filesIn(path: string): Map<string, string> {
  try {
    const files = readdirSync(path).sort();
    return new Map(
      files.flatMap((file) => {
        const suffix = SUFFIXES.find((s) => file.endsWith(s));
        return suffix === undefined ? [] : [[file.slice(0, -suffix.length), file] as const];
      }),
    );
  } catch (error) {
    const isFile = (error as NodeJS.ErrnoException).code === 'ENOTDIR';
    const reason = isFile ? 'it is a file' : error instanceof Error ? error.message : String(error);
    throw new TextpokeError('E_USAGE', `cannot read the directory: ${reason}`, {
      where: path,
      ...(isFile && { hint: 'name the directory that it is in, and its class with --class' }),
    });
  }
}

function backgroundsIn(path: string): Background[] {
  const fail = (why: string): never => {
    throw new TextpokeError('E_FILE', `${BACKGROUNDS} ${why}`, {
      where: path,
      hint: `it has the registers that records begin with: copy fixtures/silicon/${BACKGROUNDS}`,
    });
  };
  let list: unknown;
  try {
    list = JSON.parse(readFileSync(join(path, BACKGROUNDS), 'utf8'));
  } catch (error) {
    return fail(error instanceof SyntaxError ? 'is no JSON' : 'cannot be read');
  }
  const isHex = (value: unknown): boolean => typeof value === 'string' && /^[0-9a-f]+$/i.test(value);
  const isFile = (file: Partial<Background> | null): boolean =>
    isHex(file?.fl) &&
    ([file?.gpr, file?.ymm] as const).every((r) => Array.isArray(r) && r.length === 16 && r.every(isHex)) &&
    Array.isArray(file?.st) &&
    file.st.length === 8 &&
    file.st.every(isHex);
  if (!Array.isArray(list) || !list.every(isFile)) return fail('has no register files: gpr, ymm, st and fl of each');
  return list as Background[];
}

function textOf(path: string, file: string): string {
  try {
    const bytes = readFileSync(join(path, file));
    return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TextpokeError('E_FILE', `cannot read it: ${reason}`, { where: join(path, file), hint: FORMAT_HINT });
  }
}

/** Selectors as they are written: hexadecimal with dots between them. */
const selectorsOf = (text: string): number[] => text.split('.').map((selector) => Number.parseInt(selector, 16));

/** What general register `n` of a background is in 16- and 32-bit code. */
export const narrowed = (n: number, value: bigint): bigint => (n < 8 ? value & 0xffffffffn : 0n);

/** What a record says. */
export function vectorOf(raw: RawVector, background: Background): Vector {
  const value = (name: string, otherwise: string): bigint => hex(raw.in[name] ?? otherwise);
  return {
    id: raw.id,
    bytes: hexBytes(raw.b),
    ...(raw.s !== undefined && { segments: selectorsOf(raw.s) }),
    before: {
      gpr: GPR_NAMES.map((name, n) => (raw.s === undefined ? value(name, background.gpr[n]) : narrowed(n, value(name, background.gpr[n])))),
      rip: hex(raw.ip),
      rflags: value('fl', background.fl),
      fsBase: value('fsb', '0'),
      gsBase: value('gsb', '0'),
      extended: {
        ymm: background.ymm.map((text, n) => littleEndian(raw.in[`y${n}`] ?? text)),
        st: background.st.map((text, n) => littleEndian(raw.in[`st${n}`] ?? text)),
        fcw: value('fcw', '37f'),
        fsw: value('fsw', '0'),
        ftw: value('ftw', '0'),
        mxcsr: value('mx', '1f80'),
        fop: value('fop', '0'),
        fip: value('fip', '0'),
        fdp: value('fdp', '0'),
      },
    },
    ...(raw.in.fip !== undefined && { isImage: true }),
    memory: runs(raw.m),
    out: new Map(Object.entries(raw.out)),
    memoryOut: runs(raw.mo),
    ...(raw.x && { exception: { vector: raw.x.v, errorCode: hex(raw.x.e), cr2: raw.x.cr2 === undefined ? undefined : hex(raw.x.cr2) } }),
    undefinedFlags: hex(raw.uf ?? '0'),
    statusMask: hex(raw.fm ?? 'ffff'),
    notes: raw.n ?? [],
    steps: raw.steps,
    ...(raw.run !== undefined && { runs: true }),
  };
}
