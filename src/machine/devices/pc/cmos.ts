import { COUNTS_PER_SECOND, TICKS_PER_COUNT } from './pit.ts';

/** The clock and the memory behind ports 70h and 71h (MC146818). It begins at 00:00:00 on Thursday, 2026-01-01, and goes on with virtual time, within that day. */

const REGISTER = {
  seconds: 0,
  minutes: 2,
  hours: 4,
  weekday: 6,
  day: 7,
  month: 8,
  year: 9,
  a: 10,
  b: 11,
  c: 12,
  d: 13,
  century: 0x32,
} as const;
/** 24 hours, binary-coded decimal. */
const STATUS_B = 0x02;
const VALID = 0x80;

export class Cmos {
  readonly #memory: Uint8Array;
  state = { index: 0, changed: new Map<number, number>() };

  /** Sizes in KiB: of memory below 1 MiB, and above it. The number of processors less one is where QEMU has it. */
  constructor(baseKb: number, extendedKb: number, cores: number) {
    this.#memory = new Uint8Array(128);
    const word = (at: number, value: number): void => this.#memory.set([value & 0xff, value >>> 8], at);
    word(0x15, baseKb);
    word(0x17, Math.min(extendedKb, 0xffff));
    this.#memory[0x5f] = cores - 1;
    word(0x30, Math.min(extendedKb, 0xffff));
    // 64 KiB from 16 MiB on.
    word(0x34, Math.min(0xffff, Math.max(0, extendedKb - 15360) >>> 6));
  }

  owns(port: number): boolean {
    return port === 0x70 || port === 0x71;
  }

  write(port: number, value: number): void {
    if (port === 0x70) this.state.index = value & 0x7f;
    else this.state.changed.set(this.state.index, value);
  }

  read(port: number, now: number): number {
    if (port === 0x70) return 0xff;
    const { index, changed } = this.state;
    const seconds = Math.floor(now / (TICKS_PER_COUNT * COUNTS_PER_SECOND));
    const decimal = (n: number): number => (Math.floor(n / 10) << 4) | (n % 10);
    switch (index) {
      case REGISTER.seconds:
        return decimal(seconds % 60);
      case REGISTER.minutes:
        return decimal(Math.floor(seconds / 60) % 60);
      case REGISTER.hours:
        return decimal(Math.floor(seconds / 3600) % 24);
      case REGISTER.weekday:
        return 5;
      case REGISTER.day:
      case REGISTER.month:
        return 1;
      case REGISTER.year:
        return 0x26;
      case REGISTER.century:
        return 0x20;
      case REGISTER.a:
        return 0x26;
      case REGISTER.b:
        return STATUS_B;
      case REGISTER.c:
        return 0;
      case REGISTER.d:
        return VALID;
      default:
        return changed.get(index) ?? (this.#memory[index] as number);
    }
  }
}
