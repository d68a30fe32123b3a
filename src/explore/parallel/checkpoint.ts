import { TextpokeError } from '../../error.ts';
import { HASH_WORDS, hashWords } from '../table/content-hash.ts';
import { SEMANTICS_VERSION } from '../token.ts';
import type { Findings } from './findings.ts';
import type { Job } from './shared-work.ts';

/** A search that was interrupted: all that is needed to go on, by as many workers as one likes. */
export interface Checkpoint {
  /** What is explored: image and cell. */
  readonly name: string;
  /** What a world must know from its start. */
  readonly visible: readonly number[];
  readonly text: readonly number[];
  /** Quadwords that are slots of the table whoever touches them. */
  readonly cells: readonly number[];
  readonly symmetry: boolean;
  /** Why it is off although nobody asked for that. */
  readonly whyPlain?: string;
  /** Keys of all states in the order of their numbers, four words each. */
  readonly keys: Int32Array;
  readonly jobs: readonly Job[];
  readonly findings: Findings;
}

const MAGIC = 0x4b435054;
const FORMAT = 1;
/** Words in front of the hash, and of the header. */
const HASH_AT = 2;
const HEADER_WORDS = HASH_AT + HASH_WORDS + 5;

/** Format and a hash in front, then words; little-endian. */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const { keys, findings, ...rest } = checkpoint;
  const { edges, seen, ...told } = findings;
  const plain = { ...rest, semantics: SEMANTICS_VERSION, findings: told, partition: seen.partition };
  const text = new TextEncoder().encode(JSON.stringify(plain, (_key, value) => (typeof value === 'bigint' ? { big: `${value}` } : value)));
  const parts = [keys, edges, new Int32Array(seen.touched), new Int32Array(seen.executed)];
  const textWords = Math.ceil(text.length / 4);
  const words = new Int32Array(parts.reduce((sum, p) => sum + p.length, HEADER_WORDS + textWords));
  words.set([MAGIC, FORMAT]);
  words.set([text.length, ...parts.map((p) => p.length)], HASH_AT + HASH_WORDS);
  new Uint8Array(words.buffer).set(text, HEADER_WORDS * 4);
  let at = HEADER_WORDS + textWords;
  for (const part of parts) {
    words.set(part, at);
    at += part.length;
  }
  const content = words.subarray(HASH_AT + HASH_WORDS);
  hashWords(content, content.length, FORMAT, words, HASH_AT);
  return new Uint8Array(words.buffer);
}

/** Throws E_FILE for what is no checkpoint or was damaged, E_USAGE for one of another version or of something else than `name`. */
export function decodeCheckpoint(bytes: Uint8Array, name: string): Checkpoint {
  const damaged = (why: string): TextpokeError =>
    new TextpokeError('E_FILE', `the checkpoint ${why}`, {
      where: `${bytes.length} bytes`,
      hint: 'start the search again without --resume',
    });
  if (bytes.length % 4 !== 0 || bytes.length < HEADER_WORDS * 4) throw damaged('is damaged: it is too short');
  const words = new Int32Array(bytes.slice().buffer);
  if (words[0] !== MAGIC) throw damaged('is none: it begins with something else');
  const refused = (what: string, was: string): TextpokeError =>
    new TextpokeError('E_USAGE', `the checkpoint is of ${what}`, {
      where: was,
      hint: 'resume it with the command that it was printed with',
    });
  if (words[1] !== FORMAT) throw refused('another version of textpoke', `format ${words[1]}, this is ${FORMAT}`);
  const content = words.subarray(HASH_AT + HASH_WORDS);
  const hash = new Int32Array(HASH_WORDS);
  hashWords(content, content.length, FORMAT, hash, 0);
  if (hash.some((word, n) => word !== words[HASH_AT + n])) throw damaged('is damaged: its contents do not fit its hash');
  const [textBytes, ...lengths] = [...content.subarray(0, 5)] as [number, ...number[]];
  const plain = JSON.parse(new TextDecoder().decode(bytes.subarray(HEADER_WORDS * 4, HEADER_WORDS * 4 + textBytes)), (_key, value) =>
    typeof value === 'object' && value !== null && 'big' in value ? BigInt(value.big) : value,
  );
  if (plain.semantics !== SEMANTICS_VERSION) throw refused('another version of textpoke', `semantics ${plain.semantics}`);
  if (plain.name !== name) throw refused('something else', `${plain.name}, not ${name}`);
  let at = HEADER_WORDS + Math.ceil(textBytes / 4);
  const part = (length: number): Int32Array => {
    at += length;
    return words.slice(at - length, at);
  };
  const parts = lengths.map(part) as [Int32Array, Int32Array, Int32Array, Int32Array];
  const { partition, findings, semantics: _, ...rest } = plain;
  const seen = { touched: new Uint32Array(parts[2]), executed: new Uint32Array(parts[3]), partition };
  return { ...rest, keys: parts[0], findings: { ...findings, edges: parts[1], seen } };
}
