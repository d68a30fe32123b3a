import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { TextpokeError } from '../../src/error.ts';
import { GPR_NAMES } from '../../src/isa/core-state.ts';

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
}

/** One record of a vector file. */
export interface Vector {
  readonly id: string;
  readonly bytes: Uint8Array;
  /** 16- and 32-bit code: selectors of CS, SS, DS, ES, FS and GS. */
  readonly segments?: readonly number[];
  readonly before: InState;
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
}

interface Background {
  readonly gpr: readonly string[];
  readonly ymm: readonly string[];
  readonly st: readonly string[];
  readonly fl: string;
}

interface RawVector {
  id: string;
  b: string;
  ip: string;
  s?: string;
  g: number;
  in: Record<string, string>;
  m?: [string, string][];
  out: Record<string, string>;
  mo?: [string, string][];
  x?: { v: number; e: string; cr2?: string };
  uf?: string;
  fm?: string;
  n?: string[];
  steps?: number;
}

const hex = (text: string): bigint => BigInt(`0x${text}`);
/** Bytes in the order of memory as a number. */
export const littleEndian = (text: string): bigint => hex((text.match(/../g) ?? []).reverse().join('') || '0');
const hexBytes = (text: string): Uint8Array => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const runs = (list: [string, string][] | undefined) => (list ?? []).map(([address, bytes]) => [hex(address), hexBytes(bytes)] as const);

const SUFFIX = '.jsonl.gz';

/** A directory of vector files. Throws E_FILE or E_USAGE for what is not one. */
export class VectorDirectory {
  readonly path: string;
  readonly classes: readonly string[];
  readonly #backgrounds: Background[];

  constructor(path: string) {
    this.path = path;
    this.classes = classesIn(path);
    if (this.classes.length === 0) {
      throw new TextpokeError('E_USAGE', `no vector files (*${SUFFIX})`, {
        where: path,
        hint: 'name a directory in the format of fixtures/silicon',
      });
    }
    this.#backgrounds = JSON.parse(read(path, 'bg.json').toString('utf8')) as Background[];
  }

  /** The records of a class whose id starts with `prefix`. */
  read(name: string, prefix = ''): Vector[] {
    const lines = gunzipSync(read(this.path, name + SUFFIX))
      .toString('utf8')
      .split('\n');
    return lines
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as RawVector)
      .filter((raw) => raw.id.startsWith(prefix))
      .map((raw) => vectorOf(raw, this.#backgrounds[raw.g]));
  }
}

function classesIn(path: string): string[] {
  try {
    return readdirSync(path)
      .filter((name) => name.endsWith(SUFFIX))
      .map((name) => name.slice(0, -SUFFIX.length))
      .sort();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TextpokeError('E_USAGE', `cannot read the directory: ${reason}`, { where: path });
  }
}

function read(directory: string, name: string): Buffer {
  try {
    return readFileSync(join(directory, name));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TextpokeError('E_USAGE', `cannot read ${name}: ${reason}`, { where: directory });
  }
}

/** Selectors as they are written: hexadecimal with dots between them. */
export const selectorsOf = (text: string): number[] => text.split('.').map((selector) => Number.parseInt(selector, 16));

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
      },
    },
    memory: runs(raw.m),
    out: new Map(Object.entries(raw.out)),
    memoryOut: runs(raw.mo),
    ...(raw.x && { exception: { vector: raw.x.v, errorCode: hex(raw.x.e), cr2: raw.x.cr2 === undefined ? undefined : hex(raw.x.cr2) } }),
    undefinedFlags: hex(raw.uf ?? '0'),
    statusMask: hex(raw.fm ?? 'ffff'),
    notes: raw.n ?? [],
    steps: raw.steps,
  };
}
