import { describe, expect, test } from 'vitest';
import { learn } from '../../src/explore/explore.ts';
import { searchStates } from '../../src/explore/stateful.ts';
import type { CheckId } from '../../src/explore/violation.ts';
import type { World } from '../../src/explore/world.ts';
import { callTo, nop5 } from '../../src/patch/instructions.ts';
import type { Part } from '../../src/patch/text-poke.ts';
import { textPokeBatch } from '../../src/patch/text-poke-batch.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { labWorld, locLayout, textWorld } from '../../src/scenario/lab-world.ts';
import type { Cell } from '../../src/scenario/scenario.ts';
import { lab } from '../fixtures/lab.ts';

const CELL: Cell = { victims: 1, fetch: 'coherent', memory: 'tso' };
/** Opcode of HLT. */
const HLT = 0xf4;
type CheckerName = 'death' | 'site' | 'emulation';

/** Every check that the whole graph of a world violates, with only the checkers of some names, where given. */
function checks(make: () => World, only?: readonly CheckerName[]): CheckId[] {
  const build = (): World => {
    const world = make();
    if (only !== undefined)
      world.checkers.splice(0, world.checkers.length, ...world.checkers.filter((c) => (only as readonly string[]).includes(c.name)));
    return world;
  };
  const knowledge = learn(build);
  for (;;) {
    const world = build();
    world.begin(knowledge);
    const before = knowledge.size;
    const outcome = searchStates(world, { wholeGraph: true, budget: { maxSteps: 200_000 } });
    expect(outcome.stopped).toBeUndefined();
    knowledge.learn(world.machine, world.sharable);
    world.release();
    if (knowledge.size === before) return outcome.violations.map((v) => v.check);
  }
}

const scenario =
  (name: string, variant: string, cell: Cell = CELL) =>
  (): World =>
    scenarioOf(name).build(lab, variant, cell);

/** A three-phase poke of one call by hand: `handler` are switches of the image, `spoil` changes the world, `patcher` replaces the protocol. */
function poke(options: {
  readonly handler?: Readonly<Record<string, string | number>>;
  readonly spoil?: (world: World, site: bigint) => void;
  readonly patcher?: (world: World, site: bigint, right: () => Part) => Part;
  readonly change?: 'call' | 'nop';
  readonly cell?: Cell;
}) {
  return (): World => {
    const cell = options.cell ?? CELL;
    const world = labWorld(lab, cell);
    const kernel = world.lab;
    const switches = Object.entries(options.handler ?? {}).map(([k, v]) => [k, typeof v === 'number' ? v : kernel.abi(v)] as const);
    kernel.configure({ int3_handler: kernel.abi('INT3_BP_REFS'), calls: 1, ...Object.fromEntries(switches) });
    const site = kernel.symbol('site_call_q0_insn');
    const old = kernel.peek(site, 5);
    const bytes = options.change === 'nop' ? nop5() : callTo(site, kernel.symbol('target_d'));
    world.sites.push({ name: 'site_call_q0', address: site, versions: [old, bytes], final: 1 });
    const right = (): Part => textPokeBatch(textWorld(kernel), locLayout(kernel), [{ site, name: 'S', bytes, old }], {});
    world.add({ core: 0, entry: 'patcher_stub', patcher: () => options.patcher?.(world, site, right) ?? right() });
    for (let core = 1; core <= cell.victims; core++) world.add({ core, entry: 'victim_main', calls: ['site_call_q0'] });
    options.spoil?.(world, site);
    return world;
  };
}

interface Mutant {
  readonly check: CheckId;
  readonly name: string;
  readonly mutant: () => World;
  readonly twin: () => World;
  /** The checker that catches it. */
  readonly by: CheckerName | 'search';
  /** Nobody else sees it: without the checker the mutant passes. */
  readonly alone?: true;
}

const store = (world: World, address: bigint, value: bigint) =>
  ({ do: 'store', address: world.lab.alias(address), bytes: 1, value, what: 'neighbour' }) as const;

const MUTANTS: readonly Mutant[] = [
  {
    check: 'I1',
    name: 'no SYNC before the counter goes down',
    mutant: scenario('F1', 'no-final-sync'),
    twin: scenario('F1', 'final-sync'),
    by: 'death',
  },
  {
    check: 'I1',
    name: 'a handler that claims nothing',
    mutant: poke({ handler: { int3_handler: 'INT3_NONE' } }),
    twin: poke({}),
    by: 'death',
  },
  {
    check: 'I2',
    name: 'no SYNC behind the INT3 of a site on two cache lines',
    mutant: scenario('text-poke/straddling', 'l61.no-sync1', { ...CELL, fetch: 'zen3' }),
    twin: scenario('text-poke/straddling', 'l61.complete', { ...CELL, fetch: 'zen3' }),
    by: 'site',
  },
  {
    check: 'I6',
    name: 'an INT3 on the path of the #BP handler itself',
    mutant: poke({ spoil: (world) => world.lab.poke(world.lab.symbol('exc_int3'), 1, 0xccn) }),
    twin: poke({}),
    by: 'death',
  },
  {
    check: 'I6b',
    name: 'no gap below the frame',
    mutant: scenario('F4', 'no-gap-rsp0'),
    twin: scenario('F4', 'gap-rsp0'),
    by: 'emulation',
  },
  {
    check: 'I7',
    name: 'a handler that trusts the target of another site',
    mutant: scenario('F2', 'trust-target'),
    twin: scenario('F2', 'final-sync'),
    by: 'emulation',
  },
  {
    check: 'I7',
    name: 'a handler that emulates the old call',
    mutant: poke({ handler: { emulate_wrong: 'EMULATE_OLD' } }),
    twin: poke({}),
    by: 'emulation',
    alone: true,
  },
  {
    check: 'I11',
    name: 'a call emulated as a jump',
    mutant: poke({ handler: { emulate_wrong: 'EMULATE_CALL_AS_JMP' } }),
    twin: poke({}),
    by: 'emulation',
  },
  {
    check: 'I11',
    name: 'a return address that is one too low',
    mutant: poke({ handler: { emulate_wrong: 'EMULATE_RIP_OFF_BY_ONE' } }),
    twin: poke({}),
    by: 'emulation',
  },
  {
    check: 'I11',
    name: 'a NOP that ends one too early',
    mutant: poke({ change: 'nop', handler: { emulate_wrong: 'EMULATE_RIP_OFF_BY_ONE' } }),
    twin: poke({ change: 'nop' }),
    by: 'emulation',
  },
  {
    check: 'I12',
    name: 'a patcher that forgets the last store',
    twin: poke({}),
    by: 'site',
    mutant: poke({
      *patcher(_world, _site, right) {
        // Everything but the store behind the third SYNC's phase: the third store through the alias is P3.
        let stores = 0;
        const part = right();
        for (let next = part.next(); next.done !== true; ) {
          const skipped = next.value.do === 'store' && next.value.what === 'S[0]' && ++stores === 2;
          next = part.next(skipped ? 0n : yield next.value);
        }
      },
    }),
  },
  {
    check: 'I12',
    name: 'a patcher that writes the byte behind the site',
    twin: poke({}),
    by: 'site',
    alone: true,
    // The padding behind the wrapper's RET is never executed.
    mutant: poke({
      *patcher(world, site, right) {
        yield* right();
        yield store(world, site + 12n, 0x90n);
      },
    }),
  },
  {
    check: 'I12',
    name: 'a patcher that writes a byte in front of the site',
    twin: poke({}),
    by: 'site',
    alone: true,
    mutant: poke({
      *patcher(world, site, right) {
        yield* right();
        yield store(world, site - 8n, 0x90n);
      },
    }),
  },
  {
    check: 'I13',
    name: 'a reference that is never given back',
    twin: poke({}),
    by: 'search',
    mutant: poke({
      *patcher(world, _site, right) {
        yield* right();
        yield { do: 'wait', address: world.lab.percpuOf(1, 'REFS'), bytes: 4, value: 1n, what: 'text_poke_array_refs[1]' };
      },
    }),
  },
  {
    check: 'I13',
    name: 'a patcher that waits for the SYNC of a core that sleeps with interrupts off',
    twin: poke({}),
    by: 'search',
    mutant: poke({
      spoil: (world) => {
        world.machine.cores[1]!.rflags = 2;
        const idle = world.lab.symbol('cpu_idle');
        world.machine.cores[1]!.rip = idle + BigInt(world.lab.peek(idle, 64).indexOf(HLT));
      },
    }),
  },
  {
    check: 'exception',
    name: 'an undefined instruction as the target',
    twin: poke({}),
    by: 'death',
    mutant: poke({ spoil: (world) => world.lab.poke(world.lab.symbol('target_a'), 2, 0x0b0fn) }),
  },
  {
    check: 'assertion',
    name: 'a translation that survives its invalidation',
    mutant: scenario('B20', 'unlocked'),
    twin: scenario('B20', 'locked'),
    by: 'death',
    alone: true,
  },
  {
    check: 'code-race',
    name: 'no SYNC behind the tail',
    mutant: scenario('text-poke/three-phase', 'nop-to-call.no-sync2', { ...CELL, fetch: 'intel-sdm' }),
    twin: scenario('text-poke/three-phase', 'nop-to-call.complete', { ...CELL, fetch: 'intel-sdm' }),
    by: 'site',
  },
];

describe('each checker bites', () => {
  test.each(MUTANTS)('$check: $name', ({ check, mutant, twin, by, alone }) => {
    expect(checks(mutant)).toContain(check);
    expect(checks(twin)).toEqual([]);
    const all: readonly CheckerName[] = ['death', 'site', 'emulation'];
    if (by === 'search') {
      expect(checks(mutant, [])).toContain(check);
      return;
    }
    // The check belongs to this checker: with it alone it is found, without it never.
    expect(checks(mutant, [by])).toContain(check);
    const others = checks(
      mutant,
      all.filter((name) => name !== by),
    );
    expect(others).not.toContain(check);
    if (alone === true) expect(others).toEqual([]);
  });

  test('no check is without a mutant', () => {
    const wanted: readonly CheckId[] = ['I1', 'I2', 'I6', 'I6b', 'I7', 'I11', 'I12', 'I13', 'code-race', 'exception', 'assertion'];
    expect([...new Set(MUTANTS.map((m) => m.check))].sort()).toEqual([...wanted].sort());
  });

  test('every world of the lab has them all', () => {
    expect(labWorld(lab, CELL).checkers.map((c) => c.name)).toEqual(expect.arrayContaining(['death', 'site', 'emulation']));
  });
});
