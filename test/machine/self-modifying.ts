import { TextpokeError } from '../../src/error.ts';
import { Image } from '../../src/image/image.ts';
import { GPR_NAMES } from '../../src/isa/core-state.ts';
import { BareMachine } from '../../src/kernel/bare.ts';
import { watchTraps } from '../../src/kernel/bare-trap.ts';
import type { Core } from '../../src/machine/core.ts';

/** Two pages of code, one after the other in linear memory and apart in physical memory; writable and executable. */
export const CODE = { linear: 0x70000000n, pages: [0x100000, 0x104000] } as const;
const PAGE = 4096;
/** Where the loop is that makes the dispatch hot. */
export const WARM = { linear: 0x71000000n, physical: 0x108000, data: 0x10e000n, runs: 3, instructions: 60_000 } as const;

/** Physical address of an offset in the code. */
export const physicalOf = (offset: number): number => CODE.pages[offset < PAGE ? 0 : 1]! + (offset % PAGE);

/** How a machine runs instructions. `fresh` forgets all decoded records before each one: it cannot be wrong about old bytes. */
export const MODES = ['cold', 'hot', 'reference', 'fresh'] as const;
export type Mode = (typeof MODES)[number];

export interface Guest {
  /** Code bytes by their offset in the two pages. */
  readonly parts: readonly { readonly offset: number; readonly bytes: readonly number[] }[];
  /** Where each core starts. */
  readonly entries: readonly number[];
  /** Turns: the core, and the instructions that it runs. */
  readonly turns: readonly (readonly [core: number, instructions: number])[];
}

/** The forms that the programs begin with, in a loop: `jmp` to its start at the end. */
const WARM_LOOP = [
  0xb8, 1, 0, 0, 0, 0x83, 0xc0, 1, 0xff, 0xc0, 0x31, 0xc0, 0xc6, 0x45, 0, 1, 0xc7, 0x45, 0, 1, 0, 0, 0, 0x48, 0x89, 0x45, 0, 0xf0, 0x01,
  0x45, 0, 0x0f, 0x1f, 0x44, 0, 0, 0x90, 0xeb, 0xd9,
];

function image(guest: Guest): Image {
  const pages = [0, 1].map(() => new Uint8Array(PAGE).fill(0x90));
  for (const { offset, bytes } of guest.parts)
    bytes.forEach((byte, n) => {
      pages[(offset + n) >> 12]![(offset + n) & 0xfff] = byte;
    });
  const segment = (address: bigint, physical: number, bytes: Uint8Array) =>
    ({ address, physical: BigInt(physical), bytes, memorySize: PAGE, readable: true, writable: true, executable: true }) as const;
  return new Image({
    segments: [
      ...pages.map((bytes, n) => segment(CODE.linear + BigInt(n * PAGE), CODE.pages[n]!, bytes)),
      segment(WARM.linear, WARM.physical, Uint8Array.from(WARM_LOOP)),
    ],
    entry: CODE.linear,
  });
}

/** Sends a core to the loop of the common forms, which long runs make arms of the engine's dispatch. */
export function sendToWarmLoop(core: Core): void {
  core.rip = WARM.linear;
  core.setGpr(5, WARM.data);
}

export interface Outcome {
  /** Per core: registers, RIP, flags, activity, and what ended it. */
  readonly cores: readonly string[];
  readonly memory: string;
  readonly error: string | undefined;
}

/** A machine for a guest: rsi is the linear base of the code, rdi its alias in low memory, rbp a page of data. The last core is the warming one's. */
export function machineFor(guest: Guest, mode: Mode): BareMachine {
  const bare = new BareMachine(image(guest), {
    cores: guest.entries.length + 1,
    ramBytes: 2 << 20,
    engine: mode === 'reference' ? 'reference' : 'interpreter',
    serial: () => {},
  });
  const { machine } = bare;
  for (const core of machine.cores) {
    core.rip = CODE.linear + BigInt(guest.entries[core.index] ?? 0);
    core.setGpr(6, CODE.linear);
    core.setGpr(7, BigInt(CODE.pages[0]));
    core.setGpr(5, 0x10c000n);
  }
  if (mode === 'hot') {
    const warm = machine.cores.at(-1)!;
    sendToWarmLoop(warm);
    for (let n = 0; n < WARM.runs; n++) machine.runCore(warm, WARM.instructions);
  }
  return bare;
}

/** Runs a guest and gives everything that it can have changed. */
export function outcome(guest: Guest, mode: Mode, prepare: (bare: BareMachine) => void = () => {}): Outcome {
  const bare = machineFor(guest, mode);
  const { machine } = bare;
  prepare(bare);
  const traps = watchTraps(bare);
  let error: string | undefined;
  try {
    for (const [index, instructions] of guest.turns) {
      const core = machine.cores[index]!;
      for (let rest = instructions; rest > 0 && core.small('activity') === 0; ) {
        if (mode === 'fresh') machine.engine.clearDecodeCache();
        const limit = mode === 'fresh' ? 1 : rest;
        machine.runCore(core, limit);
        rest -= limit - machine.left;
      }
    }
  } catch (thrown) {
    if (!(thrown instanceof TextpokeError)) throw thrown;
    error = `${thrown.message} ${thrown.where ?? ''}`;
  }
  const cores = machine.cores.slice(0, -1).map((core) => {
    const registers = GPR_NAMES.map((name, n) => `${name}=${core.gpr(n).toString(16)}`);
    const trap = traps[core.index];
    const ended = trap === undefined ? 'no trap' : `${trap.kind} ${trap.vector} at ${trap.rip.toString(16)} cr2 ${String(trap.cr2)}`;
    return `rip=${core.rip.toString(16)} flags=${core.rflags.toString(16)} activity=${core.small('activity')} ${ended} ${registers.join(' ')}`;
  });
  const memory = [...CODE.pages, 0x10c000]
    .map((page) => Array.from(machine.peek(page, PAGE), (b) => b.toString(16).padStart(2, '0')).join(''))
    .join('\n');
  return { cores, memory, error };
}
