import { afterEach, describe, expect, test, vi } from 'vitest';
import { nop5 } from '../../src/patch/instructions.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { addVictims, labWorld } from '../../src/scenario/lab-world.ts';
import { type Cell, defineScenario } from '../../src/scenario/scenario.ts';
import { replay } from '../../src/vitest/index.ts';
import { lab } from '../fixtures/lab.ts';

/** A NOP becomes a MOV by two stores, and nobody waits for anybody. */
function twoStores(cell: Cell = { victims: 1, fetch: 'intel-sdm', memory: 'tso' }) {
  const world = labWorld(lab, cell);
  const site = world.lab.symbol('site_nop_q0_insn');
  world.sites.push({ name: 'site', address: site, versions: [nop5(), Uint8Array.of(0xb8, 1, 2, 3, 4)], final: 1 });
  world.wantedWitnesses = ['old bytes executed', 'new bytes executed'];
  world.add({
    core: 0,
    entry: 'patcher_stub',
    *patcher() {
      yield { do: 'store', address: world.lab.alias(site), bytes: 4, value: 0x030201b8n, what: 'site' };
      yield { do: 'store', address: world.lab.alias(site + 4n), bytes: 1, value: 4n, what: 'site' };
    },
  });
  addVictims(world, cell, ['site_nop_q0']);
  return world;
}

/** The same as a scenario. */
const mine = defineScenario({
  name: 'mine/two-stores',
  title: 'two stores',
  story: 'CPU0 stores a MOV over a NOP.',
  scope: 'one-victim',
  variants: [{ name: 'plain', title: 'nothing protects it', expected: 'violation' }],
  build: (_image, _variant, cell) => twoStores(cell),
});

/** What a matcher says when it fails. */
function failure(run: () => void): string {
  try {
    run();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error('it did not fail');
}

afterEach(() => void vi.unstubAllEnvs());

describe('toBePatchSafe', () => {
  test('a fix that is settled, a race that is found', () => {
    expect('F1').toBePatchSafe({ variant: 'final-sync' });
    expect(scenarioOf('F1')).not.toBePatchSafe({ variant: 'no-final-sync' });
    expect(() => twoStores()).not.toBePatchSafe();
  });

  test('a failure shows verdict, diagram, reason and how to run it again, and that runs the one schedule', () => {
    const text = failure(() => expect('F1').toBePatchSafe({ variant: 'no-final-sync' }));
    expect(text).toMatch(
      /^expected no race\nftrace\/late-handler no-final-sync, 1 victim, fetch intel-sdm, memory tso\nviolation: unclaimed #BP \(I1\)/,
    );
    expect(text).toMatch(
      /^ +CPU0 \(patcher\) +CPU1.*~~>.*^why {3}.*^replay {3}TEXTPOKE_REPLAY=tp1_[\w-]+ npx vitest run -t '.*'\n +npx textpoke replay tp1_/ms,
    );
    vi.stubEnv('TEXTPOKE_REPLAY', /tp1_[\w-]+/.exec(text)?.[0]);
    const again = failure(() => expect('F1').toBePatchSafe({ variant: 'no-final-sync' }));
    expect(again).toContain('the one schedule of TEXTPOKE_REPLAY: unclaimed #BP (I1)');
    const race = text.slice(text.indexOf(' CPU0'), text.indexOf('replay  ')).trimEnd();
    expect(again.endsWith(race)).toBe(true);
    // Another cell's token: this test is searched as ever.
    expect('F1').toBePatchSafe({ variant: 'final-sync' });
  });

  test("a livelock's token, which leads into its circle, settles nothing alone", () => {
    const text = failure(() => expect('B35').toBePatchSafe({ variant: 'no-check' }));
    expect(text).toContain('no progress (I13)');
    vi.stubEnv('TEXTPOKE_REPLAY', /tp1_[\w-]+/.exec(text)?.[0]);
    expect(failure(() => expect('B35').toBePatchSafe({ variant: 'no-check' }))).toContain('it ends before the run does');
  });

  test('a world of a function has a token too', () => {
    const text = failure(() => expect(() => twoStores()).toBePatchSafe());
    vi.stubEnv('TEXTPOKE_REPLAY', /tp1_[\w-]+/.exec(text)?.[0]);
    expect(failure(() => expect(() => twoStores()).toBePatchSafe())).toContain('the one schedule');
  });

  test.each([
    ['a search that was stopped', { variant: 'final-sync', maxSteps: 50 }, 'inconclusive: step budget of 50 spent'],
    [
      'less coverage than asked',
      { variant: 'final-sync', preemptions: 4, coverage: 'exhaustive' },
      'coverage is bounded, asked for is exhaustive',
    ],
    ['nothing was exercised', { variant: 'final-sync', preemptions: 0 }, 'vacuous: never seen: '],
  ] as const)('%s fails either way', (_name, options, why) => {
    expect(failure(() => expect('F1').toBePatchSafe(options))).toContain(why);
    expect(failure(() => expect('F1').not.toBePatchSafe(options))).toContain(why);
  });

  test('bounded and sampled coverage are enough where they were asked for', () => {
    expect('F1').toBePatchSafe({ variant: 'final-sync', preemptions: 4 });
    expect('F1').toBePatchSafe({ variant: 'final-sync', schedules: 100 });
  });

  test.each([
    [() => expect('F1').toBePatchSafe(), 'has several variants'],
    [() => expect('F1').toBePatchSafe({ variant: 'final-snc' }), "has no variant 'final-snc'"],
    [() => expect(() => twoStores()).toBePatchSafe({ fetch: 'zen3' }), "takes no 'fetch'"],
  ])('what cannot be meant is an error', (run, message) => {
    expect(failure(run)).toContain(message);
  });
});

describe('toReach', () => {
  test('a check, a way to break it, a witness, an event', () => {
    expect('F1').toReach('I1', { variant: 'no-final-sync' });
    expect('F1').toReach({ check: 'I1', cause: 'nothing-in-progress' }, { variant: 'no-final-sync' });
    expect('F1').toReach('#BP handled and emulated', { variant: 'final-sync' });
    expect('F1').toReach((event) => event.kind === 'exception' && event.core === 1, { variant: 'final-sync' });
  });

  test('what no order reaches', () => {
    expect('F1').not.toReach('I1', { variant: 'final-sync' });
    expect('F1').not.toReach((event) => event.kind === 'exception' && event.core === 0, { variant: 'final-sync' });
    expect('F1').not.toReach('pigs fly', { variant: 'final-sync' });
  });

  test('a failure shows the order that reaches it', () => {
    const text = failure(() => expect('F1').not.toReach('#BP handled and emulated', { variant: 'final-sync' }));
    expect(text).toMatch(/^expected no order to reach #BP handled and emulated\n.*~~> reached: #BP handled.*TEXTPOKE_REPLAY=/s);
    expect(failure(() => expect('F1').toReach('I1', { variant: 'final-sync' }))).toContain('no violation (exhaustive');
  });

  test('behind another violation nobody looked: undecided', () => {
    const goal = { check: 'I1', cause: 'another-modification' } as const;
    expect(failure(() => expect('F1').not.toReach(goal, { variant: 'no-final-sync' }))).toContain('expected no order');
    expect(failure(() => expect('F1').toReach(goal, { variant: 'no-final-sync' }))).toContain('expected some order to reach I1');
  });
});

describe('runs', () => {
  const token = (): string => /tp1_[\w-]+/.exec(failure(() => expect('F1').toBePatchSafe({ variant: 'no-final-sync' })))?.[0] ?? '';

  test('a replay faults and violates where it says', () => {
    const run = replay(token());
    const trap = run.trace.steps.find((s) => s.happened.some((h) => h.what === 'exception'));
    expect(run).toFaultWith('#BP', { cpu: 1, at: trap?.at as number });
    expect(run).not.toFaultWith('#BP', { cpu: 0 });
    expect(run.trace).toViolate('I1', { cpu: 1 });
    expect(run).not.toViolate('I2');
    expect(failure(() => expect(run).toFaultWith('#PF'))).toMatch(/^expected #PF\nthe run has #BP on CPU1 @\d+\n\n +CPU0 \(patcher\)/);
  });

  test('its diagram is an inline snapshot', () => {
    const text = failure(() => expect(mine).toBePatchSafe());
    expect(replay(/tp1_[\w-]+/.exec(text)?.[0] ?? '', [mine])).toMatchRaceDiagram(`
      "          CPU0 (patcher)                  CPU1 (runs site)
                --------------                  ----------------
         @0     site[0..3] = b8 01 02 03
         @1                                     fetch site: b8 01 02 03 00
                                            ~~> could have fetched b8 01 02 03 00
                                                  or 0f 01 02 or 12 more at site:
                                                  no serializing event since the
                                                  write
      "
    `);
  });
});

test('bytes', () => {
  expect(nop5()).toEqualBytes('0f 1f 44 00 00');
  expect([0xcc]).not.toEqualBytes('90');
  expect(failure(() => expect(nop5()).toEqualBytes('0f1f440001'))).toBe('expected bytes 0f 1f 44 00 01\nfound          0f 1f 44 00 00');
  expect(failure(() => expect([0]).toEqualBytes('0'))).toContain('no hex digits');
});

test('the types', () => {
  // @ts-expect-error a policy that does not exist
  expect(() => expect('F1').toBePatchSafe({ variant: 'final-sync', fetch: 'zen9' })).toThrow();
  // @ts-expect-error a check that does not exist
  expect(replayNothing).not.toViolate('I99');
});
const replayNothing = { cores: 1, roles: [], buffered: [], steps: [], end: [], violations: [], hash: '' };
