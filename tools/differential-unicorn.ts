/**
 * Real mode and flat 32-bit code without paging: random programs on textpoke and on Unicorn, a build of QEMU's translator:
 *
 *   npx tsx tools/differential-unicorn.ts [--count N] [--seed N] [--engine NAME]
 *
 * Compared are general registers, EIP, flags and 1 MiB of memory, or the vector of the exception that ends a program. Left out are instructions that leave flags undefined, x87 and
 * vectors (the recorder has them), and programs that leave memory. Unicorn 2.0 checks neither limits nor rights of segments: what ends at one here counts apart.
 * Needs Linux, gcc and libunicorn-dev. Exit code 0 when all agree, 1 when one differs.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Code } from 'iced-x86';
import { Activity, Vector } from '../src/isa/core-state.ts';
import { RIGHTS, SEGMENTS } from '../src/isa/segments.ts';
import { type EngineName, Machine } from '../src/machine/machine.ts';
import type { MachineEvent } from '../src/machine/parts.ts';
import { setHidden, updateMode } from '../src/machine/segmentation.ts';
import { backgrounds } from './record-silicon/generate.ts';
import { generateSegmented } from './record-silicon/segmented.ts';
import { segmentedRowsOf } from './record-silicon/segmented-classes.ts';
import { bitsOf, chance, pick, type Random } from './record-silicon/values.ts';

const SOURCE = fileURLToPath(new URL('differential/unicorn.c', import.meta.url));
const MEMORY = 0x100000;
const MOST = 12;
const CLASSES = ['stack', 'branch', 'atomic', 'bitcond', 'int', 'int', 'shift', 'string'];
/** Flags that are always there, and those that programs begin with. */
const [ALWAYS, ARITHMETIC, DF] = [0x202, 0x8d5, 0x400];
const COMPARED = ARITHMETIC | DF;
const CS = 1;

/** What Unicorn does otherwise than the CPU that the recorder ran on: ENTER and RET of another size than the stack's, BSWAP of 16 bits, reserved NOPs. */
const JUDGED = /^(Enter[wd]|Retnw_imm16|Bswap_r16|ReservedNop|Prefetch)/i;

interface Program {
  readonly bits: 16 | 32;
  readonly instructions: number;
  readonly eip: number;
  readonly flags: number;
  readonly gpr: readonly number[];
  readonly selectors: readonly number[];
  readonly code: Uint8Array;
}

function programOf(random: Random): Program {
  const bits = pick(random, [16, 32] as const);
  const files = backgrounds(random, 1);
  const codes: Uint8Array[] = [];
  const instructions = 1 + random(MOST);
  for (let n = 0; codes.length < instructions && n < 200; n++) {
    const kind = pick(random, CLASSES);
    const row = pick(random, segmentedRowsOf(`${kind}-${bits}`)!);
    // VMCALL and its like have meanings of their own there; REP is one instruction there and many here.
    if (row.undefinedFlags !== 0 || row.features.length > 1 || row.privileged || JUDGED.test(Code[row.code]!)) continue;
    const test = generateSegmented(row, kind, n, random, files);
    if (test === undefined || test.repeats || test.undefinedFlags !== 0n) continue;
    codes.push(test.code);
    // What a branch goes to is anything.
    if (kind === 'branch') break;
  }
  // In flat code mostly small, so that addresses are inside memory.
  const register = (): number => Number(bitsOf(random, 32)) % (bits === 16 || random(8) === 0 ? 2 ** 32 : 0x40000);
  return {
    bits,
    instructions: codes.length,
    eip: 0x8000 + random(0x1000),
    flags: ALWAYS | (Number(bitsOf(random, 16)) & ARITHMETIC) | (random(4) === 0 ? DF : 0),
    gpr: Array.from({ length: 8 }, (_, n) => (n === 4 && bits === 32 ? 0x80000 + random(0x10000) : register())),
    selectors: Array.from({ length: 6 }, () => (bits === 16 ? random(0xe000) : 0)),
    code: Uint8Array.from(codes.flatMap((code) => [...code])),
  };
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const line = (p: Program): string =>
  [...[p.bits, p.instructions, p.eip, p.flags, ...p.gpr, ...p.selectors].map((n) => n.toString(16)), hex(p.code)].join(' ');

/** Bytes of memory before a program, as unicorn.c makes them. */
function background(): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length: MEMORY }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

interface Outcome {
  /** `-`, the vector of an exception, or `lost`. */
  readonly end: string;
  readonly words: readonly number[];
  readonly memory: ReadonlyMap<number, number>;
}

/** One machine in real mode or in protected mode without paging, put back for each program. */
class Ours {
  readonly #machine: Machine;
  readonly #before = background();
  #exception: Extract<MachineEvent, { kind: 'exception' }> | undefined;

  constructor(engine: EngineName) {
    this.#machine = new Machine({ cores: 1, ramBytes: MEMORY, engine });
    this.#machine.engine.touch(0, MEMORY);
    this.#machine.observers.push((event) => {
      if (event.kind === 'exception') this.#exception ??= event;
    });
  }

  #bytes(): Uint8Array {
    const { engine } = this.#machine;
    return engine.bytes.subarray(engine.map.ram, engine.map.ram + MEMORY);
  }

  run(p: Program): Outcome {
    const machine = this.#machine;
    const core = machine.cores[0]!;
    const ram = this.#bytes();
    ram.set(this.#before);
    ram.set(p.code, (p.bits === 16 ? p.selectors[CS]! << 4 : 0) + p.eip);
    const start = ram.slice();
    machine.engine.clearDecodeCache();
    core.set('cr0', p.bits === 16 ? 0n : 1n);
    core.set('idtrBase', 0n);
    core.set('idtrLimit', p.bits === 16 ? 0x3ffn : 0n);
    core.set('activity', 0n);
    core.set('cpl', 0n);
    const rights = RIGHTS.present | RIGHTS.user | RIGHTS.writable | RIGHTS.accessed | (p.bits === 32 ? RIGHTS.big | RIGHTS.pages : 0);
    p.selectors.forEach((selector, n) => {
      const base = p.bits === 16 ? BigInt(selector) << 4n : 0n;
      core.set(SEGMENTS[n]!.selector, BigInt(selector));
      setHidden(core, n, { base, limit: p.bits === 16 ? 0xffffn : 0xffffffffn, rights: n === CS ? rights | RIGHTS.code : rights });
    });
    updateMode(machine, core);
    p.gpr.forEach((value, n) => core.setGpr(n, BigInt(value)));
    core.rip = BigInt(p.eip);
    core.rflags = p.flags;
    this.#exception = undefined;
    let end = '-';
    try {
      for (let n = 0; n < p.instructions && this.#exception === undefined; n++) machine.runCore(core, 1);
    } catch {
      end = 'lost';
    }
    const exception = this.#exception as Extract<MachineEvent, { kind: 'exception' }> | undefined;
    if (exception !== undefined) end = exception.vector.toString(16);
    // Without a table of handlers a fault ends in shutdown.
    else if (core.activity === Activity.shutdown) end = 'shutdown';
    const now = this.#bytes();
    const memory = new Map<number, number>();
    if (Buffer.compare(now, start) !== 0) for (let n = 0; n < MEMORY; n++) if (now[n] !== start[n]) memory.set(n, now[n]!);
    return { end, words: [Number(core.rip), core.rflags & COMPARED, ...p.gpr.map((_, n) => Number(core.gpr(n)))], memory };
  }
}

function theirs(p: Program, text: string): Outcome {
  const [end, ...words] = text.split(' ') as [string, ...string[]];
  const numbers = words.slice(0, 10).map((word) => Number.parseInt(word, 16));
  const base = p.bits === 16 ? p.selectors[CS]! << 4 : 0;
  const [eip, flags, ...gpr] = numbers as [number, number, ...number[]];
  const memory = words.slice(10).map((pair): [number, number] => pair.split(':').map((n) => Number.parseInt(n, 16)) as [number, number]);
  // EIP comes as a linear address in real mode.
  return { end, words: [p.bits === 16 ? (eip - base) & 0xffff : eip, flags & COMPARED, ...gpr], memory: new Map(memory) };
}

/** #SS and #GP, or what becomes of them: a limit, or a store through CS. */
const LIMITS = new Set(['shutdown', ...[Vector.SS, Vector.GP].map((vector) => vector.toString(16))]);

function difference(a: Outcome, b: Outcome): string | undefined {
  if (a.end !== b.end) return `ends with ${a.end} and ${b.end}`;
  if (a.end !== '-') return undefined;
  const names = ['eip', 'eflags', 'eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'];
  const wrong = names.flatMap((name, n) =>
    a.words[n] === b.words[n] ? [] : [`${name} ${a.words[n]?.toString(16)} and ${b.words[n]?.toString(16)}`],
  );
  for (const at of new Set([...a.memory.keys(), ...b.memory.keys()]))
    if (a.memory.get(at) !== b.memory.get(at)) wrong.push(`[${at.toString(16)}] ${a.memory.get(at)} and ${b.memory.get(at)}`);
  return wrong.length === 0 ? undefined : wrong.slice(0, 6).join(', ');
}

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    engine: { type: 'string', default: 'interpreter' },
  },
});
const random = chance(Number(values.seed));
const programs = Array.from({ length: Number(values.count) }, () => programOf(random)).filter((p) => p.instructions > 0);
const folder = mkdtempSync(join(tmpdir(), 'textpoke-unicorn-'));
try {
  const built = spawnSync('gcc', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', join(folder, 'unicorn'), SOURCE, '-lunicorn'], {
    encoding: 'utf8',
  });
  if (built.status !== 0) throw new Error(built.stderr);
  const lines: string[] = [];
  // One that ends its process is lost, and a new process goes on behind it.
  while (lines.length < programs.length) {
    const input = programs
      .slice(lines.length)
      .map((p) => `${line(p)}\n`)
      .join('');
    const ran = spawnSync(join(folder, 'unicorn'), [], { input, encoding: 'utf8', maxBuffer: 1 << 30 });
    lines.push(...ran.stdout.split('\n').slice(0, -1));
    if (lines.length < programs.length) lines.push('lost');
  }
  const ours = new Ours(values.engine as EngineName);
  const counts = { equal: 0, lost: 0, limits: 0, different: 0, instructions: 0 };
  programs.forEach((p, n) => {
    const [a, b] = [ours.run(p), theirs(p, lines[n]!)];
    const what = difference(a, b);
    if (a.end === 'lost' || b.end === 'lost') counts.lost++;
    else if (what === undefined) {
      counts.equal++;
      counts.instructions += p.instructions;
    } else if (LIMITS.has(a.end)) counts.limits++;
    else if (counts.different++ < 5) console.log(`${p.bits}-bit program ${n}: ${what}\n  ${line(p)}`);
  });
  console.log(
    `${programs.length} programs: ${counts.equal} equal (${counts.instructions} instructions), ${counts.limits} end at a segment's limit or rights here, ${counts.lost} leave memory, ${counts.different} different`,
  );
  if (counts.different > 0) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
