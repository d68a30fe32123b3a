import type { Core } from '../core.ts';
import type { MachineParts } from '../parts.ts';
import { DEBUG_EXIT_PORT, debugExit } from './debug-exit.ts';
import { isSerialPort, readSerial, writeSerial } from './serial.ts';

/**
 * The I/O ports: those of the host's devices where it has some, else one serial line; and the debug exit. A wider access is one byte a port. Nothing answers elsewhere:
 * reads give ones and writes are lost, as on a PC.
 */
export function readPort(machine: MachineParts, _core: Core, port: number, bytes: number): bigint {
  const { ports } = machine.host;
  if (ports !== undefined) return ports.read(port, bytes);
  let value = 0n;
  for (let n = 0; n < bytes; n++) {
    const at = (port + n) & 0xffff;
    value |= BigInt(isSerialPort(at) ? readSerial(at) : 0xff) << BigInt(8 * n);
  }
  return value;
}

export function writePort(machine: MachineParts, core: Core, port: number, bytes: number, value: bigint): void {
  if (port === DEBUG_EXIT_PORT) {
    debugExit(machine, core, Number(value & 0xffn));
    return;
  }
  const { ports } = machine.host;
  if (ports !== undefined) {
    ports.write(core, port, bytes, value);
    return;
  }
  for (let n = 0; n < bytes; n++) {
    const at = (port + n) & 0xffff;
    if (isSerialPort(at)) writeSerial(machine, core, at, Number((value >> BigInt(8 * n)) & 0xffn));
  }
}
