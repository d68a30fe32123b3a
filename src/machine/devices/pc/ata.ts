/**
 * One ATA disk on the primary channel, with programmed input and output and without interrupts (ATA/ATAPI-6): IDENTIFY DEVICE, READ, WRITE and VERIFY SECTORS with 28- and
 * 48-bit addresses by LBA, FLUSH CACHE, SET FEATURES. A command is done at once. What is written stays in the machine: the image is never changed.
 */

const SECTOR_BYTES = 512;
const COMMAND_BASE = 0x1f0;
const CONTROL = 0x3f6;

const STATUS = { error: 0x01, request: 0x08, seekDone: 0x10, ready: 0x40 } as const;
const ERROR = { aborted: 0x04, notFound: 0x10 } as const;
const COMMAND = {
  read: 0x20,
  readOnce: 0x21,
  readExt: 0x24,
  write: 0x30,
  writeOnce: 0x31,
  writeExt: 0x34,
  verify: 0x40,
  verifyOnce: 0x41,
  verifyExt: 0x42,
  recalibrate: 0x10,
  diagnose: 0x90,
  setParameters: 0x91,
  flush: 0xe7,
  flushExt: 0xea,
  identify: 0xec,
  setFeatures: 0xef,
} as const;

interface AtaState {
  features: number;
  /** Current and previous contents of the count and the three address registers: a 48-bit command takes both. */
  registers: number[];
  previous: number[];
  device: number;
  status: number;
  error: number;
  /** Sector in transfer, the next byte of it, and how many sectors are left, this one included. */
  buffer: Uint8Array;
  at: number;
  lba: number;
  left: number;
  transfer: 'none' | 'read' | 'write';
  /** Sectors that were written, by number. */
  written: Map<number, Uint8Array>;
}

export class AtaDisk {
  readonly #image: Uint8Array;
  readonly sectors: number;
  state: AtaState = {
    features: 0,
    registers: [1, 1, 0, 0],
    previous: [0, 0, 0, 0],
    device: 0,
    status: STATUS.ready | STATUS.seekDone,
    error: 1,
    buffer: new Uint8Array(SECTOR_BYTES),
    at: 0,
    lba: 0,
    left: 0,
    transfer: 'none',
    written: new Map(),
  };

  constructor(image: Uint8Array) {
    this.#image = image;
    this.sectors = Math.ceil(image.length / SECTOR_BYTES);
  }

  owns(port: number): boolean {
    return (port >= COMMAND_BASE && port < COMMAND_BASE + 8) || port === CONTROL;
  }

  /** There is no second drive: its registers read as zero. */
  get #isSelected(): boolean {
    return (this.state.device & 0x10) === 0;
  }

  read(port: number, bytes: number): number {
    const { state } = this;
    if (port === CONTROL) return this.#isSelected ? state.status : 0;
    const register = port - COMMAND_BASE;
    if (register === 0) return this.#readData(bytes);
    if (!this.#isSelected) return 0;
    if (register === 1) return state.error;
    if (register < 6) return state.registers[register - 2] as number;
    return register === 6 ? state.device | 0xa0 : state.status;
  }

  write(port: number, bytes: number, value: number): void {
    const { state } = this;
    if (port === CONTROL) {
      if ((value & 4) !== 0) this.#reset();
      return;
    }
    const register = port - COMMAND_BASE;
    if (register === 0) this.#writeData(bytes, value);
    else if (register === 1) state.features = value & 0xff;
    else if (register < 6) {
      state.previous[register - 2] = state.registers[register - 2] as number;
      state.registers[register - 2] = value & 0xff;
    } else if (register === 6) state.device = value & 0xff;
    else if (this.#isSelected) this.#command(value & 0xff);
  }

  #reset(): void {
    const { state } = this;
    state.registers = [1, 1, 0, 0];
    state.previous = [0, 0, 0, 0];
    state.error = 1;
    state.device = 0;
    this.#finish();
  }

  #finish(): void {
    this.state.status = STATUS.ready | STATUS.seekDone;
    this.state.transfer = 'none';
    this.state.left = 0;
  }

  #fail(error: number): void {
    this.#finish();
    this.state.status |= STATUS.error;
    this.state.error = error;
  }

  #command(command: number): void {
    const { state } = this;
    state.error = 0;
    switch (command) {
      case COMMAND.identify:
        state.buffer.set(this.#identity());
        state.left = 1;
        this.#begin('read');
        break;
      case COMMAND.read:
      case COMMAND.readOnce:
      case COMMAND.readExt:
        if (this.#address(command === COMMAND.readExt)) this.#load();
        break;
      case COMMAND.write:
      case COMMAND.writeOnce:
      case COMMAND.writeExt:
        if (this.#address(command === COMMAND.writeExt)) this.#begin('write');
        break;
      case COMMAND.verify:
      case COMMAND.verifyOnce:
      case COMMAND.verifyExt:
        if (!this.#address(command === COMMAND.verifyExt)) break;
        if (state.lba + state.left > this.sectors) this.#fail(ERROR.notFound);
        else this.#finish();
        break;
      case COMMAND.diagnose:
        this.#reset();
        break;
      case COMMAND.recalibrate:
      case COMMAND.setParameters:
      case COMMAND.flush:
      case COMMAND.flushExt:
      case COMMAND.setFeatures:
        this.#finish();
        break;
      default:
        this.#fail(ERROR.aborted);
    }
  }

  /** Takes the first sector and their number from the registers. False where the disk has no such sector, or the address is one of cylinders. */
  #address(wide: boolean): boolean {
    const { state } = this;
    if ((state.device & 0x40) === 0) {
      this.#fail(ERROR.aborted);
      return false;
    }
    const at = (from: readonly number[]): number => (from[1] as number) + (from[2] as number) * 0x100 + (from[3] as number) * 0x10000;
    const count = (state.registers[0] as number) + (wide ? (state.previous[0] as number) * 0x100 : 0);
    state.lba = at(state.registers) + (wide ? at(state.previous) * 0x1000000 : (state.device & 15) * 0x1000000);
    state.left = count === 0 ? (wide ? 0x10000 : 0x100) : count;
    if (state.lba < this.sectors) return true;
    this.#fail(ERROR.notFound);
    return false;
  }

  #begin(transfer: 'read' | 'write'): void {
    this.state.transfer = transfer;
    this.state.at = 0;
    this.state.status = STATUS.ready | STATUS.seekDone | STATUS.request;
  }

  #load(): void {
    const { state } = this;
    if (state.lba >= this.sectors) {
      this.#fail(ERROR.notFound);
      return;
    }
    const from = state.lba * SECTOR_BYTES;
    // A last sector that the image holds a part of ends in zeros.
    state.buffer.fill(0);
    state.buffer.set(state.written.get(state.lba) ?? this.#image.subarray(from, from + SECTOR_BYTES));
    this.#begin('read');
  }

  #readData(bytes: number): number {
    const { state } = this;
    if (state.transfer !== 'read') return 0;
    let value = 0;
    for (let n = 0; n < bytes; n++) value += (state.buffer[state.at++ % SECTOR_BYTES] as number) * 2 ** (8 * n);
    if (state.at < SECTOR_BYTES) return value;
    state.left--;
    state.lba++;
    if (state.left > 0) this.#load();
    else this.#finish();
    return value;
  }

  #writeData(bytes: number, value: number): void {
    const { state } = this;
    if (state.transfer !== 'write') return;
    for (let n = 0; n < bytes; n++) state.buffer[state.at++ % SECTOR_BYTES] = (value >>> (8 * n)) & 0xff;
    if (state.at < SECTOR_BYTES) return;
    if (state.lba >= this.sectors) {
      this.#fail(ERROR.notFound);
      return;
    }
    state.written.set(state.lba, state.buffer.slice());
    state.left--;
    state.lba++;
    if (state.left > 0) this.#begin('write');
    else this.#finish();
  }

  /** The words of IDENTIFY DEVICE that drivers look at. */
  #identity(): Uint8Array {
    const words = new Uint16Array(SECTOR_BYTES / 2);
    const text = (from: number, count: number, value: string): void => {
      for (let n = 0; n < count; n++) {
        const [first, second] = [2 * n, 2 * n + 1].map((at) => value.charCodeAt(at) || 0x20) as [number, number];
        words[from + n] = (first << 8) | second;
      }
    };
    words[0] = 0x40;
    words[1] = Math.min(16383, Math.floor(this.sectors / (16 * 63)));
    words[3] = 16;
    words[6] = 63;
    text(10, 10, 'TP0');
    text(23, 4, '1');
    text(27, 20, 'TEXTPOKE DISK');
    // LBA; words 54 to 58 and 64 to 70 are not valid.
    words[49] = 0x200;
    const short = Math.min(this.sectors, 0x0fffffff);
    words[60] = short & 0xffff;
    words[61] = short >>> 16;
    // ATA-6; 48-bit addresses and FLUSH CACHE are there and on.
    words[80] = 0x7e;
    words[83] = 0x7400;
    words[86] = 0x3400;
    words[100] = this.sectors & 0xffff;
    words[101] = Math.floor(this.sectors / 0x10000) & 0xffff;
    return new Uint8Array(words.buffer);
  }
}
