import type { Io } from './io.ts';

/**
 * Writes one NDJSON event to stdout: `{"v":1,"type":...}` and its fields. A bigint (address, register, 64-bit count) becomes
 * a hex string, since 64 bits do not fit a JSON number; bytes become their hex digits.
 */
export function emitEvent(io: Io, type: string, fields: Readonly<Record<string, unknown>>): void {
  const encode = (_key: string, value: unknown): unknown => {
    if (typeof value === 'bigint') return `0x${value.toString(16)}`;
    if (value instanceof Uint8Array) return hexOf(value, '');
    return value;
  };
  io.stdout(`${JSON.stringify({ v: 1, type, ...fields }, encode)}\n`);
}

/** The bytes as two hex digits each, with `separator` between them. */
export function hexOf(bytes: Uint8Array, separator = ' '): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(separator);
}
