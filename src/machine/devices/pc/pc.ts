import type { Core } from '../../core.ts';
import type { PortDevices } from '../../parts.ts';
import { AtaDisk } from './ata.ts';
import { Cmos } from './cmos.ts';
import { Keyboard } from './keyboard.ts';
import { Pics } from './pic.ts';
import { Pit } from './pit.ts';
import { Uart } from './uart.ts';

export interface PcOptions {
  /** Contents of the first disk; undefined: there is none. */
  readonly disk: Uint8Array | undefined;
  /** Memory below and above 1 MiB, in KiB. */
  readonly baseKb: number;
  readonly extendedKb: number;
  readonly cores: number;
  /** Virtual time, in instructions. */
  readonly now: () => number;
  readonly serial: (core: Core, byte: number) => void;
  /** The guest has asked for a reset of the machine. */
  readonly reset: () => void;
}

/** All that changes in the devices: to go back to a place of a run. */
export type PcState = Readonly<Record<string, unknown>>;

/** Port that chipsets reset the machine with, and the bit that does it. */
const RESET_CONTROL = 0xcf9;
const RESET_NOW = 4n;

/**
 * The devices of a PC that boot loaders and small kernels program, at their ports: COM1, the two interrupt controllers, the timer, the clock, the keyboard controller and one disk. A wider access
 * is one byte a port, save at the disk's data port. What nobody answers reads as ones, and writes there are lost.
 */
export class Pc implements PortDevices {
  readonly #options: PcOptions;
  readonly uart: Uart;
  readonly pics = new Pics();
  readonly pit = new Pit();
  readonly cmos: Cmos;
  readonly keyboard: Keyboard;
  readonly disk: AtaDisk | undefined;

  constructor(options: PcOptions) {
    this.#options = options;
    this.uart = new Uart(options.serial);
    this.cmos = new Cmos(options.baseKb, options.extendedKb, options.cores);
    this.keyboard = new Keyboard(options.reset);
    this.disk = options.disk === undefined ? undefined : new AtaDisk(options.disk);
  }

  read(port: number, bytes: number): bigint {
    if (this.disk?.owns(port) === true && (port & 7) === 0) return BigInt(this.disk.read(port, bytes));
    let value = 0n;
    for (let n = 0; n < bytes; n++) value |= BigInt(this.#readByte((port + n) & 0xffff)) << BigInt(8 * n);
    return value;
  }

  #readByte(port: number): number {
    const now = this.#options.now();
    if (this.uart.owns(port)) return this.uart.read(port);
    if (this.pics.owns(port)) return this.pics.read(port);
    if (this.pit.owns(port)) return this.pit.read(port, now);
    if (this.cmos.owns(port)) return this.cmos.read(port, now);
    if (this.keyboard.owns(port)) return this.keyboard.read(port);
    if (this.disk?.owns(port) === true) return this.disk.read(port, 1);
    return 0xff;
  }

  write(core: Core, port: number, bytes: number, value: bigint): void {
    if (this.disk?.owns(port) === true && (port & 7) === 0) {
      this.disk.write(port, bytes, Number(value));
      return;
    }
    // A wider access there is one to the address of PCI's configuration space, of which there is none.
    if (port === RESET_CONTROL && bytes === 1 && (value & RESET_NOW) !== 0n) this.#options.reset();
    for (let n = 0; n < bytes; n++) this.#writeByte(core, (port + n) & 0xffff, Number((value >> BigInt(8 * n)) & 0xffn));
  }

  #writeByte(core: Core, port: number, value: number): void {
    const now = this.#options.now();
    if (this.uart.owns(port)) this.uart.write(core, port, value);
    else if (this.pics.owns(port)) this.pics.write(port, value);
    else if (this.pit.owns(port)) this.pit.write(port, value, now);
    else if (this.cmos.owns(port)) this.cmos.write(port, value);
    else if (this.keyboard.owns(port)) this.keyboard.write(port, value);
    else if (this.disk?.owns(port) === true) this.disk.write(port, 1, value);
  }

  /** Lets virtual time act on the timer. */
  poll(): void {
    if (this.pit.poll(this.#options.now())) this.pics.raise(0);
  }

  /** Instructions until the timer interrupts next; undefined when it never does. */
  get untilTimer(): number | undefined {
    const { due } = this.pit.state;
    return due === 0 ? undefined : Math.max(0, due - this.#options.now());
  }

  /** Vector of the interrupt that the controllers want `core` to take. They are wired to the first core. */
  pending(core: Core): number | undefined {
    return core.index === 0 ? this.pics.pending : undefined;
  }

  acknowledge(): void {
    this.pics.acknowledge();
  }

  get #parts(): Record<string, { state: unknown }> {
    const { uart, pics, pit, cmos, keyboard, disk } = this;
    return { uart, pics, pit, cmos, keyboard, ...(disk !== undefined && { disk }) } as Record<string, { state: unknown }>;
  }

  get state(): PcState {
    return Object.fromEntries(Object.entries(this.#parts).map(([name, { state }]) => [name, structuredClone(state)]));
  }

  set state(state: PcState) {
    for (const [name, part] of Object.entries(this.#parts)) part.state = structuredClone(state[name]);
  }
}
