/**
 * The 8254 timer of a PC: 1 193 182 counts a second, of 8 instructions each. Counter 0 interrupts once the guest has programmed it; what the BIOS of a PC does with it from
 * the start is left out, so that a machine which only waits for the next tick has ended. Counter 2 is the speaker's, with its gate at port 61h.
 */

export const TICKS_PER_COUNT = 8;
export const COUNTS_PER_SECOND = 1193182;
const PORT = 0x40;
const CONTROL = 0x43;
const SPEAKER = 0x61;

interface CounterState {
  mode: number;
  /** 1 low byte, 2 high byte, 3 both. */
  access: number;
  reload: number;
  /** Tick at which counting began. */
  start: number;
  latched: number | undefined;
  latchedStatus: number | undefined;
  /** The next byte to read, or to write, is the high one. */
  highRead: boolean;
  highWrite: boolean;
  low: number;
  gate: boolean;
}

const counter = (gate: boolean): CounterState => ({
  mode: 3,
  access: 3,
  reload: 0x10000,
  start: 0,
  latched: undefined,
  latchedStatus: undefined,
  highRead: false,
  highWrite: false,
  low: 0,
  gate,
});

export class Pit {
  state = {
    counters: [counter(true), counter(true), counter(false)] as [CounterState, CounterState, CounterState],
    speaker: 0,
    /** Tick of the next interrupt of counter 0; 0: none. */
    due: 0,
  };

  owns(port: number): boolean {
    return (port >= PORT && port <= CONTROL) || port === SPEAKER;
  }

  /** Whether an interrupt is due; the next one is planned. Ticks that were missed are one. */
  poll(now: number): boolean {
    const { state } = this;
    if (state.due === 0 || now < state.due) return false;
    const [first] = state.counters;
    const period = first.reload * TICKS_PER_COUNT;
    state.due = isPeriodic(first) ? state.due + (Math.floor((now - state.due) / period) + 1) * period : 0;
    return true;
  }

  read(port: number, now: number): number {
    const { state } = this;
    if (port === SPEAKER) {
      const output = this.#output(state.counters[2], now) ? 0x20 : 0;
      // Bit 4 turns with every refresh of memory.
      return (state.speaker & 0x0f) | output | (Math.floor(now / (18 * TICKS_PER_COUNT)) % 2 === 1 ? 0x10 : 0);
    }
    if (port === CONTROL) return 0xff;
    const which = state.counters[port - PORT] as CounterState;
    if (which.latchedStatus !== undefined) {
      const status = which.latchedStatus;
      which.latchedStatus = undefined;
      return status;
    }
    const value = which.latched ?? count(which, now);
    const high = which.access === 2 || (which.access === 3 && which.highRead);
    if (which.access === 3) which.highRead = !which.highRead;
    if (which.access !== 3 || !which.highRead) which.latched = undefined;
    return high ? (value >>> 8) & 0xff : value & 0xff;
  }

  write(port: number, value: number, now: number): void {
    const { state } = this;
    if (port === SPEAKER) {
      const gate = (value & 1) !== 0;
      const [, , third] = state.counters;
      if (gate && !third.gate) third.start = now;
      third.gate = gate;
      state.speaker = value & 0x0f;
      return;
    }
    if (port === CONTROL) {
      this.#control(value, now);
      return;
    }
    const which = state.counters[port - PORT] as CounterState;
    if (which.access === 3 && !which.highWrite) {
      which.low = value;
      which.highWrite = true;
      return;
    }
    which.highWrite = false;
    const full = which.access === 3 ? which.low | (value << 8) : which.access === 2 ? value << 8 : value;
    which.reload = full === 0 ? 0x10000 : full;
    which.start = now;
    if (which === state.counters[0]) state.due = now + which.reload * TICKS_PER_COUNT;
  }

  #control(value: number, now: number): void {
    const select = value >>> 6;
    const { counters } = this.state;
    if (select === 3) {
      counters.forEach((which, n) => {
        if ((value & (2 << n)) === 0) return;
        if ((value & 0x20) === 0) which.latched ??= count(which, now);
        if ((value & 0x10) === 0) which.latchedStatus = (this.#output(which, now) ? 0x80 : 0) | (which.access << 4) | (which.mode << 1);
      });
      return;
    }
    const which = counters[select] as CounterState;
    const access = (value >>> 4) & 3;
    if (access === 0) {
      which.latched ??= count(which, now);
      return;
    }
    const mode = (value >>> 1) & 7;
    Object.assign(which, { access, mode: mode > 5 ? mode - 4 : mode, latched: undefined, highRead: false, highWrite: false });
    if (select === 0) this.state.due = 0;
  }

  #output(which: CounterState, now: number): boolean {
    const gone = Math.floor((now - which.start) / TICKS_PER_COUNT);
    if (which.mode === 3) return gone % which.reload < which.reload / 2;
    return isPeriodic(which) || gone >= which.reload;
  }
}

const isPeriodic = ({ mode }: CounterState): boolean => mode === 2 || mode === 3;

function count(which: CounterState, now: number): number {
  const gone = which.gate ? Math.floor((now - which.start) / TICKS_PER_COUNT) : 0;
  // Mode 3 counts down by two, twice.
  const steps = which.mode === 3 ? gone * 2 : gone;
  return isPeriodic(which) ? which.reload - (steps % which.reload) : (which.reload - gone) & 0xffff;
}
