import type { Core } from '../../core.ts';

/**
 * A 16550 at COM1 with what drivers try at their start: the divisor latch, the scratch register, the loop-back mode. Nothing is received from outside, and it raises no
 * interrupts (PC16550D data sheet).
 */

const COM1 = 0x3f8;
const REGISTER = {
  data: 0,
  interruptEnable: 1,
  interruptId: 2,
  lineControl: 3,
  modemControl: 4,
  lineStatus: 5,
  modemStatus: 6,
  scratch: 7,
} as const;
const DIVISOR_LATCH = 0x80;
const LOOP = 0x10;
const EMPTY = 0x60;
const READY = 0x01;
const NO_INTERRUPT = 1;
const FIFOS = 0xc0;
/** Clear to send, data set ready, carrier. */
const MODEM = 0xb0;

export class Uart {
  readonly #send: (core: Core, byte: number) => void;
  state = {
    divisor: [12, 0],
    interruptEnable: 0,
    fifos: 0,
    lineControl: 3,
    modemControl: 0,
    scratch: 0,
    /** Bytes that were sent to itself. */
    looped: [] as number[],
  };

  constructor(send: (core: Core, byte: number) => void) {
    this.#send = send;
  }

  owns(port: number): boolean {
    return port >= COM1 && port < COM1 + 8;
  }

  read(port: number): number {
    const { state } = this;
    const latch = (state.lineControl & DIVISOR_LATCH) !== 0;
    switch (port - COM1) {
      case REGISTER.data:
        return latch ? (state.divisor[0] as number) : (state.looped.shift() ?? 0);
      case REGISTER.interruptEnable:
        return latch ? (state.divisor[1] as number) : state.interruptEnable;
      case REGISTER.interruptId:
        return NO_INTERRUPT | (state.fifos === 0 ? 0 : FIFOS);
      case REGISTER.lineControl:
        return state.lineControl;
      case REGISTER.modemControl:
        return state.modemControl;
      case REGISTER.lineStatus:
        return EMPTY | (state.looped.length > 0 ? READY : 0);
      case REGISTER.modemStatus:
        return (state.modemControl & LOOP) === 0 ? MODEM : loopedModem(state.modemControl);
      default:
        return state.scratch;
    }
  }

  write(core: Core, port: number, value: number): void {
    const { state } = this;
    const latch = (state.lineControl & DIVISOR_LATCH) !== 0;
    switch (port - COM1) {
      case REGISTER.data:
        if (latch) state.divisor[0] = value;
        else if ((state.modemControl & LOOP) === 0) this.#send(core, value);
        else state.looped = [...state.looped, value].slice(-16);
        break;
      case REGISTER.interruptEnable:
        if (latch) state.divisor[1] = value;
        else state.interruptEnable = value & 15;
        break;
      case REGISTER.interruptId:
        state.fifos = value & 1;
        break;
      case REGISTER.lineControl:
        state.lineControl = value;
        break;
      case REGISTER.modemControl:
        state.modemControl = value & 0x1f;
        break;
      case REGISTER.scratch:
        state.scratch = value;
    }
  }
}

/** In loop-back mode the outputs are the inputs: RTS is CTS, DTR is DSR, OUT1 is RI, OUT2 is DCD. */
const loopedModem = (control: number): number => ((control & 2) << 3) | ((control & 1) << 5) | ((control & 4) << 4) | ((control & 8) << 4);
