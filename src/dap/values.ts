import { hexBytes } from '../debug/names.ts';
import type { DataType } from '../image/data-types.ts';
import { readLinear } from '../machine/look.ts';
import type { Value } from './expression.ts';
import type { Run } from './run.ts';

/** Bytes of memory are told one by one up to here. */
const MANY_BYTES = 16;
/** Numbers up to here are told in decimal alone. */
const SMALL = 10n;

export const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** A number as a person reads it: `5`, `0x1f (31)`, `0xffffffff81000740 <victim_main>`. */
export function sayNumber(run: Run, value: bigint, size: number, onlyHex = false): string {
  if (onlyHex) return hex(value);
  if (value < SMALL) return `${value}`;
  if (size === 8 && run.image.symbolAt(value) !== undefined) return `${hex(value)} <${run.code(value)}>`;
  const signed = BigInt.asIntN(8 * size, value);
  if (size > 1 && signed < 0n && signed > -4096n) return `${hex(value)} (${signed})`;
  return value < 1_000_000n ? `${hex(value)} (${value})` : hex(value);
}

/** A value with what it is: a struct or an array by its type, a number by its size, and what memory holds where the core's own stores wait. */
export function sayValue(run: Run, core: number, { value, size, address, type, register }: Value, onlyHex = false): string {
  if (register !== undefined || address === undefined) return sayNumber(run, value, size, onlyHex);
  if (type !== undefined && type.kind !== 'scalar' && type.kind !== 'pointer') return sayType(type);
  const on = run.core(core);
  if (size > 8) return sayBytes(readLinear(run.timeline.machine, on, address, Math.min(size, MANY_BYTES)), size);
  const text = sayNumber(run, value, size, onlyHex);
  const memory = readLinear(run.timeline.machine, on, address, size, 'memory').reduceRight((all, b) => (all << 8n) | BigInt(b), 0n);
  return memory === value ? text : `${text} (in the store buffer of CPU${core}; memory holds ${sayNumber(run, memory, size, onlyHex)})`;
}

function sayType(type: DataType): string {
  switch (type.kind) {
    case 'struct':
      return type.name === '' ? 'struct' : `struct ${type.name}`;
    case 'array':
      return `${sayType(type.of)}[${type.of.size === 0 ? 0 : type.size / type.of.size}]`;
    case 'pointer':
      return 'pointer';
    case 'scalar':
      return `u${8 * type.size}`;
  }
}

const sayBytes = (bytes: Uint8Array, size: number): string => `${hexBytes(bytes)}${size > bytes.length ? ' ...' : ''}`;
