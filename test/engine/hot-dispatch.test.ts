import { describe, expect, test } from 'vitest';
import { loadAssembler } from '../../src/image/assembler/index.ts';
import { RBX, RDI, RSI } from '../../src/isa/core-state.ts';
import { flatImage, GuestMachine, KERNELS, LOAD_AT } from '../../tools/bench/guest-machine.ts';

const STEPS = 1_200_000;
/** The dispatch is generated for the forms in use after a few runs of more than 50 000 instructions; shorter ones never do that. */
const COLD_SLICE = 40_000;
const HOT_SLICE = 100_000;

/** State hash of a guest after each HOT_SLICE instructions. */
function hashes(image: Uint8Array, slice: number): string[] {
  const { machine } = startedGuest(image);
  const core = machine.cores[0]!;
  const out: string[] = [];
  for (let done = 0; done < STEPS; done += HOT_SLICE) {
    for (let left = HOT_SLICE; left > 0; left -= slice) machine.runCore(core, Math.min(slice, left));
    core.prepare();
    out.push(machine.hash());
  }
  return out;
}

function startedGuest(image: Uint8Array): GuestMachine {
  const guest = new GuestMachine(image);
  guest.start();
  return guest;
}

describe('the dispatch with inlined handlers', () => {
  test.each(KERNELS)('leaves the same state as handlers called one by one: %s', (kernel) => {
    const image = flatImage(kernel);
    const cold = hashes(image, COLD_SLICE);
    expect(hashes(image, HOT_SLICE)).toEqual(cold);
    expect(new Set(cold).size).toBe(cold.length);
  });
});

/** Writes a page-table entry without INVLPG, then loads through a page table that no walk has met yet: all translations are forgotten. */
const REMAPS = `
  mov %rax, (%rsi)
  mov (%rdi), %rcx
  mov $1, %ebx
  hlt
`;
/** Of the page that it runs on (`GuestMachine` maps from 0x10000 on: PML4, PDPT, PD, tables of 2 MiB each). */
const ENTRY = 0x13000 + (LOAD_AT >> 12) * 8;
const UNMET = 0x600000;
const OTHER = 0x300000;
const SCRATCH = 0x200000;

test.each(['reference', 'interpreter', 'region'] as const)(
  'translations forgotten between two instructions are asked for again: %s',
  async (engine) => {
    const assembler = await loadAssembler();
    const { bytes } = assembler.assemble(REMAPS, { address: BigInt(LOAD_AT), file: 'remaps.s' });
    const guest = new GuestMachine(bytes, { engine });
    const { machine } = guest;
    const core = machine.cores[0]!;
    const run = (entry: number, load: number): bigint => {
      guest.start();
      bytes.forEach((byte, n) => {
        machine.writePhysical(OTHER + n, 1, byte === 1 ? 2n : BigInt(byte));
      });
      core.setGpr(0, BigInt(OTHER | 0x63));
      core.setGpr(RSI, BigInt(entry));
      core.setGpr(RDI, BigInt(load));
      machine.runCore(core, 100);
      return core.gpr(RBX);
    };
    expect(run(SCRATCH, SCRATCH)).toBe(1n);
    machine.engine.inlineForms();
    expect(run(ENTRY, UNMET)).toBe(2n);
  },
);
