import { TextpokeError } from '../error.ts';
import type { ParseValue } from './values.ts';

/** A verb's own flag with a value, or undefined when it was not given. Throws E_USAGE. */
export function ownValue<T>(own: Readonly<Record<string, unknown>>, name: string, flag: string, parse: ParseValue<T>): T | undefined {
  const text = own[name];
  return typeof text === 'string' ? parse(text, flag) : undefined;
}

/** A positional argument that commander made sure of. */
export function argument(args: readonly string[], index: number): string {
  const text = args[index];
  if (text === undefined || text.trim() === '') {
    throw new TextpokeError('E_USAGE', `argument ${index + 1} is missing or empty`, { hint: 'textpoke VERB --help shows the arguments' });
  }
  return text;
}
