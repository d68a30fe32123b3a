/** What a guest wrote to its serial port: told once, however often debugging plays the same instructions again. */
export class SerialLog {
  #told = 0;
  #pending: number[] = [];
  readonly #decoder = new TextDecoder();

  /** Byte number `index` of the run. */
  byte(byte: number, index: number): void {
    if (index < this.#told) return;
    this.#told = index + 1;
    this.#pending.push(byte);
  }

  /** What is new since it was last asked for. */
  take(): string {
    const text = this.#decoder.decode(Uint8Array.from(this.#pending), { stream: true });
    this.#pending = [];
    return text;
  }
}
