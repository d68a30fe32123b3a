import { HEAT_AT, HOT, regionIndex } from '../../src/engine/layout.ts';
import { Activity, RSP, TF, x87Offset, ymmOffset } from '../../src/isa/core-state.ts';
import { decode } from '../../src/isa/decode.ts';
import { REQUESTED, setVector } from '../../src/machine/apic-state.ts';
import type { Core } from '../../src/machine/core.ts';
import { accept } from '../../src/machine/interrupts.ts';
import type { EngineName, Machine } from '../../src/machine/machine.ts';
import { chance, pick, type Random } from './chance.ts';
import { differenceOf, isSame } from './compare.ts';
import type { Coverage } from './coverage.ts';
import { ALIAS, begin, DATA, DATA_BYTES, handler, INTERRUPT, machineOn, slotOf, stackOf, TEXT, TEXT_BYTES } from './ground.ts';
import { addressOf, type Group, type Program, programOf } from './programs.ts';
import { INDEXES_AT, R15, RBX, REGISTERS, SMALL_INDEXES } from './rows.ts';
import { interesting } from './sequences.ts';
import type { Label } from './text.ts';

/** Engines that run each program; the first one is what the others are held against. */
const ENGINES = ['interpreter', 'region', 'reference'] as const satisfies readonly EngineName[];

/** Instructions of a visit: a sequence that does not end is as long as that. */
const LIMIT = 250;
/** Single steps that a handler of #DB allows before it turns them off. */
const STEPS = 9;
const STOP = handler('stop');

export interface Difference {
  readonly engine: EngineName;
  readonly what: string;
  /** Group and sequence that ran, and the visit's number. */
  readonly where: string;
  readonly visit: number;
}

export interface Outcome {
  readonly sequences: number;
  readonly difference: Difference | undefined;
}

/** A core's part in a visit. */
interface Job {
  readonly core: number;
  readonly group: Group;
  readonly place: Label;
}

/** How a visit goes. */
interface Manner {
  readonly alias: boolean;
  /** In slices of at most so many instructions; 0: in one. */
  readonly slices: number;
  /** Interrupts come between slices. */
  readonly interrupts: boolean;
  readonly steps: boolean;
}

const PLAIN: Manner = { alias: false, slices: 0, interrupts: false, steps: false };

/** Runs the program of a seed on all engines and compares them behind every visit of a sequence. `visits` ends it early. */
export function differOn(
  seed: number,
  coverage: Coverage,
  omitted: ReadonlySet<number> = new Set(),
  visits = Number.POSITIVE_INFINITY,
): Outcome {
  return new Lockstep(seed, programOf(seed, omitted), coverage, visits).run();
}

class Lockstep {
  readonly #program: Program;
  readonly #machines: readonly Machine[];
  readonly #random: Random;
  readonly #coverage: Coverage;
  readonly #last: number;
  /** Linear addresses of instructions that a region of the compiling machine has held. */
  readonly #compiled = new Set<number>();
  #visits = 0;
  #retired = 0;
  #difference: Difference | undefined;
  #over = false;

  constructor(seed: number, program: Program, coverage: Coverage, last: number) {
    this.#program = program;
    this.#random = chance(seed ^ 0x5bd1e995);
    this.#coverage = coverage;
    this.#last = last;
    this.#machines = ENGINES.map((engine) => machineOn(engine, program.setting));
    const random = this.#random;
    const quads = new Uint8Array(BigUint64Array.from({ length: DATA_BYTES / 8 }, () => interesting(random)).buffer);
    const extended = Array.from({ length: 4 * 16 + 8 }, () => interesting(random));
    for (const machine of this.#machines) {
      program.text.load((at, length) => machine.peek(at, length));
      machine.peek(DATA, DATA_BYTES).set(quads);
      machine.peek(INDEXES_AT, 32).set(new Uint8Array(Uint32Array.from(SMALL_INDEXES).buffer));
      for (const core of machine.cores) {
        for (let n = 0; n < 64; n++) machine.engine.view.setBigUint64(core.base + ymmOffset(0) + 8 * n, extended[n]!, true);
        for (let n = 0; n < 8; n++) machine.engine.view.setBigUint64(core.base + x87Offset(n), extended[64 + n]!, true);
      }
      machine.observers.push((event) => {
        if (event.kind === 'exception' && machine === this.#machines[0]) coverage.exception(event.vector);
        if (event.kind === 'interrupt' && machine === this.#machines[0]) coverage.exception(event.vector);
      });
    }
    this.#machines[1]!.engine.regionMade = (blocks) => {
      coverage.region(blocks);
      for (const block of blocks) for (const { rip } of block) this.#compiled.add(Number(rip));
    };
  }

  run(): Outcome {
    const { groups } = this.#program;
    let sequences = 0;
    const perCore = this.#machines[0]!.cores.map((_, core) => groups.filter((group) => group.core === core));
    for (let n = 0; n < perCore[0]!.length && !this.#over; n++) {
      // Cores go through their groups side by side.
      const side = perCore.flatMap((list) => (list[n] === undefined ? [] : [list[n]]));
      const before = this.#visits;
      this.#each(side, () => PLAIN);
      this.#visit(
        side.map((group) => ({ core: group.core, group, place: group.chain })),
        PLAIN,
        true,
      );
      for (const group of side) this.#heat(group.entry);
      this.#each(side, () => PLAIN, true);
      this.#each(side, () => this.#manner(), false, true);
      if (!this.#over) sequences += side.reduce((sum, group) => sum + group.starts.length, 0);
      if (before === this.#visits) break;
    }
    if (!this.#over) this.#compare('at the end', true);
    this.#tell();
    for (const machine of this.#machines) machine.release();
    if (this.#difference === undefined) {
      this.#coverage.sequences += sequences;
      this.#coverage.visits += this.#visits;
    }
    return { sequences, difference: this.#difference };
  }

  /** Visits each sequence of the groups, one of each core at a time. */
  #each(side: readonly Group[], manner: () => Manner, compiled = false, some = false): void {
    for (let n = 0; n < side[0]!.starts.length; n++) {
      if (some && this.#random(2) === 0) continue;
      // What was changed is compiled again, some of it as instructions that may change each time.
      if (some && this.#program.flavour.modifies) for (const { entry } of side) if (this.#random(3) === 0) this.#heat(entry);
      const jobs = side.map((group) => ({ core: group.core, group, place: group.starts[n]! }));
      if (compiled) {
        // What was not found from the entry is compiled from its own start.
        for (const { place } of jobs) if (n > 0 && !this.#compiled.has(addressOf(place, false))) this.#heat(place);
      }
      this.#visit(jobs, manner());
      if (this.#over) return;
      if (compiled) for (const { place } of jobs) this.#coverage.ran(this.#compiled.has(addressOf(place, false)));
    }
  }

  #manner(): Manner {
    const random = this.#random;
    const one = (of: number): boolean => random(of) === 0;
    return { alias: one(6), slices: one(2) ? 1 + random(12) : 0, interrupts: one(2), steps: one(24) };
  }

  /** The next time that a place is come to it is compiled. */
  #heat(place: Label): void {
    const { engine } = this.#machines[1]!;
    engine.words[(HEAT_AT >> 2) + regionIndex(TEXT + place.at)] = HOT - 1;
  }

  #visit(jobs: readonly Job[], manner: Manner, past = false): void {
    if (this.#visits >= this.#last) {
      this.#over = true;
      return;
    }
    this.#visits++;
    const random = this.#random;
    const { setting } = this.#program;
    const registers = Array.from({ length: random(6) }, () => [pick(random, REGISTERS), interesting(random)] as const);
    const quads = random(4) === 0 ? [[random(64), interesting(random)] as const] : [];
    const flags = past ? 0 : random(3) === 0 ? random(0x1000) & 0x8d5 : undefined;
    const rounds = BigInt(random(64));
    const fresh = random(40) === 0;
    const seed = random(0x7fffffff);
    const results = this.#machines.map((machine) => {
      const mark = setting.journal ? machine.mark() : 0;
      machine.ticks = BigInt(this.#visits) * 1000n;
      for (const { core: n, group, place } of jobs) {
        const core = machine.cores[n]!;
        const word = (at: Parameters<typeof slotOf>[1], value: number): void => machine.writePhysical(slotOf(n, at), 8, BigInt(value));
        word('target', addressOf(place, manner.alias));
        word('lost', addressOf(group.exit, manner.alias));
        word('entry', addressOf(group.entry, manner.alias));
        word('steps', STEPS);
        const ended = core.activity === Activity.halted && this.#isStop(core);
        if (!ended || fresh) {
          begin(core, n, setting);
          machine.flushTlb(core);
        }
        if (!ended || fresh || !setting.user) core.rip = BigInt(addressOf(group.entry, manner.alias));
        core.setSmall('activity', Activity.running);
        core.setGpr(RSP, BigInt(stackOf(n) - 16));
        core.setGpr(RBX, BigInt(DATA));
        core.setGpr(R15, rounds);
        for (const [register, value] of registers) core.setGpr(register, value);
        if (flags !== undefined) core.rflags = (core.rflags & ~0x8d5) | flags;
        if (manner.steps) core.rflags |= TF;
        for (const [quad, value] of quads) machine.engine.view.setBigUint64(core.base + ymmOffset(0) + 8 * quad, value, true);
      }
      let result: string;
      try {
        result = this.#go(machine, jobs, manner, chance(seed));
      } catch (error) {
        // Instructions of features that we do not have, where stores made them: then all have to say so.
        result = (error as Error).message;
        this.#over = true;
      }
      if (setting.journal) machine.forget(mark);
      return result;
    });
    const where = jobs.map(({ core, place }) => `core ${core} sequence at ${addressOf(place, false).toString(16)}`).join(', ');
    results.forEach((result, n) => {
      if (result !== results[0]) this.#differs(n, `${results[0]} / ${result}`, where);
    });
    this.#compare(where, false);
  }

  /** Runs until all cores of the jobs have halted or have had enough. Gives what happened besides the state. */
  #go(machine: Machine, jobs: readonly Job[], manner: Manner, random: Random): string {
    const left = jobs.map(() => LIMIT);
    const sliced = manner.slices > 0 || manner.interrupts || jobs.length > 1;
    const most = manner.slices > 0 ? manner.slices : 40;
    for (;;) {
      let moved = false;
      jobs.forEach(({ core: n }, k) => {
        const core = machine.cores[n]!;
        if (left[k]! <= 0 || core.activity !== Activity.running) return;
        moved = true;
        const slice = sliced ? Math.min(left[k]!, 1 + random(most)) : left[k]!;
        left[k] = left[k]! - slice + runFor(machine, core, slice);
        if (manner.interrupts && core.activity === Activity.running && random(6) === 0) interrupt(machine, core, random(4) === 0);
      });
      if (!moved) {
        for (const rest of left) if (machine === this.#machines[1]) this.#retired += LIMIT - rest;
        return `${left}`;
      }
    }
  }

  /** The core has halted where a sequence ends. */
  #isStop(core: Core): boolean {
    const rip = Number(core.rip);
    if (this.#program.setting.user) return rip === STOP + 1;
    const at = (rip & ~ALIAS) - TEXT;
    return this.#program.groups.some((group) => at === group.exit.at + 8);
  }

  #compare(where: string, whole: boolean): void {
    const [base, ...others] = this.#machines as [Machine, ...Machine[]];
    others.forEach((machine, n) => {
      if (!isSame(base, machine, this.#program.setting.journal, whole)) this.#differs(n + 1, differenceOf(base, machine), where);
    });
  }

  #differs(engine: number, what: string, where: string): void {
    this.#over = true;
    this.#difference ??= { engine: ENGINES[engine]!, what, where, visit: this.#visits };
  }

  #tell(): void {
    const { text } = this.#program;
    for (let at = 0; at < TEXT_BYTES; at++) {
      if (text.lengths[at] === 0) continue;
      const decoded = decode(text.bytes.subarray(at, at + text.lengths[at]!));
      if (decoded.kind === 'instruction') this.#coverage.generated(decoded.instruction.mnemonic);
    }
    this.#coverage.retire(this.#machines[1]!.engine.retiredInRegions, this.#retired);
  }
}

/** Gives the instructions that are left. A system instruction gives the machine a chance to look; a slice goes on behind it. */
function runFor(machine: Machine, core: Core, instructions: number): number {
  let rest = instructions;
  while (rest > 0 && core.activity === Activity.running) {
    machine.runCore(core, rest);
    if (machine.left === rest) break;
    rest = machine.left;
  }
  return rest;
}

function interrupt(machine: Machine, core: Core, nmi: boolean): void {
  if (nmi) core.setSmall('nmiPending', 1);
  else setVector(core, REQUESTED, INTERRUPT, true);
  accept(machine, core);
}
