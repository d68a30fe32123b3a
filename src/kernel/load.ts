import { TextpokeError } from '../error.ts';
import { imageFromContents, imageFromDisk } from '../image/boot-image.ts';
import { type Image, imageFromElf, imageFromFlat } from '../image/image.ts';

/** What a person says of a file that is to run alone. */
export interface Loading {
  readonly file: string;
  /** Where a flat binary is loaded. */
  readonly base: bigint | undefined;
  /** A symbol or a hexadecimal address; the image's own entry when undefined. */
  readonly entry: string | undefined;
  /** The file is a raw disk, whatever it looks like. */
  readonly isDisk: boolean;
  /** What `base`, `entry`, `boot` and `commandLine` are called where they are said: `--base`. */
  readonly word: (name: 'base' | 'entry' | 'boot' | 'commandLine') => string;
}

/** Where a `.bin` goes that says nothing else. */
const DEFAULT_BASE = 0x100000n;
const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];

/**
 * A raw disk where that is said, or its first sector is a boot sector; an ELF file or a multiboot kernel by its contents; else a flat binary, which must say so by `base` or its
 * name. Errors are `E_ELF`, `E_IMAGE` and `E_USAGE`.
 */
export function loadImage({ file, base, entry, isDisk, word }: Loading, bytes: Uint8Array): Image {
  if (bytes.length === 0) throw new TextpokeError('E_ELF', 'the file is empty', { where: file, hint: 'build it again' });
  const startsAlone = (names: readonly ('base' | 'entry')[]): TextpokeError =>
    new TextpokeError('E_USAGE', 'the boot sector of a disk is loaded at 0x7c00 and starts there', {
      where: names.map(word).join(' '),
      hint: `leave ${names.map(word).join(' ')} out`,
    });
  const looksElf = ELF_MAGIC.every((byte, n) => n >= bytes.length || bytes[n] === byte);
  if (isDisk) {
    const given = [base === undefined ? [] : ['base' as const], entry === undefined ? [] : ['entry' as const]].flat();
    if (given.length > 0) throw startsAlone(given);
    return imageFromDisk(bytes, file);
  }
  if (looksElf && base !== undefined) {
    throw new TextpokeError('E_USAGE', 'an ELF file says itself where it is loaded', {
      where: word('base'),
      hint: `leave ${word('base')} out, or link the program elsewhere`,
    });
  }
  const known = base === undefined ? imageFromContents(bytes, file) : undefined;
  if (known?.boot?.kind === 'disk' && entry !== undefined) throw startsAlone(['entry']);
  if (known !== undefined) return known;
  if (looksElf) return imageFromElf(bytes, file);
  if (base === undefined && !/\.bin$/i.test(file)) {
    throw new TextpokeError('E_ELF', 'not an ELF file: it does not begin with 7f 45 4c 46', {
      where: file,
      hint: /\.(img|iso|hdd|raw|vfd)$/i.test(file)
        ? `a disk that boots has 55 aa at the end of its first 512 bytes: ${word('boot')} says why this one does not`
        : `a flat binary needs an address: ${word('base')} 0x100000`,
    });
  }
  const start = entry === undefined ? undefined : addressOf(entry);
  return imageFromFlat(bytes, { base: base ?? DEFAULT_BASE, ...(start !== undefined && { entry: start }) });
}

const addressOf = (text: string): bigint | undefined =>
  /^(0x)?[0-9a-f]{1,16}$/i.test(text) ? BigInt(`0x${text.replace(/^0x/i, '')}`) : undefined;

/** A symbol before an address: `add` and `fade` are both. Throws E_IMAGE for a symbol that is not there. */
export function entryOf(image: Image, text: string): bigint {
  if (image.hasSymbol(text)) return image.symbol(text).address;
  return addressOf(text) ?? image.symbol(text).address;
}

/** Throws E_USAGE where nobody is told a command line. */
export function checkCommandLine({ boot }: Image, text: string | undefined, word: Loading['word']): string | undefined {
  if (text === undefined || (boot?.kind === 'multiboot' && boot.header !== undefined)) return text;
  throw new TextpokeError('E_USAGE', 'only a multiboot kernel is told a command line', {
    where: word('commandLine'),
    hint: 'the file has no multiboot header',
  });
}
