/** The two 8259A interrupt controllers of a PC, the second at input 2 of the first: edge-triggered, fully nested (8259A data sheet). */

const CASCADE = 2;
const COMMANDS = [0x20, 0xa0] as const;

interface ChipState {
  requested: number;
  inService: number;
  mask: number;
  /** First vector. */
  base: number;
  /** Which word of an initialization comes next at the data port: 0 none, 2, 3 or 4. */
  expects: number;
  wantsFourth: boolean;
  automaticEnd: boolean;
  readsInService: boolean;
  /** Polling: the next read of the command port acknowledges. */
  polled: boolean;
}

const chip = (base: number, mask: number): ChipState => ({
  requested: 0,
  inService: 0,
  mask,
  base,
  expects: 0,
  wantsFourth: false,
  automaticEnd: false,
  readsInService: false,
  polled: false,
});

/** Number of the lowest bit that is set, 8 where none is: input 0 has the highest priority. */
const lowest = (bits: number): number => (bits === 0 ? 8 : 31 - Math.clz32(bits & -bits));

export class Pics {
  /** As the BIOS leaves them: vectors 08h and 70h, and open for the timer, the keyboard, the second chip and the floppy. */
  state = { chips: [chip(0x08, 0xb8), chip(0x70, 0x8f)] as [ChipState, ChipState] };

  owns(port: number): boolean {
    return (port & ~1) === COMMANDS[0] || (port & ~1) === COMMANDS[1];
  }

  /** The input `line`, 0 to 15, goes up. */
  raise(line: number): void {
    const which = this.state.chips[line >>> 3] as ChipState;
    which.requested |= 1 << (line & 7);
  }

  /** The vector of the interrupt that the processor is asked to take, undefined when there is none. */
  get pending(): number | undefined {
    const [first, second] = this.state.chips;
    const line = this.#due(first);
    if (line === 8) return undefined;
    if (line !== CASCADE) return first.base + line;
    return second.base + this.#due(second);
  }

  /** The processor takes it. */
  acknowledge(): void {
    const [first, second] = this.state.chips;
    const line = this.#due(first);
    if (line === CASCADE) this.#serve(second, this.#due(second));
    this.#serve(first, line);
  }

  #serve(which: ChipState, line: number): void {
    if (line === 8) return;
    which.requested &= ~(1 << line);
    if (!which.automaticEnd) which.inService |= 1 << line;
  }

  /** The input that would be served: requested, not masked, above all that are in service; 8 for none. */
  #due(which: ChipState): number {
    const [first, second] = this.state.chips;
    const requested = which === first && this.#due(second) < 8 ? which.requested | (1 << CASCADE) : which.requested;
    const line = lowest(requested & ~which.mask);
    return line < lowest(which.inService) ? line : 8;
  }

  #at(port: number): ChipState {
    return this.state.chips[(port & ~1) === COMMANDS[0] ? 0 : 1];
  }

  read(port: number): number {
    const which = this.#at(port);
    if ((port & 1) === 1) return which.mask;
    if (which.polled) {
      which.polled = false;
      const line = this.#due(which);
      this.#serve(which, line);
      return line === 8 ? 0 : 0x80 | line;
    }
    return which.readsInService ? which.inService : which.requested;
  }

  write(port: number, value: number): void {
    const which = this.#at(port);
    if ((port & 1) === 1) writeData(which, value);
    else if ((value & 0x10) !== 0) Object.assign(which, chip(which.base, 0), { expects: 2, wantsFourth: (value & 1) !== 0 });
    else if ((value & 0x08) !== 0) {
      if ((value & 0x02) !== 0) which.readsInService = (value & 1) !== 0;
      which.polled = (value & 0x04) !== 0;
    } else endOfInterrupt(which, value);
  }
}

function writeData(which: ChipState, value: number): void {
  switch (which.expects) {
    case 2:
      which.base = value & 0xf8;
      which.expects = 3;
      break;
    case 3:
      which.expects = which.wantsFourth ? 4 : 0;
      break;
    case 4:
      which.automaticEnd = (value & 2) !== 0;
      which.expects = 0;
      break;
    default:
      which.mask = value;
  }
}

/** End of the interrupt of the highest priority, or of the one that is named. */
function endOfInterrupt(which: ChipState, value: number): void {
  if ((value & 0x20) === 0) return;
  const line = (value & 0x40) === 0 ? lowest(which.inService) : value & 7;
  which.inService &= ~(1 << line);
}
