import { TextpokeError } from '../../error.ts';
import type { Assembler } from '../../image/assembler/index.ts';
import { type RegisterName, registerOf } from './registers.ts';
import {
  type CodeLabel,
  type CodeMapping,
  type HandlerKind,
  type LitmusTest,
  type LitmusValue,
  type LitmusVariable,
  labelsUsed,
  usesCode,
} from './syntax.ts';

const LINE_BYTES = 64;
const VALUE_BYTES = 8;
const NOP = 0x90;

/** Where a test is to lie, and what it finds there. */
export interface LitmusPlace {
  /** Linear address of its code; the variables begin `TEXT_BYTES` behind it. */
  readonly text: bigint;
  /** What turns the address of code into that in another mapping. */
  readonly deltas: Readonly<Record<CodeMapping, bigint>>;
  /** Jumps to where a thread that has ended stays. */
  readonly end: string;
  /** Assembly that comes behind the threads: `litmus_sync`, which SYNC calls and which keeps all registers, and what `entryOf` is for. */
  readonly runtime: string;
  readonly symbols?: ReadonlyMap<string, bigint>;
}

/** Room for the code of a test. */
export const TEXT_BYTES = 4 * 4096;

/** A test as machine code: thread n starts at `Pn`, each variable begins a cache line of its own. */
export interface LitmusCode {
  readonly text: bigint;
  readonly bytes: Uint8Array;
  /** Everything that the code defines, and the variables. */
  readonly symbols: ReadonlyMap<string, bigint>;
  readonly variables: readonly LitmusVariable[];
  readonly data: bigint;
  readonly initial: Uint8Array;
}

/** Symbol where a thread goes on after a fault, or of what an interrupt calls; those that the test does not say are the same for all. */
export function entryOf(test: LitmusTest, thread: number, kind: HandlerKind): string {
  if (test.handlers.some((h) => h.thread === thread && h.kind === kind)) return `litmus_${kind}_${thread}`;
  return kind === 'fault' ? `litmus_end_${thread}` : 'litmus_return';
}

/** An instruction set for `X86` is the 32-bit one: destination first, constants with `$`. In AT&T order, with the size in the name. */
function fromIntelOrder(line: string): string {
  const lock = /^lock\s*;?\s*/i.exec(line)?.[0] ?? '';
  const [, mnemonic = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(line.slice(lock.length)) ?? [];
  const name = mnemonic.toLowerCase();
  const operands = rest === '' ? [] : rest.split(',').map((o) => o.trim());
  if (operands.length === 0 || name.startsWith('j')) return `${lock === '' ? '' : 'lock '}${name} ${operands.join(', ')}`.trim();
  const att = operands
    .reverse()
    .map((o) => (o.startsWith('[') ? `(${o.slice(1, -1)})` : /^(E[A-D]X|E[SD]I|E[SB]P)$/i.test(o) ? `%${o.toLowerCase()}` : o));
  return `${lock === '' ? '' : 'lock '}${name}l ${att.join(', ')}`;
}

/** As GNU as has it: `lock;` is a prefix, CMPXCHG names its source first, a bare count of a shift is a constant, variables are addressed by RIP. */
function fromHerd(line: string): string {
  return line
    .replace(/^SYNC$/, 'call litmus_sync')
    .replace(/^lock\s*;\s*/i, 'lock ')
    .replace(/(cmpxchg[bwlq]?)\s+([^%\s]\S*?)\s*,\s*(%\w+)$/i, '$1 $3, $2')
    .replace(/^((?:sh[lr]|sa[lr]|ro[lr])[bwlq]?)\s+(\d+)\s*,/i, '$1 $$$2,');
}

const symbolOf = ({ thread, name }: CodeLabel): string => `P${thread}.${name}`;

/** One cell of a thread's column; labels get the thread's name, since two threads may use the same one. */
function translate(test: LitmusTest, thread: number, cell: string): string[] {
  const [, label, code = ''] = /^(?:([A-Za-z_]\w*)\s*:)?\s*(.*)$/s.exec(cell) ?? [];
  const out: string[] = [];
  if (label !== undefined) out.push(`${symbolOf({ thread, name: label })}:`);
  if (code === '') return out;
  const att = test.arch === 'X86' ? fromIntelOrder(code) : fromHerd(code);
  out.push(
    att
      .replace(/^(j\w+)\s+([A-Za-z_]\w*)$/i, (_, jump: string, name: string) => `${jump} ${symbolOf({ thread, name })}`)
      .replaceAll(/(\d*)\(\s*(P\d+):([A-Za-z_]\w*)\s*\)/g, (_, offset: string, owner: string, name: string) => {
        return `${offset === '' ? '' : `${offset}+`}${owner}.${name}(%rip)`;
      })
      .replaceAll(/\((?!%)([A-Za-z_]\w*)\)/g, '$1(%rip)')
      .replaceAll(/\b(\d+)([A-Za-z_]\w*)\(%rip\)/g, '$2+$1(%rip)'),
  );
  return out;
}

/** Instructions as a number: the first byte is the lowest, one-byte NOPs fill it up to eight. */
function numberOf(instructions: string, assembler: Assembler): bigint {
  const { bytes } = assembler.assemble(instructions.replaceAll(';', '\n'), { address: 0n });
  if (bytes.length > VALUE_BYTES) {
    throw new TextpokeError('E_INSN', `${instructions} is ${bytes.length} bytes long, a value has ${VALUE_BYTES}`, {
      where: instructions,
      hint: 'write longer code in pieces',
    });
  }
  return [...bytes, ...Array(VALUE_BYTES - bytes.length).fill(NOP)].reduceRight((n: bigint, b: number) => (n << 8n) | BigInt(b), 0n);
}

/** Makes numbers of values, once it is known where everything lies. */
type Resolve = (value: LitmusValue) => bigint;

/** Loads what a thread's registers start with. */
function setUp(test: LitmusTest, thread: number, resolve: Resolve): string[] {
  return test.registers
    .filter((r) => r.thread === thread && r.value !== 0n)
    .map((r) => {
      const { name } = registerNamed(r.register);
      if (typeof r.value === 'object' && 'address' in r.value) return `leaq ${r.value.address}(%rip), %${name}`;
      return `movabsq $${BigInt.asIntN(64, resolve(r.value))}, %${name}`;
    });
}

/** A register that a test names. `E_INSN` for those that are no data registers here. */
export function registerNamed(name: string): RegisterName {
  const found = registerOf(name);
  if (found !== undefined) return found;
  throw new TextpokeError('E_INSN', `${name} is no data register of a thread here`, {
    where: name,
    hint: 'the general registers but RSP are',
  });
}

/** Threads, their handlers, and the rest. What is written while it runs shares no cache line with what writes it. */
function sourceOf(test: LitmusTest, place: LitmusPlace, resolve: Resolve): string {
  const apart = usesCode(test) ? ['.p2align 7, 0xcc'] : [];
  const cells = (thread: number, all: readonly string[]): string[] => all.flatMap((cell) => translate(test, thread, cell));
  return [
    ...test.threads.flatMap((all, n) => [...apart, `P${n}:`, ...setUp(test, n, resolve), ...cells(n, all), `litmus_end_${n}:`, place.end]),
    ...test.handlers.flatMap((h) => [
      ...apart,
      `${entryOf(test, h.thread, h.kind)}:`,
      ...cells(h.thread, h.cells),
      h.kind === 'fault' ? place.end : 'ret',
    ]),
    ...apart,
    place.runtime,
  ].join('\n');
}

/** Assembles a test. `E_ASM`, `E_INSN` for an instruction or a register that is not supported, with its name. */
export function litmusCode(test: LitmusTest, place: LitmusPlace, assembler: Assembler): LitmusCode {
  const known = new Map<string, bigint>();
  const resolve: Resolve = (value) => {
    if (typeof value === 'bigint') return value;
    if ('instructions' in value) return numberOf(value.instructions, assembler);
    if ('address' in value) return known.get(value.address) ?? 0n;
    // Constants of eight bytes: the first pass, which does not know labels yet, is as long as the second.
    return (known.get(symbolOf(value.label)) ?? place.text) + place.deltas[value.mapping];
  };
  const first = sourceOf(test, place, resolve);
  const variables = allVariables(test, first, place);
  const data = place.text + BigInt(TEXT_BYTES);
  const places = new Map<string, bigint>();
  let at = data;
  for (const variable of variables) {
    places.set(variable.name, at);
    at += BigInt(Math.ceil((variable.bytes * variable.values.length) / LINE_BYTES) * LINE_BYTES);
  }
  const symbols = new Map<string, bigint>([...(place.symbols ?? []), ...places]);
  let assembled = assembler.assemble(first, { address: place.text, symbols });
  for (const [name, address] of [...places, ...assembled.symbols]) known.set(name, address);
  for (const label of labelsUsed(test)) {
    if (!known.has(symbolOf(label)))
      throw new TextpokeError('E_USAGE', `there is no label ${label.name} in P${label.thread}`, {
        where: `P${label.thread}:${label.name}`,
        hint: 'a label stands before an instruction: S: movl $1, %ebx',
      });
  }
  const second = sourceOf(test, place, resolve);
  if (second !== first) assembled = assembler.assemble(second, { address: place.text, symbols });
  if (assembled.bytes.length > TEXT_BYTES)
    throw new TextpokeError('E_ASM', `the code of ${test.name} takes more than ${TEXT_BYTES} bytes`, { hint: 'leave out alignment' });
  const own = [...assembled.symbols].filter(([name]) => !symbols.has(name));
  const initial = initialData(variables, places, data, Number(at - data), resolve);
  return { text: place.text, bytes: assembled.bytes, symbols: new Map([...own, ...places]), variables, data, initial };
}

/** Declared variables, and those that are only used: quadwords of zero. */
function allVariables(test: LitmusTest, source: string, place: LitmusPlace): LitmusVariable[] {
  const known = new Map(test.variables.map((v) => [v.name, v]));
  const used = [
    ...[...source.slice(0, source.length - place.runtime.length).matchAll(/(?<![\w.])([A-Za-z_]\w*)(?:\+\d+)?\(%rip\)/g)].map(
      (m) => m[1] as string,
    ),
    ...test.variables.flatMap((v) => v.values).flatMap(addressIn),
  ];
  for (const name of used) if (!known.has(name)) known.set(name, { name, bytes: 8, signed: false, values: [0n] });
  return [...known.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

const addressIn = (value: LitmusValue): string[] => (typeof value === 'object' && 'address' in value ? [value.address] : []);

function initialData(
  variables: readonly LitmusVariable[],
  places: ReadonlyMap<string, bigint>,
  base: bigint,
  size: number,
  resolve: Resolve,
): Uint8Array {
  const bytes = new Uint8Array(size);
  for (const variable of variables) {
    variable.values.forEach((value, n) => {
      const bits = BigInt.asUintN(64, resolve(value));
      const at = Number((places.get(variable.name) as bigint) - base) + n * variable.bytes;
      for (let i = 0; i < variable.bytes; i++) bytes[at + i] = Number((bits >> BigInt(8 * i)) & 0xffn);
    });
  }
  return bytes;
}
