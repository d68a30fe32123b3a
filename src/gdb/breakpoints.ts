import type { Debugger, Stopped, Watch } from '../debug/timeline/debugger.ts';
import { numberOfHex } from './packet.ts';
import { threadIdOf } from './thread-id.ts';

const WATCH_KINDS = { 2: 'write', 3: 'read', 4: 'access' } as const;
const WATCH_WORDS = { write: 'watch', read: 'rwatch', access: 'awatch' } as const;
/** The most bytes that one watchpoint may have: each stop compares them. */
const MOST_WATCHED = 4096n;

/** The breakpoints and watchpoints of a client: places where cores stop. Guest memory holds none of them. */
export class Breakpoints {
  readonly #debug: Debugger;
  readonly #software = new Set<bigint>();
  readonly #hardware = new Set<bigint>();
  readonly #watches = new Map<string, Watch>();
  /** What was there when the cores went on the last time: gdb leaves out the one that it steps over. */
  #before: ReadonlySet<bigint> = new Set();

  constructor(debug: Debugger) {
    this.#debug = debug;
  }

  /** Answers `Z0,addr,kind` and its like; undefined for a kind that there is not. */
  packet(text: string): 'OK' | 'E22' | undefined {
    const match = /^([Zz])(\d),([0-9a-f]+),([0-9a-f]+)(?:;.*)?$/i.exec(text);
    if (match === null) return 'E22';
    const insert = match[1] === 'Z';
    const kind = Number(match[2]);
    const address = numberOfHex(match[3]);
    const size = numberOfHex(match[4]);
    if (address === undefined || size === undefined) return 'E22';
    if (kind === 0 || kind === 1) {
      const set = kind === 0 ? this.#software : this.#hardware;
      if (insert) set.add(address);
      else set.delete(address);
      return 'OK';
    }
    if (kind !== 2 && kind !== 3 && kind !== 4) return undefined;
    if (size === 0n || size > MOST_WATCHED) return 'E22';
    const key = `${kind} ${address} ${size}`;
    if (insert) this.#watches.set(key, { address, size: Number(size), kind: WATCH_KINDS[kind] });
    else this.#watches.delete(key);
    return 'OK';
  }

  clear(): void {
    this.#software.clear();
    this.#hardware.clear();
    this.#watches.clear();
    this.arm(undefined);
    this.#before = new Set();
  }

  has(address: bigint): boolean {
    return this.#software.has(address) || this.#hardware.has(address);
  }

  /** Whether gdb has left out the breakpoint at this address, to step over it. */
  stepsOver(address: bigint): boolean {
    return this.#before.has(address) && !this.has(address);
  }

  /** Before the cores go on. `stepped`: other cores still stop at the breakpoint here. */
  arm(stepped: bigint | undefined): void {
    const { breakpoints, watches } = this.#debug;
    breakpoints.clear();
    watches.clear();
    for (const address of [...this.#software, ...this.#hardware]) breakpoints.add(address);
    if (stepped !== undefined) breakpoints.add(stepped);
    for (const watch of this.#watches.values()) watches.add(watch);
    this.#before = new Set(breakpoints);
  }

  /** The packet that says why the cores stopped, and which of them it is about. */
  reply(stopped: Stopped): string {
    const thread = `thread:${threadIdOf(stopped.core)};`;
    switch (stopped.why) {
      case 'breakpoint':
        return `T05${this.#hardware.has(stopped.address) && !this.#software.has(stopped.address) ? 'hwbreak' : 'swbreak'}:;${thread}`;
      case 'watch':
        return `T05${WATCH_WORDS[stopped.watch.kind]}:${stopped.watch.address.toString(16)};${thread}`;
      case 'begin':
        return `T05replaylog:begin;${thread}`;
      // Not a mere stop: gdb would try to go on stepping.
      case 'end':
      case 'blocked':
        return `T05replaylog:end;${thread}`;
      default:
        return `T05${thread}`;
    }
  }
}
