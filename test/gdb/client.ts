import { connect, type Socket } from 'node:net';
import { bytesOfHex, hexOfText, PacketReader, packet } from '../../src/gdb/packet.ts';

/** A client of the protocol without gdb: it sends what a test says. */
export class Client {
  readonly #socket: Socket;
  readonly #reader = new PacketReader();
  readonly #packets: string[] = [];
  #heard: (() => void) | undefined;
  closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const hear = (): void => this.#heard?.();
    socket.on('data', (data: Buffer) => {
      for (const incoming of this.#reader.read(data)) {
        if (incoming.kind !== 'packet') continue;
        this.#packets.push(incoming.body);
        socket.write('+');
      }
      hear();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      hear();
    });
  }

  static connect(port: number): Promise<Client> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new Client(socket)));
      socket.once('error', reject);
    });
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** The next packet of the server; undefined when it has closed the connection. */
  async next(): Promise<string | undefined> {
    for (;;) {
      const found = this.#packets.shift();
      if (found !== undefined || this.closed) return found;
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }

  /** Sends a packet and gives what answers it; text for the person is skipped, `then` are bytes that go right behind it. */
  async ask(body: string, then: Uint8Array = new Uint8Array()): Promise<string | undefined> {
    this.write(Uint8Array.from([...packet(body), ...then]));
    for (;;) {
      const answer = await this.next();
      if (answer === undefined || !/^O[0-9a-f]+$/.test(answer)) return answer;
    }
  }

  /** What a monitor command shows. */
  async monitor(line: string): Promise<string> {
    this.write(packet(`qRcmd,${hexOfText(line)}`));
    let text = '';
    for (;;) {
      const answer = await this.next();
      if (answer === undefined || answer === 'OK') return text;
      text += new TextDecoder().decode(bytesOfHex(answer.slice(1)));
    }
  }

  end(): Promise<void> {
    return new Promise((resolve) => {
      if (this.closed) resolve();
      this.#socket.once('close', () => resolve());
      this.#socket.destroy();
    });
  }
}
