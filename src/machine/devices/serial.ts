import type { Core } from '../core.ts';
import type { MachineParts } from '../parts.ts';

/**
 * The transmitter of a 16550 at COM1: always ready, no receiver, no interrupts, no state. The divisor latch is not distinguished from the data
 * register, so a guest that programs the baud rate sends two stray bytes.
 */
const SERIAL_PORT = 0x3f8;

/** Register offsets and the bits of the line status register that say that both holding and shift register are empty. */
const DATA = 0;
const INTERRUPT_ID = 2;
const LINE_STATUS = 5;
const TRANSMITTER_EMPTY = 0x60;
const NO_INTERRUPT = 1;

export const isSerialPort = (port: number): boolean => port >= SERIAL_PORT && port < SERIAL_PORT + 8;

export function readSerial(port: number): number {
  if (port === SERIAL_PORT + LINE_STATUS) return TRANSMITTER_EMPTY;
  return port === SERIAL_PORT + INTERRUPT_ID ? NO_INTERRUPT : 0;
}

export function writeSerial(machine: MachineParts, core: Core, port: number, byte: number): void {
  if (port === SERIAL_PORT + DATA) machine.host.serial(core, byte);
}
