import { describe, expect, test } from 'vitest';
import { flatImage, GuestMachine, KERNELS } from '../../tools/bench/guest-machine.ts';

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
