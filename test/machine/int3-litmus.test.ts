import { describe, expect, test } from 'vitest';
import type { Checker } from '../../src/explore/checker.ts';
import { siteChecker } from '../../src/explore/checkers/site.ts';
import { INT3, versionOf } from '../../src/explore/site.ts';
import type { World } from '../../src/explore/world.ts';
import { callTo } from '../../src/patch/instructions.ts';
import type { PhaseSwitches } from '../../src/patch/text-poke.ts';
import { textPokeBatch } from '../../src/patch/text-poke-batch.ts';
import { addVictims, locLayout, textWorld } from '../../src/scenario/lab-world.ts';
import { lab } from '../fixtures/lab.ts';
import { POLICIES, type Verdict } from './code-litmus.ts';
import { guestWorld, wholeGraph } from './guest.ts';

type Row = readonly [Verdict, Verdict, Verdict, Verdict, Verdict];

/** A three-phase poke of the call of `wrapper`; a handler that finds nothing looks whether the INT3 is gone, so that no run dies. */
function pokeWorld(wrapper: string, switches: PhaseSwitches, fetch: string): World {
  const world = guestWorld(lab, 2, { memory: 'tso', fetch });
  const kernel = world.lab;
  kernel.configure({ int3_handler: kernel.abi('INT3_BP_REFS'), calls: 2, ghost_policy: kernel.abi('GHOST_RECHECK') });
  const site = kernel.symbol(`${wrapper}_insn`);
  const old = kernel.peek(site, 5);
  const target = kernel.symbol('target_a') > site ? 'target_b' : 'target_d';
  const bytes = callTo(site, kernel.symbol(target));
  world.sites.push({ name: wrapper, address: site, versions: [old, bytes], final: 1 });
  const text = textWorld(kernel);
  const layout = locLayout(kernel);
  world.add({
    core: 0,
    entry: 'patcher_stub',
    patcher: () => textPokeBatch(text, layout, [{ site, name: wrapper, bytes, old }], switches),
  });
  addVictims(world, { victims: 1, fetch: 'coherent', memory: 'tso' }, [wrapper]);
  return world;
}

/** Whether a victim executes a mixture of old and new bytes, and whether the sanitizer reports the site. */
function mixture(wrapper: string, switches: PhaseSwitches, fetch: string): Verdict {
  let mixed = false;
  const observer: Checker = {
    name: 'mixtures',
    onEvent(event, world) {
      const site = world.sites[0]!;
      if (event.kind === 'fetch' && event.rip === site.address && event.bytes[0] !== INT3 && versionOf(site, 0, event.bytes) < 0)
        mixed = true;
    },
  };
  const { outcome } = wholeGraph(
    () => {
      const world = pokeWorld(wrapper, switches, fetch);
      world.checkers.push(observer, siteChecker());
      return world;
    },
    {},
    () => {
      mixed = false;
    },
  );
  // Whatever the mixture does, it is caught as such.
  expect(outcome.violations.some((v) => v.check === 'I2')).toBe(mixed);
  if (!mixed) return 'F';
  return outcome.violations.some((v) => v.check === 'code-race') ? 'A+V' : 'A';
}

const only = (...syncs: (1 | 2 | 3)[]): PhaseSwitches => ({
  sync1: syncs.includes(1),
  sync2: syncs.includes(2),
  finalSync: syncs.includes(3),
});

/**
 * The family's table has A for amd-apm wherever it is allowed. Where neither SYNC 1 nor SYNC 2 cleans up, both quadwords may be stale at once: that is
 * no single store in one quadword, and is reported besides.
 */
const INT3_TESTS: readonly { readonly name: string; readonly wrapper: string; readonly switches: PhaseSwitches; readonly verdicts: Row }[] =
  [
    { name: 'XMC.INT3.s1s2s3.cross64', wrapper: 'site_call_l61', switches: only(1, 2, 3), verdicts: ['F', 'F', 'F', 'F', 'F'] },
    { name: 'XMC.INT3.s1s2.cross64', wrapper: 'site_call_l61', switches: only(1, 2), verdicts: ['F', 'F', 'F', 'F', 'F'] },
    { name: 'XMC.INT3.s1.cross64', wrapper: 'site_call_l61', switches: only(1), verdicts: ['F', 'F', 'A', 'A+V', 'A+V'] },
    { name: 'XMC.INT3.s2.cross64', wrapper: 'site_call_l61', switches: only(2), verdicts: ['F', 'A', 'A', 'A+V', 'A+V'] },
    { name: 'XMC.INT3.s3.cross64', wrapper: 'site_call_l61', switches: only(3), verdicts: ['F', 'A', 'A+V', 'A+V', 'A+V'] },
    { name: 'XMC.INT3.s2s3.cross64', wrapper: 'site_call_l61', switches: only(2, 3), verdicts: ['F', 'A', 'A', 'A+V', 'A+V'] },
    { name: 'XMC.INT3.nosync.cross64', wrapper: 'site_call_l61', switches: only(), verdicts: ['F', 'A', 'A+V', 'A+V', 'A+V'] },
    { name: 'XMC.INT3.nosync.inline', wrapper: 'site_call_q0', switches: only(), verdicts: ['F', 'F', 'F', 'A+V', 'A+V'] },
  ];

describe('mixtures under the INT3 protocol with some of its SYNCs', () => {
  test.each(INT3_TESTS)('$name', ({ wrapper, switches, verdicts }) => {
    expect(POLICIES.map((fetch) => mixture(wrapper, switches, fetch))).toEqual(verdicts);
  });
});

/** Whether some victim fetches the INT3 after the patcher has ended. */
function lateTrap(switches: PhaseSwitches, fetch: string): boolean {
  let late = false;
  let ended = 0;
  const observer: Checker = {
    name: 'late traps',
    begin(world) {
      ended = world.meta.shared(1);
    },
    onEvent(event, world) {
      if (event.kind === 'mark' && event.mark.kind === 'end') world.meta.set(ended, 0, 1);
      if (event.kind === 'fetch' && event.bytes[0] === INT3 && world.meta.get(ended) === 1) late = true;
    },
  };
  wholeGraph(
    () => {
      const world = pokeWorld('site_call_q0', switches, fetch);
      world.checkers.push(observer);
      return world;
    },
    {},
    () => {
      late = false;
    },
  );
  return late;
}

/** Whether some victim takes the #BP while no core has a reference to the records. */
function unclaimed(switches: PhaseSwitches & { readonly publishLate?: boolean }, fetch: string): boolean {
  let found = false;
  const observer: Checker = {
    name: 'unclaimed',
    onEvent(event, world) {
      if (
        event.kind === 'note' &&
        event.id === world.lab.abi('NOTE_INT3') &&
        world.lab.readLong(1, world.lab.percpuOf(1, 'REFS')) % 2n ** 32n === 0n
      )
        found = true;
    },
  };
  wholeGraph(
    () => {
      const world = pokeWorld('site_call_q0', switches, fetch);
      world.checkers.push(observer);
      return world;
    },
    {},
    () => {
      found = false;
    },
  );
  return found;
}

describe('INT3s that come too late or too early', () => {
  // The first byte back is the exempted store, so no code race is reported; the unclaimed #BP itself is what a checker sees (I1).
  test('XMC.INT3.late-trap: without the last SYNC it is fetched after the end, where fetch may be stale', () => {
    expect(POLICIES.map((fetch) => lateTrap({ finalSync: false }, fetch))).toEqual([false, false, true, true, true]);
    expect(POLICIES.map((fetch) => lateTrap({}, fetch))).toEqual([false, false, false, false, false]);
  });

  test('XMC.INT3.early-trap: published after the INT3 it is taken without a handler everywhere', () => {
    expect(POLICIES.map((fetch) => unclaimed({ publishLate: true }, fetch))).toEqual([true, true, true, true, true]);
    expect(POLICIES.map((fetch) => unclaimed({}, fetch))).toEqual([false, false, false, false, false]);
  });
});
