import { loadAssembler } from '../../src/image/assembler/index.ts';
import { Vector } from '../../src/isa/core-state.ts';
import { REQUESTED, setVector } from '../../src/machine/apic-state.ts';
import { type EngineName, Machine } from '../../src/machine/machine.ts';
import { FETCH_POLICY_NAMES, fetchPolicy } from '../../src/machine/policy/index.ts';
import { chance } from './chance.ts';
import { bare, walkTogether } from './lockstep.ts';
import { randomProgram } from './program.ts';
import { type ProgramLayout, prepare, SKIPPING, startCore } from './start.ts';

/** Where two engines came apart on a schedule. */
export interface ScheduleDifference {
  readonly engine: EngineName;
  readonly steps: number;
  readonly what: string;
  readonly program: string;
}

export interface ScheduleCompared {
  readonly steps: number;
  readonly regions: number;
  readonly difference: ScheduleDifference | undefined;
}

const CORES = 2;
const RAM = 0x300000;
/** What programs see as memory: as much of it as a program of one core has. */
const MAPPED = 0x200000;
const TEXT = 0x100000;
const SHARED = 0x130000;
/** Data and stack of each core, at the same linear addresses in pages of its own. */
const DATA = 0x140000;
const DATA_BYTES = 0x3000;
const STACK = 0x120000;
const STACK_BYTES = 0x2000;
const PRIVATE_AT = 0x200000;
const PRIVATE_STRIDE = 0x10000;
const LAYOUT: ProgramLayout = { text: TEXT, stack: STACK, tables: 0x240000, gdt: 0x2f0000, idt: 0x2f1000, tss: 0x2f2000 };
const VECTOR = 0x40;
const MAX_STEPS = 120;

const assembler = await loadAssembler();

/** Handlers of what may happen: interrupts and debug exceptions return, faults are skipped, and what else there is ends the program. */
const HANDLERS: Readonly<Record<number, string>> = {
  ...SKIPPING,
  [Vector.DB]: 'handler',
  [VECTOR]: 'handler',
  [Vector.NMI]: 'handler',
};

/** Accesses that others see, of all kinds that are one, two or more of them: loads, stores, both, locked ones, over two lines, of vectors; stores to text; fences; some of what is private. */
function accessLines(random: (below: number) => number): string[] {
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const register = pick(['rax', 'rcx', 'rdx', 'r8', 'r9', 'r13']);
  const offset = pick([0, 8, 16, 61, 64, 120, 126, 200, random(256)]);
  const at = random(3) === 0 ? `${offset}(%rbx)` : `0x${(SHARED + offset).toString(16)}`;
  return pick([
    [`mov ${at}, %${register}`],
    [`mov %${register}, ${at}`],
    [`add %${register}, ${at}`],
    [`cmp %${register}, ${at}`],
    [`lock add %${register}, ${at}`, LANDED],
    [`lock xadd %${register}, ${at}`, LANDED],
    [`lock cmpxchg %${register}, ${at}`, LANDED],
    [`lock decl ${at}`, LANDED],
    [`xchg %${register}, ${at}`],
    ['cmpxchg16b 0x130040', LANDED],
    [`push ${at}`, `pop %${register}`],
    [`push %${register}`, `pop ${at}`],
    ['lea .Lto%=(%rip), %rax', `mov %rax, ${at}`, `jmp *${at}`, '.Lto%=:'],
    [`movdqu ${at}, %xmm1`, `movdqu %xmm1, ${at}`, LANDED],
    [`vmovdqu %ymm2, ${at}`, LANDED],
    [`lea ${at}, %rdi`, `lea ${random(64)}(%rbx), %rsi`, `mov $${random(9)}, %ecx`, `rep ${pick(['movsb', 'movsq', 'stosl'])}`],
    [`mov $${3 + random(60)}, %ecx`, '.Lto%=:', `add %rcx, ${offset}(%rbx)`, 'xor %ecx, %eax', 'loop .Lto%='],
    ['incb patched+3(%rip)'],
    ...[3, 15].map((mask) => [`test $${mask}, %r15b`, 'jnz .Lto%=', 'incb patched+3(%rip)', '.Lto%=:']),
    ['mfence'],
    ['mfence', `mov ${at}, %${register}`],
  ]);
}

/** Where the handler of a fault goes on. */
const LANDED = '.byte 0x0f, 0x1f, 0x40, 0x5a';

/** A random program of one core for two: most data is each core's own, some accesses go to a page that both have. */
function sharedProgram(random: (below: number) => number): string {
  const rarity = [3, 8, 30, 200][random(4)]!;
  let labels = 0;
  const more = (): string => {
    const lines = accessLines(random).join('\n  ').replaceAll('%=', `${labels++}`);
    return `  ${lines}\n`;
  };
  return randomProgram(random)
    .replace('lea data(%rip), %rbx', `mov $${DATA}, %ebx`)
    .replace(/(\d+)\(%rbx(,%r15,2)?\)/g, (all, offset: string, index: string | undefined) => {
      if (random(rarity) > 0) return all;
      return `0x${(SHARED + Number(offset)).toString(16)}${index === undefined ? '' : '(,%r15,2)'}`;
    })
    .replace(/^(patched: .*\n)/m, (all) => all + Array.from({ length: random(4) }, more).join(''))
    .replace(/^( {2}dec %r15\n)/m, (all) => Array.from({ length: random(3) }, more).join('') + all)
    .replace('mov %rcx, (%rbx)', random(2) === 0 ? 'mov %rcx, (%rbx)' : `mov %rcx, 0x${SHARED.toString(16)}`);
}

interface Setup {
  readonly bytes: Uint8Array;
  readonly symbol: (name: string) => number;
  readonly fetch: string;
  readonly memory: 'sc' | 'tso';
  readonly declared: boolean;
  readonly everyInstruction: boolean;
  readonly splits: boolean;
  readonly pending: boolean;
  readonly debug: number;
}

/** A machine for schedules: two cores at the start of the program, with page tables of their own for what is private. */
function machineFor(engine: EngineName, setup: Setup): Machine {
  const { bytes, symbol } = setup;
  const policy = fetchPolicy(setup.fetch)!;
  const machine = new Machine({ cores: CORES, ramBytes: RAM, engine, explore: { memory: setup.memory, fetch: policy } });
  const tables = prepare(machine, LAYOUT, bytes, (vector) => symbol(HANDLERS[vector] ?? 'end'));
  const isPrivate = (at: number): boolean => (at >= DATA && at < DATA + DATA_BYTES) || (at >= STACK - STACK_BYTES && at < STACK);
  for (const core of machine.cores) {
    const root = tables.table();
    let ordinal = 0;
    for (let at = 0x1000; at < MAPPED; at += 4096) {
      const own = PRIVATE_AT + core.index * PRIVATE_STRIDE + ordinal * 4096;
      if (isPrivate(at)) machine.setPrivate(own, core.index, ordinal++);
      tables.map(root, BigInt(at), isPrivate(at) ? own : at, { writable: true, executable: true });
    }
    for (let at = LAYOUT.gdt; at <= LAYOUT.tss; at += 4096) tables.map(root, BigInt(at), at, { writable: true, executable: true });
    for (let at = 0; at < DATA_BYTES; at++)
      machine.peek(PRIVATE_AT + core.index * PRIVATE_STRIDE + at, 1)[0] = (at * 37 + core.index) & 0xff;
    startCore(core, LAYOUT, root);
    if (setup.pending) setVector(core, REQUESTED, VECTOR, true);
    if (setup.splits) machine.splits.add(core.index);
  }
  const first = machine.cores[0]!;
  // An instruction of the loop, stores to the data, or accesses to the page that both have.
  if (setup.debug === 1) first.set('dr0', BigInt(symbol('patched')));
  if (setup.debug === 2) first.set('dr0', BigInt(DATA + 0x40));
  if (setup.debug === 3) first.set('dr0', BigInt(SHARED));
  if (setup.debug > 0) first.set('dr7', [0n, 0x1n, 0x90001n, 0xb0001n][setup.debug]!);
  machine.everyInstruction = setup.everyInstruction;
  if (setup.declared) machine.fetch.declarePatched(symbol('patched'), 5);
  machine.text?.reset();
  if (engine === 'region') machine.engine.compileSoon();
  machine.mark();
  for (const core of machine.cores) {
    if (machine.splitting(core)) machine.pause(core);
    else machine.settle(core);
  }
  return machine;
}

/** Runs the program of a seed on two cores along a random schedule, under all engines. */
export function differOnSchedule(seed: number): ScheduleCompared {
  const random = chance(seed);
  const program = sharedProgram(random);
  const assembled = assembler.assemble(program, { address: BigInt(TEXT), file: 'random.s' });
  const setup: Setup = {
    bytes: assembled.bytes,
    symbol: (name) => Number(assembled.symbols.get(name)!),
    fetch: FETCH_POLICY_NAMES[random(FETCH_POLICY_NAMES.length)]!,
    memory: random(3) === 0 ? 'sc' : 'tso',
    declared: random(2) === 0,
    everyInstruction: random(10) === 0,
    splits: random(6) === 0,
    pending: random(3) === 0,
    debug: random(4) === 0 ? 1 + random(3) : 0,
  };
  const engines = ['interpreter', 'region', ...(seed % 8 === 0 ? ['reference' as const] : [])] as const;
  const machines = engines.map((engine) => machineFor(engine, setup));
  const { steps, difference } = walkTogether(machines.map(bare), random, MAX_STEPS);
  const regions = machines[1]!.engine.regionsCompiled;
  for (const machine of machines) machine.release();
  if (difference === undefined) return { steps, regions, difference };
  const { bytes: _bytes, symbol: _symbol, ...model } = setup;
  const what = `${difference.what} (${JSON.stringify(model)})`;
  return { steps, regions, difference: { engine: engines[difference.index]!, steps, what, program } };
}
