import { TextpokeError } from '../error.ts';
import type { Answer, Job } from './answer.ts';
import { hexOfText, type Incoming, PACKET_BYTES, PacketReader, packet } from './packet.ts';
import { Stub } from './stub.ts';
import type { Target } from './target.ts';

/** What a connection needs of the world. */
export interface Wire {
  send(bytes: Uint8Array): void;
  /** The client is done: it detached, killed the run, or broke the protocol. */
  done(why: string): void;
  /** Something for the server's log. */
  log(text: string): void;
  /** Calls back when bytes that have arrived were given to `receive`: long work takes turns with them. */
  later(work: () => void): void;
}

/** Packets that wait for a run to stop: gdb sends none. */
const MOST_WAITING = 256;
/** Characters of text in one packet: two digits a byte, and a character may be three. */
const TEXT_PIECE = PACKET_BYTES / 8;
const BAD = 'E22';

/** One client of the remote serial protocol: bytes in, bytes out. Packets go to a `Stub`; this is their frame, their order, and ^C. */
export class Connection {
  readonly #wire: Wire;
  readonly #stub: Stub;
  readonly #reader = new PacketReader();
  readonly #waiting: string[] = [];
  #acks = true;
  #last: Uint8Array | undefined;
  /** The packet whose answer the client has not acknowledged: it comes again where we were slow. */
  #unheard: string | undefined;
  #job: Job | undefined;
  #open = true;

  constructor(target: Target, wire: Wire) {
    this.#wire = wire;
    this.#stub = new Stub(
      target,
      (text) => this.#say(text),
      (text) => wire.log(text),
    );
  }

  /** Bytes that came. Never throws. */
  receive(bytes: Uint8Array): void {
    for (const incoming of this.#reader.read(bytes)) {
      if (!this.#open) return;
      this.#incoming(incoming);
    }
  }

  /** The client is gone: a run stops where it is, and what it had set is forgotten. */
  close(): void {
    this.#open = false;
    this.#job?.steps.return('');
    this.#job = undefined;
    this.#stub.forget();
  }

  #incoming(incoming: Incoming): void {
    switch (incoming.kind) {
      case 'ack':
        this.#unheard = undefined;
        return;
      case 'nak':
        if (this.#acks && this.#last !== undefined) this.#wire.send(this.#last);
        return;
      case 'bad':
        this.#wire.log(`dropped ${incoming.why}`);
        if (this.#acks) this.#wire.send(Uint8Array.of(0x2d));
        return;
      case 'interrupt':
        this.#interrupt();
        return;
      case 'packet':
        if (this.#acks) this.#wire.send(Uint8Array.of(0x2b));
        if (this.#acks && incoming.body === this.#unheard) return;
        this.#unheard = incoming.body;
        if (this.#job === undefined) this.#answer(incoming.body);
        else if (this.#waiting.length < MOST_WAITING) this.#waiting.push(incoming.body);
        else this.#end('it sends packets while the cores run');
    }
  }

  #send(body: string): void {
    this.#last = packet(body);
    this.#wire.send(this.#last);
  }

  /** Text for the person at the client. */
  #say(text: string): void {
    for (let n = 0; n < text.length; n += TEXT_PIECE) this.#send(`O${hexOfText(text.slice(n, n + TEXT_PIECE))}`);
  }

  #end(why: string): void {
    this.close();
    this.#wire.done(why);
  }

  // ---- work that takes turns ----

  #begin(job: Job): void {
    this.#job = job;
    this.#go();
  }

  #go(): void {
    const job = this.#job;
    if (job === undefined) return;
    let answer: string;
    try {
      const { done, value } = job.steps.next();
      if (done !== true) {
        this.#wire.later(() => this.#go());
        return;
      }
      answer = value;
    } catch (error) {
      answer = this.#failed(job, error);
    }
    this.#finish(answer);
  }

  #interrupt(): void {
    const job = this.#job;
    if (job === undefined) return;
    job.steps.return('');
    this.#finish(job.interrupted());
  }

  #finish(answer: string): void {
    this.#job = undefined;
    this.#send(answer);
    while (this.#open && this.#job === undefined) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#answer(next);
    }
  }

  #failed(job: Job, error: unknown): string {
    if (!(error instanceof TextpokeError)) this.#wire.log(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return job.failed(error);
  }

  #answer(body: string): void {
    let answer: Answer;
    try {
      answer = this.#stub.answer(body);
    } catch (error) {
      this.#wire.log(`${JSON.stringify(body.slice(0, 80))}: ${error instanceof Error ? error.message : String(error)}`);
      answer = BAD;
    }
    if (typeof answer === 'string') this.#send(answer);
    else if ('steps' in answer) this.#begin(answer);
    else {
      if (answer.last !== undefined) this.#send(answer.last);
      this.#end(answer.why);
    }
    // Its OK still went with acks both ways.
    if (body === 'QStartNoAckMode') this.#acks = false;
  }
}
