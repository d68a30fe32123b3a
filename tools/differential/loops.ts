import { type AssembleOptions, type Assembler, loadAssembler } from '../../src/image/assembler/index.ts';
import { Activity, GPR_NAMES } from '../../src/isa/core-state.ts';
import { REQUESTED, setVector } from '../../src/machine/apic-state.ts';
import { accept } from '../../src/machine/interrupts.ts';
import { type EngineName, Machine } from '../../src/machine/machine.ts';
import { takeExtended } from '../silicon/extended.ts';
import type { Extended } from '../silicon/vectors.ts';
import { chance } from './chance.ts';
import { randomProgram } from './program.ts';
import { type ProgramLayout, prepare, SKIPPING, startCore } from './start.ts';

/** Where two engines came apart. */
export interface EngineDifference {
  readonly engine: EngineName;
  readonly instructions: number;
  readonly what: string;
  readonly program: string;
}

export interface Compared {
  readonly slices: number;
  readonly regions: number;
  readonly difference: EngineDifference | undefined;
}

const RAM = 0x200000;
const TEXT = 0x100000;
export const DATA = 0x110000;
const LAYOUT: ProgramLayout = { text: TEXT, stack: 0x120000, tables: 0x150000, gdt: 0x1f0000, idt: 0x1f1000, tss: 0x1f2000 };
/** An interrupt that comes between slices: counts in memory and returns. */
const VECTOR = 0x40;
const MAX_INSTRUCTIONS = 30_000;

const assembler: Assembler = await loadAssembler();

/** One machine with the program, identity-mapped, at CPL 0, with gates that end it, some that skip what faults, and one that returns. */
function machineFor(engine: EngineName, bytes: Uint8Array, symbol: (name: string) => number, journal: boolean): Machine {
  const machine = new Machine({ cores: 1, ramBytes: RAM, engine, journal });
  const handler = (vector: number): number => symbol(vector === VECTOR ? 'handler' : (SKIPPING[vector] ?? 'end'));
  const tables = prepare(machine, LAYOUT, bytes, handler);
  const root = tables.table();
  for (let at = 0x1000; at < RAM; at += 4096) tables.map(root, BigInt(at), at, { writable: true, executable: true });
  startCore(machine.cores[0]!, LAYOUT, root);
  return machine;
}

/** Runs the program of a seed under all engines, in slices of random lengths, and compares them behind each one. */
export function loopOn(seed: number): Compared {
  const random = chance(seed);
  const program = randomProgram(random);
  const options: AssembleOptions = { address: BigInt(TEXT), file: 'random.s' };
  const assembled = assembler.assemble(program, options);
  const symbol = (name: string): number => Number(assembled.symbols.get(name)!);
  const bytes = assembled.bytes;
  const engines = ['interpreter', 'region', ...(seed % 8 === 0 ? ['reference' as const] : [])] as const;
  // Without a journal stores are others, and there is no hash: everything is compared.
  const journal = seed % 3 !== 1;
  const machines = engines.map((engine) => machineFor(engine, bytes, symbol, journal));
  let instructions = 0;
  let slices = 0;
  let what: string | undefined;
  let differing = 0;
  while (instructions < MAX_INSTRUCTIONS && what === undefined) {
    const slice = random(4) === 0 ? 1 + random(20) : 1 + random(3000);
    const interrupt = random(6) === 0;
    const left = machines.map((machine) => {
      const core = machine.cores[0]!;
      if (journal) machine.mark();
      if (interrupt) {
        setVector(core, REQUESTED, VECTOR, true);
        accept(machine, core);
      }
      // A system instruction gives the machine a chance to look; a slice goes on behind it.
      let rest = slice;
      while (rest > 0 && core.activity === Activity.running) {
        machine.runCore(core, rest);
        if (machine.left === rest) break;
        rest = machine.left;
      }
      return rest;
    });
    slices++;
    instructions += slice;
    const [base, ...others] = machines as [Machine, ...Machine[]];
    others.forEach((machine, n) => {
      if (what !== undefined) return;
      what = left[n + 1] === left[0] ? differenceOf(base, machine, journal) : `${left[n + 1]} instructions left, not ${left[0]}`;
      differing = n + 1;
    });
    if (base.cores[0]!.activity !== Activity.running) break;
  }
  const regions = machines[1]!.engine.regionsCompiled;
  for (const machine of machines) machine.release();
  const difference = what === undefined ? undefined : { engine: engines[differing]!, instructions, what, program };
  return { slices, regions, difference };
}

function differenceOf(a: Machine, b: Machine, hashed: boolean): string | undefined {
  if (hashed && a.hash() === b.hash()) return undefined;
  const [x, y] = [a.cores[0]!, b.cores[0]!];
  const parts = GPR_NAMES.flatMap((name, n) =>
    x.gpr(n) === y.gpr(n) ? [] : [`${name} ${x.gpr(n).toString(16)} / ${y.gpr(n).toString(16)}`],
  );
  if (x.rip !== y.rip) parts.push(`rip ${x.rip.toString(16)} / ${y.rip.toString(16)}`);
  if (x.rflags !== y.rflags) parts.push(`rflags ${x.rflags.toString(16)} / ${y.rflags.toString(16)}`);
  const [v, w] = [a, b].map((machine) => takeExtended(machine.engine.view, machine.cores[0]!.base)) as [Extended, Extended];
  const registers = (e: Extended): Readonly<Record<string, bigint>> => ({
    fcw: e.fcw,
    fsw: e.fsw,
    ftw: e.ftw,
    mxcsr: e.mxcsr,
    ...Object.fromEntries([...e.ymm.entries()].map(([k, value]) => [`ymm${k}`, value])),
    ...Object.fromEntries([...e.st.entries()].map(([k, value]) => [`st${k}`, value])),
  });
  const [before, after] = [registers(v), registers(w)];
  for (const [name, value] of Object.entries(before))
    if (value !== after[name]) parts.push(`${name} ${value.toString(16)} / ${after[name]?.toString(16)}`);
  const [m, n] = [a.peek(0, RAM), b.peek(0, RAM)];
  const at = Buffer.compare(m, n) === 0 ? -1 : m.findIndex((byte, k) => byte !== n[k]);
  if (at >= 0) parts.push(`[${at.toString(16)}] ${m[at]} / ${n[at]}`);
  return parts.join(', ') || (hashed ? 'the state hash' : undefined);
}
