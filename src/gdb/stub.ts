import type { Core } from '../machine/core.ts';
import { readLinear } from '../machine/look.ts';
import type { Answer } from './answer.ts';
import { Breakpoints } from './breakpoints.ts';
import { memoryMapXml, targetXml, threadsXml } from './documents.ts';
import { HostFile } from './exec-file.ts';
import { Monitor } from './monitor/monitor.ts';
import { bytesOfHex, hexOf, hexOfText, numberOfHex, PACKET_BYTES } from './packet.ts';
import { registerHex } from './registers.ts';
import { REFUSAL, Runner } from './runner.ts';
import type { Target } from './target.ts';
import { parseThreadId, threadIdOf } from './thread-id.ts';
import { parseResumption } from './vcont.ts';

const FEATURES = [
  `PacketSize=${PACKET_BYTES.toString(16)}`,
  'QStartNoAckMode+',
  'multiprocess+',
  'swbreak+',
  'hwbreak+',
  'vContSupported+',
  'ReverseStep+',
  'ReverseContinue+',
  'qXfer:features:read+',
  'qXfer:threads:read+',
  'qXfer:memory-map:read+',
];
/** Bytes that an `m` packet answers at most. */
const MOST_READ = (PACKET_BYTES - 8) / 2;
/** EFAULT, as gdb's own stub answers. */
const UNMAPPED = 'E14';
const BAD = 'E22';
/** gdb shows it where it shows what an error says: for registers. */
const REFUSED = `E.${REFUSAL}`;

/** Answers the packets of one client. Cores are threads. Nothing that it reads changes the run. */
export class Stub {
  readonly #target: Target;
  readonly #log: (text: string) => void;
  readonly #breakpoints: Breakpoints;
  readonly #monitor: Monitor;
  readonly #runner: Runner;
  readonly #file: HostFile;
  /** Whom `g`, `m` and their like are about. */
  #core: number;
  /** Whom `bs` and old forms of resuming are about. */
  #stepped: number | 'any' | 'all' = 'any';

  /** `say`: text for the person at the client. `log`: for the server's. */
  constructor(target: Target, say: (text: string) => void, log: (text: string) => void) {
    this.#target = target;
    this.#log = log;
    this.#core = target.firstCore();
    this.#breakpoints = new Breakpoints(target.debug);
    this.#monitor = new Monitor(target, () => this.#core, say);
    this.#runner = new Runner(target, this.#breakpoints, this.#monitor.stops, say, (core) => {
      this.#core = core;
    });
    this.#file = new HostFile(target.execFile);
  }

  /** The client is gone. */
  forget(): void {
    this.#breakpoints.clear();
  }

  /** The answer to a packet. What it throws is a fault of the packet. */
  answer(body: string): Answer {
    const rest = body.slice(1);
    switch (body[0]) {
      case '?':
        return `T05thread:${threadIdOf(this.#core)};`;
      case '!':
        return 'OK';
      case 'H':
        return this.#setThread(rest);
      case 'T':
        return typeof parseThreadId(rest, this.#cores) === 'number' ? 'OK' : BAD;
      case 'g':
        return this.#target.registers.registers
          .slice(0, this.#target.registers.inG)
          .map((r) => registerHex(r, this.#current, this.#target))
          .join('');
      case 'p': {
        const register = this.#target.registers.registers[Number(numberOfHex(rest) ?? -1n)];
        return register === undefined ? BAD : registerHex(register, this.#current, this.#target);
      }
      case 'm':
        return this.#readMemory(rest);
      case 'P':
        return this.#writeRegister(rest);
      case 'G':
      case 'M':
      case 'X':
        return this.#refuse(body);
      case 'Z':
      case 'z':
        if (body[0] === 'z') this.#runner.shown();
        return this.#breakpoints.packet(body) ?? '';
      case 'c':
      case 'C':
        return this.#runner.forward({ goal: { kind: 'continue' }, alone: undefined }, this.#core);
      case 's':
      case 'S':
        return this.#runner.forward({ goal: { kind: 'instruction', core: this.#steppedCore }, alone: undefined }, this.#core);
      case 'b':
        if (rest === 'c') return this.#runner.back({ kind: 'continue' }, this.#steppedCore);
        return rest === 's' ? this.#runner.back({ kind: 'instruction', core: this.#steppedCore }, this.#steppedCore) : '';
      case 'D':
        return { last: 'OK', why: 'detached' };
      case 'k':
        return { last: undefined, why: 'killed the run' };
      case 'v':
        return this.#verb(body);
      case 'q':
      case 'Q':
        return this.#query(body);
      default:
        return '';
    }
  }

  get #cores(): number {
    return this.#target.timeline.machine.cores.length;
  }

  get #current(): Core {
    return this.#target.timeline.machine.cores[this.#core] as Core;
  }

  get #steppedCore(): number {
    return typeof this.#stepped === 'number' ? this.#stepped : this.#core;
  }

  #setThread(text: string): string {
    const id = parseThreadId(text.slice(1), this.#cores);
    if (id === undefined) return BAD;
    if (text[0] === 'c') this.#stepped = id;
    else if (text[0] !== 'g') return '';
    else if (typeof id === 'number') this.#core = id;
    return 'OK';
  }

  #readMemory(text: string): string {
    const [address, length] = text.split(',').map(numberOfHex);
    if (address === undefined || length === undefined) return BAD;
    if (length === 0n) return '';
    const wanted = length > MOST_READ ? MOST_READ : Number(length);
    const bytes = readLinear(this.#target.timeline.machine, this.#current, address, wanted);
    return bytes.length === 0 ? UNMAPPED : hexOf(bytes);
  }

  /** No register is written, but gdb believes that a core goes on behind an INT3 where it was told to set a breakpoint of its own. */
  #writeRegister(text: string): string {
    const [register, value] = text.split('=');
    const bytes = bytesOfHex(value ?? '');
    const { registers, counter } = this.#target.registers;
    if (bytes !== undefined && registers[Number(numberOfHex(register) ?? -1n)]?.name === counter) {
      const wanted = bytes.reduceRight((all, byte) => (all << 8n) | BigInt(byte), 0n);
      if (this.#runner.int3.skips(this.#current, wanted)) return 'OK';
    }
    return this.#refuse('P');
  }

  #refuse(body: string): string {
    this.#log(`refused to write a register or memory (${body[0]})`);
    this.#runner.refused();
    return REFUSED;
  }

  #verb(body: string): Answer {
    if (body === 'vCont?') return 'vCont;c;C;s;S;t;r';
    if (body.startsWith('vCont;')) {
      const resumption = parseResumption(body.slice('vCont'.length), this.#cores, this.#core);
      return resumption === undefined ? BAD : this.#runner.forward(resumption, this.#core);
    }
    if (body.startsWith('vFile:')) return this.#file.packet(body.slice('vFile:'.length));
    return body.startsWith('vKill;') ? { last: 'OK', why: 'killed the run' } : '';
  }

  #query(body: string): Answer {
    const [name] = body.split(/[:;]/);
    switch (name) {
      case 'qSupported':
        return [...FEATURES, ...(this.#target.execFile === undefined ? [] : ['qXfer:exec-file:read+'])].join(';');
      case 'QStartNoAckMode':
        return 'OK';
      case 'qAttached':
        return '1';
      case 'qC':
        return `QC${threadIdOf(this.#core)}`;
      case 'qfThreadInfo':
        return `m${this.#target.timeline.machine.cores.map((c) => threadIdOf(c.index)).join(',')}`;
      case 'qsThreadInfo':
        return 'l';
      case 'qSymbol':
        return 'OK';
      case 'qXfer':
        if (body.startsWith('qXfer:threads:')) this.#runner.shown();
        return this.#transfer(body.slice('qXfer:'.length));
      default:
        break;
    }
    if (body.startsWith('qThreadExtraInfo,')) {
      const core = parseThreadId(body.slice('qThreadExtraInfo,'.length), this.#cores);
      return typeof core === 'number' ? hexOfText(this.#target.threadText(this.#target.timeline.machine.cores[core] as Core)) : BAD;
    }
    if (body.startsWith('qRcmd,')) {
      const bytes = bytesOfHex(body.slice('qRcmd,'.length));
      return bytes === undefined ? BAD : this.#monitor.command(new TextDecoder().decode(bytes));
    }
    return '';
  }

  #transfer(text: string): string {
    const [, object, annex, from, length] = /^([a-z-]+):read:([^:]*):([0-9a-f]+),([0-9a-f]+)$/i.exec(text) ?? [];
    const document = this.#document(object, annex);
    const offset = Number(numberOfHex(from) ?? 0n);
    const most = Math.min(Number(numberOfHex(length) ?? 0n), MOST_READ);
    if (document === undefined) return object === undefined ? '' : 'E00';
    const bytes = new TextEncoder().encode(document);
    const piece = bytes.subarray(Math.min(offset, bytes.length), Math.min(offset + most, bytes.length));
    const last = offset + piece.length >= bytes.length;
    return (last ? 'l' : 'm') + String.fromCharCode(...piece);
  }

  #document(object: string | undefined, annex: string | undefined): string | undefined {
    switch (object) {
      case 'features':
        return annex === 'target.xml' ? targetXml(this.#target.registers) : undefined;
      case 'threads':
        return threadsXml(this.#target);
      case 'memory-map':
        return memoryMapXml(this.#target.timeline.image);
      case 'exec-file':
        return this.#target.execFile?.path;
      default:
        return undefined;
    }
  }
}
