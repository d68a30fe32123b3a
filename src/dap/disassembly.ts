import type { DebugProtocol } from '@vscode/debugprotocol';
import { type AssemblySyntax, type Disassembled, disassemble } from '../debug/disassemble.ts';
import { hexBytes } from '../debug/names.ts';
import { INT3 } from '../explore/site.ts';
import type { Core } from '../machine/core.ts';
import { fetchViews, readLinear } from '../machine/look.ts';
import type { Run } from './run.ts';
import type { Sources } from './sources.ts';

/** The longest instruction, in bytes (SDM Vol. 2, "Instruction Format"). */
const MAX_LENGTH = 15;
/** How far before an address decoding begins where no symbol says where an instruction is. */
const RUN_UP = 64;

export interface Wanted {
  readonly address: bigint;
  /** In instructions, from the one at the address. */
  readonly offset: number;
  readonly count: number;
  readonly symbols: boolean;
}

interface Line {
  readonly address: bigint;
  /** Empty where nothing is mapped. */
  readonly bytes: Uint8Array;
  readonly text: string;
  readonly valid: boolean;
}

/** The disassembly of memory as one core maps it, with what cores may fetch instead. */
export class Disassembly {
  readonly #run: Run;
  readonly #sources: Sources;
  readonly #syntax: AssemblySyntax;

  constructor(run: Run, sources: Sources, syntax: AssemblySyntax) {
    this.#run = run;
    this.#sources = sources;
    this.#syntax = syntax;
  }

  /** As many instructions as are asked for; where there is no memory they are invalid and one byte long. */
  instructions(core: Core, { address, offset, count, symbols }: Wanted): DebugProtocol.DisassembledInstruction[] {
    const lines: Line[] = [];
    if (offset < 0) lines.push(...this.#before(core, address, -offset).slice(0, count));
    if (lines.length < count) {
      const skip = Math.max(0, offset);
      lines.push(...this.#from(core, address, skip + count - lines.length).slice(skip));
    }
    let last = '';
    return lines.map((line) => {
      const told = this.#tell(line, symbols);
      // The source of a line is said once.
      const key = `${told.location?.path}:${told.line}`;
      if (key === last) return { ...told, location: undefined, line: undefined } as DebugProtocol.DisassembledInstruction;
      last = key;
      return told;
    });
  }

  /** The instruction of a line in words, with names for addresses. */
  words(line: Pick<Disassembled, 'text'>): string {
    return line.text.replace(/0x[0-9a-f]{5,16}/g, (hex) => {
      const address = BigInt(hex);
      return this.#run.image.symbolAt(address) === undefined ? hex : this.#run.code(address);
    });
  }

  /** What the fetch of each core could return at an address besides what memory holds: `CPU1 may fetch e8 ad e9 ff ff (call target_b), STALE`. */
  stale(address: bigint): string[] {
    const { machine } = this.#run.timeline;
    const cores = new Map<string, number[]>();
    for (const core of machine.cores) {
      for (const { bytes, stale } of fetchViews(machine, core, address)) {
        if (!stale) continue;
        const [line] = disassemble(bytes, address, this.#syntax, core.codeSize, core.codeBase);
        const text = `${hexBytes(bytes)} (${line === undefined ? 'nothing' : this.words(line)})`;
        cores.set(text, [...(cores.get(text) ?? []), core.index]);
      }
    }
    return [...cores].map(([text, of]) => `${of.map((c) => `CPU${c}`).join(', ')} may fetch ${text}, STALE`);
  }

  #tell({ address, bytes, text, valid }: Line, symbols: boolean): DebugProtocol.DisassembledInstruction {
    const found = symbols ? this.#run.image.symbolAt(address) : undefined;
    const source = this.#run.image.lineAt(address);
    const location = source === undefined ? undefined : this.#sources.source(source.file);
    const stale = bytes.length === 0 ? [] : this.stale(address);
    return {
      address: `0x${address.toString(16)}`,
      ...(bytes.length > 0 && { instructionBytes: hexBytes(bytes) }),
      instruction: [valid ? this.words({ text }) : text, ...stale].join('  ; '),
      ...(found !== undefined && { symbol: this.#run.code(address) }),
      ...(location !== undefined && source !== undefined && { location, line: source.line }),
      ...(!valid && { presentationHint: 'invalid' as const }),
    };
  }

  #read(core: Core, address: bigint, length: number): Uint8Array {
    return readLinear(this.#run.timeline.machine, core, address, length, 'memory');
  }

  /** Bytes as instructions. A site is decoded by itself: behind an INT3 there lies the tail of an instruction, not code. */
  #decode(core: Core, bytes: Uint8Array, address: bigint): Line[] {
    const end = address + BigInt(bytes.length);
    const out: Line[] = [];
    const plain = (from: bigint, to: bigint): void => {
      if (from < to)
        out.push(
          ...disassemble(bytes.subarray(Number(from - address), Number(to - address)), from, this.#syntax, core.codeSize, core.codeBase),
        );
    };
    let at = address;
    for (const site of [...(this.#run.world?.sites ?? [])].sort((a, b) => (a.address < b.address ? -1 : 1))) {
      const behind = site.address + BigInt(site.versions[0]!.length);
      if (behind <= at || site.address >= end) continue;
      const from = site.address > at ? site.address : at;
      plain(at, from);
      const to = behind < end ? behind : end;
      const part = bytes.subarray(Number(from - address), Number(to - address));
      const isTail = from > site.address;
      const head = isTail ? 0 : 1;
      if (!isTail && part[0] !== INT3) plain(from, to);
      else {
        if (!isTail) plain(from, from + 1n);
        const tail = part.subarray(head);
        const text = `.byte ${[...tail].map((b) => `0x${b.toString(16).padStart(2, '0')}`).join(', ')}`;
        if (tail.length > 0) out.push({ address: from + BigInt(head), bytes: tail, text, valid: true });
      }
      at = to;
    }
    plain(at, end);
    return out;
  }

  #from(core: Core, address: bigint, count: number): Line[] {
    const out: Line[] = [];
    let at = BigInt.asUintN(64, address);
    while (out.length < count) {
      const bytes = this.#read(core, at, (count - out.length) * MAX_LENGTH);
      // The last one may be cut off where more memory follows that was not asked for.
      const lines: readonly Line[] = bytes.length === 0 ? [absent(at)] : this.#decode(core, bytes, at);
      const whole = bytes.length === (count - out.length) * MAX_LENGTH ? lines.slice(0, count - out.length) : lines;
      out.push(...whole.slice(0, count - out.length));
      const end = out.at(-1) as Line;
      at = BigInt.asUintN(64, end.address + BigInt(Math.max(1, end.bytes.length)));
    }
    return out;
  }

  /** The `count` instructions that end at an address. */
  #before(core: Core, address: bigint, count: number): Line[] {
    let out: Line[] = [];
    let end = BigInt.asUintN(64, address);
    while (out.length < count) {
      const lines = this.#piece(core, end);
      out = [...lines, ...out];
      end = BigInt.asUintN(64, lines[0]!.address);
    }
    return out.slice(out.length - count);
  }

  /** Some instructions up to an address: from the symbol before it, or from not far, at the nearest byte from where they fit. */
  #piece(core: Core, end: bigint): Line[] {
    const before = BigInt.asUintN(64, end - 1n);
    const last = this.#read(core, before, 1);
    if (last.length === 0) return [absent(before)];
    const symbol = this.#run.image.symbolAt(before)?.symbol.address;
    const furthest = symbol !== undefined && end - symbol <= 4096n ? symbol : end > BigInt(RUN_UP) ? end - BigInt(RUN_UP) : 0n;
    for (let start = furthest; start < end; start++) {
      const bytes = this.#read(core, start, Number(end - start));
      if (bytes.length < Number(end - start)) continue;
      const lines = this.#decode(core, bytes, start);
      if (lines.at(-1)?.text !== '(ends inside an instruction)') return lines;
    }
    return [{ address: before, bytes: last, text: '(bad)', valid: false }];
  }
}

const absent = (address: bigint): Line => ({ address, bytes: new Uint8Array(0), text: '(no memory)', valid: false });
