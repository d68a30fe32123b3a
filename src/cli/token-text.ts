import { TextpokeError } from '../error.ts';
import type { Io } from './io.ts';

const TOKEN = /\btp\d+_[A-Za-z0-9_-]*/;

/**
 * The token in what a person gave: the token itself, a pasted line around it, a file that holds one, or `-` (or nothing) for
 * standard input. The token's own checks are not made here. Throws E_TOKEN when there is none, E_FILE when the file cannot be read.
 */
export function findToken(given: string | undefined, io: Io): string {
  if (given !== undefined && TOKEN.test(given)) return firstToken(given, given);
  if (given === undefined || given === '-') return firstToken(io.readStdin(), 'standard input');
  let text: string;
  try {
    text = new TextDecoder().decode(io.readFile(given));
  } catch (error) {
    if (!(error instanceof TextpokeError)) throw error;
    throw noToken(given);
  }
  return firstToken(text, given);
}

function noToken(where: string): TextpokeError {
  return new TextpokeError('E_TOKEN', 'neither a replay token nor a file that holds one', {
    where: where.length > 100 ? `${where.slice(0, 100)}...` : where,
    hint: 'a token starts with tp1_ and stands on the replay line of a report',
  });
}

function firstToken(text: string, where: string): string {
  const found = TOKEN.exec(text)?.[0];
  if (found === undefined) throw noToken(where);
  return found;
}
