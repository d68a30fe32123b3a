import type { DebugProtocol } from '@vscode/debugprotocol';
import { disassemble } from '../debug/disassemble.ts';
import { exceptionName, hexBytes } from '../debug/names.ts';
import type { Frame } from '../debug/timeline/stack.ts';
import type { DataType } from '../image/data-types.ts';
import { AC, AF, CF, DF, GPR_NAMES, ID, IF, IOPL, NT, OF, PF, RF, SF, type StateWord, TF, ZF } from '../isa/core-state.ts';
import type { Core } from '../machine/core.ts';
import { fetchViews, type PendingStore, pendingInterrupts, pendingStores, readLinear } from '../machine/look.ts';
import type { Disassembly } from './disassembly.ts';
import type { Value } from './expression.ts';
import type { Run } from './run.ts';
import { SEGMENTS, SYSTEM } from './state-words.ts';
import { hex, sayNumber, sayValue } from './values.ts';

type Variable = DebugProtocol.Variable;
type Make = () => readonly Variable[];

const FLAGS = { CF, PF, AF, ZF, SF, TF, IF, DF, OF, NT, RF, AC, ID } as const;
/** Elements of an array are shown up to here when the client does not say which it wants. */
const MANY_ELEMENTS = 256;

/** What the panes of a client show of a core and a frame. References hold until the run moves. */
export class Variables {
  readonly #run: Run;
  readonly #disassembly: Disassembly;
  readonly #made = new Map<number, { readonly make: Make; readonly core: number; readonly address: bigint | undefined }>();
  /** Never used twice: an old reference must not show something else. */
  #next = 1;

  constructor(run: Run, disassembly: Disassembly) {
    this.#run = run;
    this.#disassembly = disassembly;
  }

  /** The run has moved: what was given out is over. */
  forget(): void {
    this.#made.clear();
  }

  #reference(core: number, make: Make, address?: bigint): number {
    this.#made.set(this.#next, { make, core, address });
    return this.#next++;
  }

  /** What a reference stands for; undefined for one that is over. */
  of(reference: number): readonly Variable[] | undefined {
    return this.#made.get(reference)?.make();
  }

  coreOf(reference: number): number | undefined {
    return this.#made.get(reference)?.core;
  }

  scopes(core: Core, frame: Frame): DebugProtocol.Scope[] {
    const scope = (name: string, make: Make, hint?: string, expensive = false): DebugProtocol.Scope => ({
      name,
      variablesReference: this.#reference(core.index, make),
      expensive,
      ...(hint !== undefined && { presentationHint: hint }),
    });
    const general = scope('General registers', () => this.#general(core, frame), 'registers');
    if (frame.kind !== 'current') return [general, scope('Variables', () => this.#globals(core), 'locals')];
    return [
      general,
      scope('Flags', () => this.#flags(core), 'registers'),
      scope('Segments', () => SEGMENTS.map((w) => this.#word(core, w)), 'registers'),
      scope('System registers', () => SYSTEM.map((w) => this.#word(core, w)), 'registers'),
      scope('Store buffer', () => this.#stores(core)),
      scope('Fetch', () => this.#fetch(core)),
      scope('Interrupts', () => this.#interrupts(core)),
      scope('Variables', () => this.#globals(core), 'locals'),
    ];
  }

  #register(name: string, value: bigint): Variable {
    const pointer = this.#run.image.segmentAt(value) !== undefined;
    return {
      name,
      value: sayNumber(this.#run, value, 8),
      evaluateName: `$${name}`,
      variablesReference: 0,
      presentationHint: { attributes: ['readOnly'] },
      ...(pointer && { memoryReference: hex(value) }),
    };
  }

  #general(core: Core, frame: Frame): Variable[] {
    const rip = this.#register('rip', frame.rip);
    const known = GPR_NAMES.map((name, n): Variable => {
      const value = frame.registers.get(n);
      if (value !== undefined) return this.#register(name, value);
      return { name, value: 'not saved', variablesReference: 0, presentationHint: { attributes: ['readOnly'] } };
    });
    return frame.kind === 'current' ? [rip, ...known, this.#register('rflags', BigInt(core.rflags))] : [rip, ...known];
  }

  #plain(name: string, value: string, evaluateName?: string): Variable {
    return {
      name,
      value,
      variablesReference: 0,
      presentationHint: { attributes: ['readOnly'] },
      ...(evaluateName !== undefined && { evaluateName }),
    };
  }

  #flags({ rflags }: Core): Variable[] {
    const flags = Object.entries(FLAGS).map(([name, bit]) => this.#plain(name, (rflags & bit) === 0 ? '0' : '1'));
    return [...flags, this.#plain('IOPL', `${(rflags & IOPL) >> 12}`)];
  }

  #word(core: Core, word: StateWord): Variable {
    return this.#plain(word, sayNumber(this.#run, core.get(word), 8), `$${word}`);
  }

  #stores(core: Core): Variable[] {
    const stores = pendingStores(this.#run.timeline.machine, core);
    if (stores.length === 0) return [this.#plain('empty', 'nothing waits: what the core stored is in memory')];
    return stores.map((store, n) => this.#plain(`[${n}]${n === 0 ? ' drains next' : ''}`, this.#store(store)));
  }

  #store({ physical, size, value }: PendingStore): string {
    const held = BigInt.asUintN(8 * size, value);
    const { names } = this.#run;
    if (names !== undefined) return `${names.data(physical, size)} = ${names.value(physical, size, held)}`;
    return `physical 0x${physical.toString(16)}, ${size} bytes = ${hex(held)}`;
  }

  /** For each patch site what memory holds and what the core's fetch could return; without sites the same of what is next. */
  #fetch(core: Core): Variable[] {
    const sites = this.#run.world?.sites.map((s) => ({ name: s.name, address: s.address })) ?? [];
    const next = { name: 'next instruction', address: core.linearRip };
    return [next, ...sites].map(({ name, address }) => {
      const { machine } = this.#run.timeline;
      const views = fetchViews(machine, core, address);
      const stale = views.filter((v) => v.stale);
      const says = (bytes: Uint8Array): string => {
        const [line] = disassemble(bytes, address, 'att', core.codeSize, core.codeBase);
        return `${hexBytes(bytes)} (${line === undefined ? 'nothing' : this.#disassembly.words(line)})`;
      };
      const children = (): Variable[] => [
        this.#plain('memory', hexBytes(readLinear(machine, core, address, 15, 'memory'))),
        ...views.map((v, n) => this.#plain(`fetch ${n}`, `${says(v.bytes)}${v.stale ? ' STALE' : ''}`)),
      ];
      const now = views.filter((v) => !v.stale).map((v) => says(v.bytes));
      const value = [...now, ...stale.map((v) => `${says(v.bytes)} STALE`)].join(' or ');
      return {
        ...this.#plain(name, value === '' ? 'nothing can be fetched' : value),
        variablesReference: this.#reference(core.index, children),
        memoryReference: hex(address),
      };
    });
  }

  #interrupts(core: Core): Variable[] {
    const pending = pendingInterrupts(core).map((v) => (v === 'nmi' ? 'NMI' : (this.#run.names?.vector(v) ?? exceptionName(v))));
    return [
      this.#plain('pending', pending.length === 0 ? 'none' : pending.join(', ')),
      this.#plain('enabled', (core.rflags & IF) === 0 ? 'no: IF is 0' : 'yes: IF is 1'),
      this.#plain('NMIs', core.small('nmiBlocked') === 0 ? 'open' : 'blocked until an IRET'),
      this.#plain('shadow', core.small('interruptShadow') === 0 ? 'no' : 'the next instruction is not split from the last one'),
    ];
  }

  /** The variables of the image that can change, as the core sees them. */
  #globals(core: Core): Variable[] {
    const { image } = this.#run;
    return image.symbols
      .filter((s) => s.kind === 'object' && s.size > 0 && image.segmentAt(s.address)?.writable === true)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name, address, size }) =>
        this.variable(core, name, name, address, image.types.variable(address) ?? { kind: 'scalar', size }),
      );
  }

  /** A variable in memory, with its parts. */
  variable(core: Core, name: string, evaluateName: string, address: bigint, type: DataType): Variable {
    const size = Math.max(1, type.size);
    const bytes = readLinear(this.#run.timeline.machine, core, address, Math.min(8, size));
    const parts = type.kind === 'struct' || type.kind === 'array';
    const value = bytes.reduceRight((all, b) => (all << 8n) | BigInt(b), 0n);
    const says =
      bytes.length < Math.min(8, size)
        ? 'no memory'
        : sayValue(this.#run, core.index, { value, size, address, type: type.kind === 'scalar' && size > 8 ? undefined : type } as Value);
    return {
      name,
      value: says,
      evaluateName,
      memoryReference: hex(address),
      variablesReference: parts ? this.#reference(core.index, () => this.#parts(core, evaluateName, address, type), address) : 0,
      ...(type.kind === 'array' && type.of.size > 0 && { indexedVariables: type.size / type.of.size }),
      presentationHint: { attributes: ['readOnly'] },
    };
  }

  #parts(core: Core, name: string, address: bigint, type: DataType): Variable[] {
    if (type.kind === 'struct') {
      return type.members.map((m, n) =>
        this.variable(
          core,
          m.name === '' ? `(part ${n})` : m.name,
          m.name === '' ? name : `${name}.${m.name}`,
          address + BigInt(m.offset),
          m.type,
        ),
      );
    }
    if (type.kind !== 'array' || type.of.size === 0) return [];
    return Array.from({ length: Math.min(MANY_ELEMENTS, type.size / type.of.size) }, (_, n) =>
      this.variable(core, `[${n}]`, `${name}[${n}]`, address + BigInt(n * type.of.size), type.of),
    );
  }

  /** The parts of a value that an expression gave: 0 where it has none. */
  partsOf(core: Core, text: string, { address, type }: Value): number {
    if (address === undefined || (type?.kind !== 'struct' && type?.kind !== 'array')) return 0;
    return this.#reference(core.index, () => this.#parts(core, text, address, type), address);
  }
}
