import { TextpokeError } from '../error.ts';
import { didYouMean } from '../suggest.ts';

/** Turns the text that a person gave into a value; `where` says who gave it (`--seed`, `TEXTPOKE_SEED`, a file). Throws E_USAGE. */
export type ParseValue<T> = (text: string, where: string) => T;

function refuse(text: string, where: string, wanted: string, hint?: string): TextpokeError {
  return new TextpokeError('E_USAGE', `${where} wants ${wanted}, not '${text}'`, {
    where: `${where} ${text}`,
    ...(hint !== undefined && { hint }),
  });
}

/** A whole number in [min, max], decimal, `_` allowed between digits. */
export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): ParseValue<number> {
  const wanted = max === Number.MAX_SAFE_INTEGER ? `a whole number of at least ${min}` : `a whole number from ${min} to ${max}`;
  return (text, where) => {
    const value = /^\d+(_\d+)*$/.test(text) ? Number(text.replaceAll('_', '')) : Number.NaN;
    if (!(value >= min && value <= max)) throw refuse(text, where, wanted, `for example ${Math.max(min, Math.min(max, 1))}`);
    return value;
  };
}

/** A time in seconds, more than zero; a fraction is allowed. */
export const seconds: ParseValue<number> = (text, where) => {
  const value = /^(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  if (!(value > 0 && Number.isFinite(value))) throw refuse(text, where, 'a number of seconds greater than 0', 'for example 30 or 0.5');
  return value;
};

/** An amount of memory, more than zero: a number of MiB, or with a suffix K, M or G. Gives bytes. */
export const memorySize: ParseValue<number> = (text, where) => {
  const match = /^(\d+)([KMG]?)(i?B)?$/i.exec(text);
  const unit = { K: 1024, M: 1024 ** 2, G: 1024 ** 3 }[match?.[2]?.toUpperCase() || 'M'] ?? Number.NaN;
  const value = match === null ? Number.NaN : Number(match[1]) * unit;
  if (!(value > 0 && Number.isSafeInteger(value)))
    throw refuse(text, where, 'an amount of memory greater than 0', 'for example 512M or 4G');
  return value;
};

/** A 64-bit address, hexadecimal with or without 0x. */
export const address: ParseValue<bigint> = (text, where) => {
  const digits = text.replace(/^0x/i, '').replaceAll('_', '');
  if (!/^[0-9a-f]{1,16}$/i.test(digits)) throw refuse(text, where, 'a hexadecimal address of up to 16 digits', 'for example 0x401130');
  return BigInt(`0x${digits}`);
};

/** One of a few words; a near miss is suggested. */
export function oneOf<const T extends string>(...words: readonly T[]): ParseValue<T> {
  return (text, where) => {
    const found = words.find((word) => word === text);
    if (found === undefined) throw refuse(text, where, words.join(', ').replace(/, ([^,]*)$/, ' or $1'), didYouMean(text, words));
    return found;
  };
}

/** Any text that is not empty. */
export const someText: ParseValue<string> = (text, where) => {
  if (text.trim() === '') throw refuse(text, where, 'a value');
  return text;
};
