import { Connection } from '../../src/gdb/connection.ts';
import { PacketReader, packet } from '../../src/gdb/packet.ts';
import type { Target } from '../../src/gdb/target.ts';

/** A connection without a socket: work that takes turns is done at once, for two slices. */
export class Driven {
  readonly packets: string[] = [];
  readonly log: string[] = [];
  isDone = false;
  readonly #connection: Connection;
  readonly #reader = new PacketReader();
  readonly #later: (() => void)[] = [];

  constructor(target: Target) {
    this.#connection = new Connection(target, {
      send: (bytes) => {
        for (const incoming of this.#reader.read(bytes)) if (incoming.kind === 'packet') this.packets.push(incoming.body);
      },
      done: () => {
        this.isDone = true;
      },
      log: (text) => void this.log.push(text),
      later: (work) => void this.#later.push(work),
    });
  }

  give(bytes: Uint8Array): void {
    this.#connection.receive(bytes);
    for (let n = 0; n < 2 && this.#later.length > 0; n++) this.#later.shift()?.();
  }

  /** The last packet that answers this one. */
  ask(body: string): string | undefined {
    this.give(Uint8Array.from([0x2b, ...packet(body)]));
    return this.packets.at(-1);
  }

  /** A run that goes on is interrupted. */
  stop(): void {
    this.give(Uint8Array.of(3));
  }

  close(): void {
    this.#connection.close();
  }
}
