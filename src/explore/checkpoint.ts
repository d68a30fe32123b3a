import { TextpokeError } from '../error.ts';
import { HASH_WORDS, hashWords } from './table/content-hash.ts';
import { SEMANTICS_VERSION } from './token.ts';

/** Which search wrote a checkpoint: one alone, or workers that share the states. */
export type CheckpointKind = 'alone' | 'shared';

/** What a search that was interrupted leaves behind. */
export interface Checkpoint {
  readonly kind: CheckpointKind;
  /** What is explored: image and cell. */
  readonly name: string;
  /** Plain data; numbers may be `bigint`. */
  readonly plain: object;
  /** What is long. */
  readonly parts: readonly Int32Array[];
}

const MAGIC = 0x4b435054;
const FORMAT = 2;
/** Words in front of the hash, and of what it is of: bytes of text, number of parts. */
const HASH_AT = 2;
const CONTENT_AT = HASH_AT + HASH_WORDS;
const TEXT_AT = CONTENT_AT + 2;

/** Format and a hash in front, then words; little-endian. */
export function encodeCheckpoint({ parts, ...rest }: Checkpoint): Uint8Array {
  const plain = { ...rest, semantics: SEMANTICS_VERSION, lengths: parts.map((p) => p.length) };
  const text = new TextEncoder().encode(JSON.stringify(plain, (_key, value) => (typeof value === 'bigint' ? { big: `${value}` } : value)));
  let at = TEXT_AT + Math.ceil(text.length / 4);
  const words = new Int32Array(parts.reduce((sum, p) => sum + p.length, at));
  words.set([MAGIC, FORMAT]);
  words.set([text.length, parts.length], CONTENT_AT);
  new Uint8Array(words.buffer).set(text, TEXT_AT * 4);
  for (const part of parts) {
    words.set(part, at);
    at += part.length;
  }
  const content = words.subarray(CONTENT_AT);
  hashWords(content, content.length, FORMAT, words, HASH_AT);
  return new Uint8Array(words.buffer);
}

/** Throws E_FILE for what is no checkpoint or was damaged, E_USAGE for one of another version or of something else than `name`. */
export function decodeCheckpoint(bytes: Uint8Array, name: string): Checkpoint {
  const { plain, parts } = contentsOf(bytes);
  if (plain.semantics !== SEMANTICS_VERSION) throw refused('another version of textpoke', `semantics ${plain.semantics}`);
  if (plain.name !== name) throw refused('something else', `${plain.name}, not ${name}`);
  return { kind: plain.kind, name, plain: plain.plain, parts };
}

/** Which search a checkpoint is of, whatever it explores. Throws like `decodeCheckpoint`. */
export const checkpointKind = (bytes: Uint8Array): CheckpointKind => contentsOf(bytes).plain.kind;

/** Throws E_USAGE where a checkpoint is of another search. */
export function requireKind(checkpoint: Checkpoint, kind: CheckpointKind): void {
  if (checkpoint.kind === kind) return;
  const [is, hint] =
    kind === 'shared'
      ? ['a search without --jobs', 'leave --jobs and TEXTPOKE_JOBS out']
      : ['a search with --jobs', 'add --jobs N, any number'];
  throw new TextpokeError('E_USAGE', `the checkpoint is of ${is}`, { where: '--resume', hint });
}

/** What fits the hash but not what this program does. */
export const unfit = (why: string): TextpokeError =>
  new TextpokeError('E_FILE', `the checkpoint does not fit: ${why}`, {
    where: '--resume',
    hint: 'it is of another version of textpoke: start the search again without --resume',
  });

function refused(what: string, was: string): TextpokeError {
  return new TextpokeError('E_USAGE', `the checkpoint is of ${what}`, {
    where: was,
    hint: 'resume it with the command that it was printed with',
  });
}

interface Contents {
  readonly plain: { readonly kind: CheckpointKind; readonly name: string; readonly semantics: number; readonly plain: object };
  readonly parts: readonly Int32Array[];
}

function contentsOf(bytes: Uint8Array): Contents {
  const damaged = (why: string): TextpokeError =>
    new TextpokeError('E_FILE', `the checkpoint ${why}`, {
      where: `${bytes.length} bytes`,
      hint: 'start the search again without --resume',
    });
  if (bytes.length % 4 !== 0 || bytes.length < TEXT_AT * 4) throw damaged('is damaged: it is too short');
  const words = new Int32Array(bytes.slice().buffer);
  if (words[0] !== MAGIC) throw damaged('is none: it begins with something else');
  if (words[1] !== FORMAT) throw refused('another version of textpoke', `format ${words[1]}, this is ${FORMAT}`);
  const content = words.subarray(CONTENT_AT);
  const hash = new Int32Array(HASH_WORDS);
  hashWords(content, content.length, FORMAT, hash, 0);
  if (hash.some((word, n) => word !== words[HASH_AT + n])) throw damaged('is damaged: its contents do not fit its hash');
  const textBytes = content[0]!;
  const text = new TextDecoder().decode(bytes.subarray(TEXT_AT * 4, TEXT_AT * 4 + textBytes));
  const { lengths, ...plain } = JSON.parse(text, (_key, value) =>
    typeof value === 'object' && value !== null && 'big' in value ? BigInt(value.big) : value,
  );
  let at = TEXT_AT + Math.ceil(textBytes / 4);
  const parts = lengths.map((length: number) => {
    at += length;
    return words.slice(at - length, at);
  });
  return { plain, parts };
}
