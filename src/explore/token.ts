import { TextpokeError } from '../error.ts';
import { Fnv64 } from '../image/fnv.ts';

/**
 * Version of everything that makes an answer mean what it means: the order of options, the models, the semantics. A token of another version
 * is refused.
 */
export const SEMANTICS_VERSION = 3;

/** What a token says: the world, by hashes, and the answers. */
export interface TokenContent {
  /** 32 bits of the world's name: scenario, variant, victims, fetch, memory. */
  readonly world: number;
  /** 16 bits of the image's content. */
  readonly image: number;
  readonly semantics: number;
  readonly answers: readonly number[];
  /** Shared and patched quadwords that `learn` does not find by itself. */
  readonly visible: readonly number[];
  readonly text: readonly number[];
}

const PREFIX = 'tp1_';

/** 32 bits that stand for a name. */
export function nameHash(name: string): number {
  const hash = new Fnv64().bytes(new TextEncoder().encode(name)).hex();
  return Number.parseInt(hash.slice(0, 8), 16);
}

/** 16 bits that stand for an image, from its content hash. */
export const imageHash = (contentHash: string): number => Number.parseInt(contentHash.slice(0, 4), 16);

/**
 * A token: `tp1_` and base64url of world (4 bytes), image (2), semantics (varint), answers, knowledge, CRC-16. Answers go as runs of zeros
 * between answers that are not zero, because "go on" is the most common one.
 */
export function encodeToken(content: TokenContent): string {
  const bytes: number[] = [];
  for (const shift of [24, 16, 8, 0]) bytes.push((content.world >>> shift) & 0xff);
  bytes.push(content.image >>> 8, content.image & 0xff);
  varint(bytes, content.semantics);
  varint(bytes, content.answers.length);
  let zeros = 0;
  for (const answer of content.answers) {
    if (answer === 0) zeros++;
    else {
      varint(bytes, zeros);
      varint(bytes, answer);
      zeros = 0;
    }
  }
  varint(bytes, zeros);
  for (const list of [content.visible, content.text]) {
    varint(bytes, list.length);
    for (const quadword of list) varint(bytes, quadword >>> 3);
  }
  const crc = crc16(bytes);
  bytes.push(crc >>> 8, crc & 0xff);
  return PREFIX + toBase64Url(bytes);
}

/** Reads a token; anything wrong is `E_TOKEN`. */
export function decodeToken(token: string): TokenContent {
  const bad = (message: string, hint: string): TextpokeError => new TextpokeError('E_TOKEN', message, { where: token, hint });
  if (!token.startsWith(PREFIX)) throw bad(`a token starts with ${PREFIX}`, 'copy the whole token from the result');
  const text64 = token.slice(PREFIX.length);
  const bytes = fromBase64Url(text64);
  // Bits that stand for nothing are zero, so that a token has one spelling.
  if (bytes === undefined || bytes.length < 12 || toBase64Url(bytes) !== text64)
    throw bad('not a token: too short or with foreign characters', 'copy the whole token from the result');
  const body = bytes.slice(0, -2);
  if (crc16(body) !== (((bytes[bytes.length - 2] as number) << 8) | (bytes[bytes.length - 1] as number))) {
    throw bad('checksum mismatch (truncated copy/paste?)', 'copy the whole token from the result');
  }
  let at = 6;
  const next = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = body[at++];
      if (byte === undefined) throw bad('the token ends too early', 'copy the whole token from the result');
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
  };
  const semantics = next();
  if (semantics !== SEMANTICS_VERSION) {
    throw bad(
      `the token is of semantics version ${semantics}, this is version ${SEMANTICS_VERSION}`,
      'explore the scenario again for a new token',
    );
  }
  const length = next();
  if (length > 1_000_000) throw bad('the token claims more answers than a run can have', 'copy the whole token from the result');
  const answers: number[] = [];
  for (;;) {
    const zeros = next();
    if (answers.length + zeros > length) throw bad('the token contradicts itself', 'copy the whole token from the result');
    for (let n = 0; n < zeros; n++) answers.push(0);
    if (answers.length === length) break;
    answers.push(next());
  }
  const list = (): number[] => Array.from({ length: next() }, () => next() * 8);
  const visible = list();
  const text = list();
  if (at !== body.length) throw bad('the token goes on behind its end', 'copy the whole token from the result');
  return {
    world: ((body[0]! << 24) | (body[1]! << 16) | (body[2]! << 8) | body[3]!) >>> 0,
    image: (body[4]! << 8) | body[5]!,
    semantics,
    answers,
    visible,
    text,
  };
}

function varint(into: number[], value: number): void {
  let v = value;
  while (v >= 0x80) {
    into.push((v % 128) | 0x80);
    v = Math.floor(v / 128);
  }
  into.push(v);
}

/** CRC-16/CCITT-FALSE. */
function crc16(bytes: readonly number[]): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

function toBase64Url(bytes: readonly number[]): string {
  let out = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const word = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    const count = Math.min(3, bytes.length - i) + 1;
    for (let n = 0; n < count; n++) out += ALPHABET[(word >>> (18 - 6 * n)) & 63];
  }
  return out;
}

function fromBase64Url(text: string): number[] | undefined {
  const out: number[] = [];
  for (let i = 0; i < text.length; i += 4) {
    const digits = [...text.slice(i, i + 4)].map((c) => ALPHABET.indexOf(c));
    if (digits.includes(-1) || digits.length === 1) return undefined;
    const word = digits.reduce((w, d, n) => w | (d << (18 - 6 * n)), 0);
    for (let n = 0; n < digits.length - 1; n++) out.push((word >>> (16 - 8 * n)) & 0xff);
  }
  return out;
}
