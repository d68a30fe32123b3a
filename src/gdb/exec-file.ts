import { bytesOfHex, numberOfHex } from './packet.ts';
import type { ExecFile } from './target.ts';

/** errno of the protocol's File-I/O. */
const EPERM = 'F-1,1';
const ENOENT = 'F-1,2';
const EBADF = 'F-1,9';
const EROFS = 'F-1,1e';
const WRITES = 0x1 | 0x2;
const FD = 3n;
/** Bytes of one `pread`: escaped they take up to twice as many. */
const PIECE = 0x1800;

/** `vFile` for the one file that the run is of. Reading only; every other path is not there. */
export class HostFile {
  readonly #file: ExecFile | undefined;
  #bytes: Uint8Array | undefined;

  constructor(file: ExecFile | undefined) {
    this.#file = file;
  }

  /** Answers what follows `vFile:`; '' for what is not understood. */
  packet(text: string): string {
    if (this.#file?.sent !== true) return '';
    const [, verb = '', rest = ''] = /^(\w+):(.*)$/s.exec(text) ?? [];
    const args = rest.split(',');
    switch (verb) {
      case 'setfs':
        return 'F0';
      case 'open':
        return this.#open(this.#file, args);
      case 'close':
        if (!this.#isOpen(args[0])) return EBADF;
        this.#bytes = undefined;
        return 'F0';
      case 'pread':
        return this.#read(args);
      case 'fstat':
        return this.#isOpen(args[0]) && this.#bytes !== undefined ? attachment(stat(this.#bytes.length)) : EBADF;
      case 'pwrite':
      case 'unlink':
        return EROFS;
      case 'readlink':
        return ENOENT;
      default:
        return '';
    }
  }

  #isOpen(fd: string | undefined): boolean {
    return this.#bytes !== undefined && numberOfHex(fd) === FD;
  }

  #open(file: ExecFile, [path = '', flags]: readonly string[]): string {
    const name = bytesOfHex(path);
    if (name === undefined || new TextDecoder().decode(name) !== file.path) return ENOENT;
    if ((Number(numberOfHex(flags) ?? 0n) & WRITES) !== 0) return EPERM;
    this.#bytes = file.bytes();
    return `F${FD.toString(16)}`;
  }

  #read([fd, count, offset]: readonly string[]): string {
    if (!this.#isOpen(fd) || this.#bytes === undefined) return EBADF;
    const from = Number(numberOfHex(offset) ?? 0n);
    const most = Math.min(Number(numberOfHex(count) ?? 0n), PIECE);
    return attachment(this.#bytes.subarray(Math.min(from, this.#bytes.length), Math.min(from + most, this.#bytes.length)));
  }
}

function attachment(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return `F${bytes.length.toString(16)};${text}`;
}

/** `struct stat` of the protocol, big-endian: a regular file that may be read. */
function stat(size: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(64));
  view.setUint32(8, 0o100444);
  view.setUint32(12, 1);
  view.setBigUint64(28, BigInt(size));
  view.setBigUint64(36, 512n);
  view.setBigUint64(44, BigInt(Math.ceil(size / 512)));
  return new Uint8Array(view.buffer);
}
