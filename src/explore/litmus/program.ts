import { TextpokeError } from '../../error.ts';
import type { Assembler } from '../../image/assembler/index.ts';
import { Image } from '../../image/image.ts';
import { KERNEL_BASE } from '../../kernel/layout.ts';
import { type RegisterName, registerOf } from './registers.ts';
import type { LitmusTest, LitmusValue, LitmusVariable } from './syntax.ts';

const LINE_BYTES = 64;
const PAGE_BYTES = 4096n;

/** A test as machine code beside the lab kernel: thread n starts at `Pn`, each variable begins a cache line of its own. */
export interface LitmusProgram {
  readonly image: Image;
  readonly variables: readonly LitmusVariable[];
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
    .replace(/^lock\s*;\s*/i, 'lock ')
    .replace(/(cmpxchg[bwlq]?)\s+([^%\s]\S*?)\s*,\s*(%\w+)$/i, '$1 $3, $2')
    .replace(/^((?:sh[lr]|sa[lr]|ro[lr])[bwlq]?)\s+(\d+)\s*,/i, '$1 $$$2,');
}

/** One cell of a thread's column; labels get the thread's name, since two threads may use the same one. */
function translate(test: LitmusTest, thread: number, cell: string): string[] {
  const [, label, code = ''] = /^(?:([A-Za-z_]\w*)\s*:)?\s*(.*)$/s.exec(cell) ?? [];
  const out: string[] = [];
  const local = (name: string): string => `P${thread}.${name}`;
  if (label !== undefined) out.push(`${local(label)}:`);
  if (code === '') return out;
  const att = test.arch === 'X86' ? fromIntelOrder(code) : fromHerd(code);
  out.push(
    att
      .replace(/^(j\w+)\s+([A-Za-z_]\w*)$/i, (_, jump: string, target: string) => `${jump} ${local(target)}`)
      .replaceAll(/\((?!%)([A-Za-z_]\w*)\)/g, '$1(%rip)')
      .replaceAll(/\b(\d+)([A-Za-z_]\w*)\(%rip\)/g, '$2+$1(%rip)'),
  );
  return out;
}

/** Loads what a thread's registers start with. */
function setUp(test: LitmusTest, thread: number): string[] {
  return test.registers
    .filter((r) => r.thread === thread && r.value !== 0n)
    .map((r) => {
      const { name } = registerNamed(r.register);
      return typeof r.value === 'bigint' ? `movabsq $${BigInt.asIntN(64, r.value)}, %${name}` : `leaq ${r.value.address}(%rip), %${name}`;
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

/** Assembles a test. `E_ASM`, `E_INSN` for an instruction or a register that is not supported, with its name. */
export function litmusProgram(test: LitmusTest, lab: Image, assembler: Assembler): LitmusProgram {
  const source = test.threads
    .flatMap((cells, n) => [`P${n}:`, ...setUp(test, n), ...cells.flatMap((cell) => translate(test, n, cell)), 'jmp cpu_idle'])
    .join('\n');
  const variables = allVariables(test, source);
  const end = lab.segments.reduce((top, s) => (s.address + BigInt(s.memorySize) > top ? s.address + BigInt(s.memorySize) : top), 0n);
  const text = (end + 2n * PAGE_BYTES) & -PAGE_BYTES;
  const data = text + 4n * PAGE_BYTES;
  const places = new Map<string, bigint>();
  let at = data;
  for (const variable of variables) {
    places.set(variable.name, at);
    at += BigInt(Math.ceil((variable.bytes * variable.values.length) / LINE_BYTES) * LINE_BYTES);
  }
  const symbols = new Map<string, bigint>([['cpu_idle', lab.symbol('cpu_idle').address], ...places]);
  const assembled = assembler.assemble(source, { address: text, symbols });
  const label = (name: string, address: bigint) => ({ name, address, size: 0, kind: 'label' }) as const;
  const segment = (address: bigint, bytes: Uint8Array, executable: boolean) => ({
    address,
    physical: address - KERNEL_BASE,
    bytes,
    memorySize: Math.ceil(Math.max(1, bytes.length) / 4096) * 4096,
    readable: true,
    writable: !executable,
    executable,
  });
  const image = new Image({
    segments: [
      ...lab.segments,
      segment(text, assembled.bytes, true),
      segment(data, initialData(variables, places, data, Number(at - data)), false),
    ],
    entry: lab.entry,
    symbols: [
      ...lab.symbols,
      ...[...assembled.symbols].filter(([n]) => n !== 'cpu_idle' && !places.has(n)).map(([n, a]) => label(n, a)),
      ...[...places].map(([n, a]) => label(n, a)),
    ],
  });
  return { image, variables };
}

/** Declared variables, and those that are only used: quadwords of zero. */
function allVariables(test: LitmusTest, source: string): LitmusVariable[] {
  const known = new Map(test.variables.map((v) => [v.name, v]));
  const used = [
    ...[...source.matchAll(/\b([A-Za-z_]\w*)(?:\+\d+)?\(%rip\)/g)].map((m) => m[1] as string),
    ...test.variables.flatMap((v) => v.values).flatMap(addressIn),
  ];
  for (const name of used) if (!known.has(name)) known.set(name, { name, bytes: 8, signed: false, values: [0n] });
  return [...known.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

const addressIn = (value: LitmusValue): string[] => (typeof value === 'bigint' ? [] : [value.address]);

function initialData(variables: readonly LitmusVariable[], places: ReadonlyMap<string, bigint>, base: bigint, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (const variable of variables) {
    variable.values.forEach((value, n) => {
      const bits = BigInt.asUintN(64, typeof value === 'bigint' ? value : (places.get(value.address) ?? 0n));
      const at = Number((places.get(variable.name) as bigint) - base) + n * variable.bytes;
      for (let i = 0; i < variable.bytes; i++) bytes[at + i] = Number((bits >> BigInt(8 * i)) & 0xffn);
    });
  }
  return bytes;
}
