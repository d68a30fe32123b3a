import { TextpokeError } from '../../error.ts';
import type { World } from '../../explore/world.ts';
import { Vector } from '../../isa/core-state.ts';
import { didYouMean } from '../../suggest.ts';

/** Bytes that a person names. */
export interface Place {
  /** Linear address of the first. */
  readonly address: bigint;
  readonly size: number;
}

/** Bytes of what has no size: a word. */
const WORD = 8;

/**
 * Reads `ftrace_call`, `ftrace_call[1]`, `ftrace_call[1..4]`, `handler+0x12` or `0xffff...`, each with `:SIZE` if wanted. Sites go before symbols; anything else is
 * `E_USAGE` with the nearest name.
 */
export function parsePlace(world: World, text: string): Place {
  const match = /^([^[\]+:\s]+)(?:\[(\d+)(?:\.\.(\d+))?\])?(?:\+(0x[0-9a-f]+|\d+))?(?::(\d+))?$/i.exec(text.trim());
  if (match === null) throw noPlace(world, text);
  const [, name = '', first, last, offset, size] = match;
  const whole = named(world, name);
  if (whole === undefined) throw noPlace(world, text);
  const from = Number(first ?? 0);
  const address = whole.address + BigInt(from) + BigInt(offset ?? 0);
  if (size !== undefined) return { address, size: Math.max(1, Number(size)) };
  if (first !== undefined) return { address, size: Math.max(1, Number(last ?? first) - from + 1) };
  return { address, size: offset === undefined ? whole.size : 1 };
}

function named(world: World, name: string): Place | undefined {
  const site = world.sites.find((s) => s.name === name);
  if (site !== undefined) return { address: site.address, size: site.versions[0]?.length ?? 1 };
  const { image } = world.lab;
  if (image.hasSymbol(name)) {
    const { address, size } = image.symbol(name);
    return { address, size: size === 0 ? WORD : size };
  }
  return /^0x[0-9a-f]{1,16}$/i.test(name) ? { address: BigInt(name), size: WORD } : undefined;
}

function noPlace(world: World, text: string): TextpokeError {
  const names = [...world.sites.map((s) => s.name), ...world.lab.image.symbols.map((s) => s.name)];
  return new TextpokeError('E_USAGE', `there is no '${text}'`, {
    where: text,
    hint: didYouMean(text.replace(/[[+:].*$/, ''), names) ?? 'name a site, a symbol, symbol+0x10, or an address',
  });
}

/** The exception that a person names, `#BP`; undefined for any other text. */
export function exceptionVector(text: string): number | undefined {
  const found = Object.entries(Vector).find(([name]) => `#${name}`.toLowerCase() === text.trim().toLowerCase());
  return found?.[1];
}
