import { describe, expect, test } from 'vitest';
import { REQUESTED, setVector } from '../../src/machine/apic-state.ts';
import { accept, deliverable, deliverables } from '../../src/machine/interrupts.ts';
import { TinyMachine } from './tiny-machine.ts';

const VECTOR = 0xec;

function bothPending() {
  const m = new TinyMachine();
  const core = m.cores[0]!;
  setVector(core, REQUESTED, VECTOR, true);
  core.setSmall('nmiPending', 1);
  return { m, core };
}

describe('an NMI and a maskable interrupt are pending', () => {
  test('a processor that has both takes the NMI first', () => {
    const { m, core } = bothPending();
    expect(deliverable(m, core)).toBe('nmi');
    accept(m, core);
    expect(m.delivered()).toEqual([2]);
  });

  test('where the NMI may still be on its way, either may come first', () => {
    const { m, core } = bothPending();
    expect(deliverables(m, core)).toEqual(['nmi', VECTOR]);
    accept(m, core, VECTOR);
    expect(m.delivered()).toEqual([VECTOR]);
    expect(deliverables(m, core)).toEqual(['nmi']);
  });

  test('with interrupts off only the NMI, with NMIs blocked only the interrupt', () => {
    const { m, core } = bothPending();
    core.rflags = 2;
    expect(deliverables(m, core)).toEqual(['nmi']);
    core.rflags = 0x202;
    core.setSmall('nmiBlocked', 1);
    expect(deliverables(m, core)).toEqual([VECTOR]);
  });
});
