/** The 8042 keyboard controller, with no key ever pressed, and port 92h. The A20 line is always on; what is written about it is kept and read back. */

const OUTPUT_FULL = 1;
/** Bit 2: the self-test has passed. Bit 4: not locked. */
const IDLE = 0x14;
const COMMAND = {
  readConfiguration: 0x20,
  writeConfiguration: 0x60,
  disableSecond: 0xa7,
  testSecond: 0xa9,
  selfTest: 0xaa,
  testFirst: 0xab,
  readOutput: 0xd0,
  writeOutput: 0xd1,
  writeToSecond: 0xd4,
  reset: 0xfe,
} as const;
const ACKNOWLEDGE = 0xfa;
/** Output port: A20 on, no reset. */
const OUTPUT_PORT = 0x03;

export class Keyboard {
  readonly #reset: () => void;
  state = { configuration: 0x45, output: OUTPUT_PORT, port92: 2, answers: [] as number[], expects: 0 };

  constructor(reset: () => void) {
    this.#reset = reset;
  }

  owns(port: number): boolean {
    return port === 0x60 || port === 0x64 || port === 0x92;
  }

  read(port: number): number {
    const { state } = this;
    if (port === 0x92) return state.port92;
    if (port === 0x64) return IDLE | (state.answers.length > 0 ? OUTPUT_FULL : 0);
    return state.answers.shift() ?? 0;
  }

  write(port: number, value: number): void {
    const { state } = this;
    if (port === 0x92) {
      state.port92 = value & ~1;
      if ((value & 1) !== 0) this.#reset();
    } else if (port === 0x64) this.#command(value);
    else this.#data(value);
  }

  #answer(...bytes: number[]): void {
    this.state.answers = [...this.state.answers, ...bytes].slice(-16);
  }

  #command(value: number): void {
    const { state } = this;
    state.expects = 0;
    if (value === COMMAND.readConfiguration) this.#answer(state.configuration);
    else if (value === COMMAND.selfTest) this.#answer(0x55);
    else if (value === COMMAND.testFirst) this.#answer(0);
    // There is no mouse.
    else if (value === COMMAND.testSecond) this.#answer(1);
    else if (value === COMMAND.readOutput) this.#answer(state.output);
    else if (value === COMMAND.writeConfiguration || value === COMMAND.writeOutput || value === COMMAND.writeToSecond)
      state.expects = value;
    else if (value === COMMAND.reset || (value >= 0xf0 && (value & 1) === 0)) this.#reset();
  }

  #data(value: number): void {
    const { state } = this;
    const { expects } = state;
    state.expects = 0;
    if (expects === COMMAND.writeConfiguration) state.configuration = value;
    else if (expects === COMMAND.writeOutput) {
      state.output = value;
      if ((value & 1) === 0) this.#reset();
    } else if (expects === 0) {
      // The keyboard answers: reset and identify with what a keyboard says of itself.
      if (value === 0xff) this.#answer(ACKNOWLEDGE, 0xaa);
      else if (value === 0xf2) this.#answer(ACKNOWLEDGE, 0xab, 0x83);
      else if (value === 0xee) this.#answer(0xee);
      else this.#answer(ACKNOWLEDGE);
    }
  }
}
