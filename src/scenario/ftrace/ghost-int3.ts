import { updateFtraceFunc } from '../../patch/ftrace.ts';
import { callTo } from '../../patch/instructions.ts';
import { addVictims, labWorld, textWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { extent } from '../sizes.ts';

interface GhostInt3 extends Variant {
  /** `cfg_ghost_policy` of the image. */
  readonly policy: 'GHOST_DIE' | 'GHOST_RECHECK' | 'GHOST_RECHECK_RETRY';
  /** How often the same site is changed. */
  readonly rounds: 1 | 2;
}

/** "Is the int3 still there?" before dying, and what a second modification of the site does to that question. */
export const ghostInt3 = defineScenario<GhostInt3>({
  name: 'ftrace/ghost-int3',
  alias: 'F8',
  title: 'an unclaimed int3 that is gone, or back again',
  story:
    'Without the final SYNC a handler may be late and find nothing in progress. Looking whether the int3 is still in memory lets it go on where it is ' +
    'gone. When the site is patched a second time the byte is INT3 again (ABA) and the handler dies although both modifications were legal; ' +
    'looking the site up once more instead helps.',
  window: 'from the delivery of the #BP to the second look at the byte',
  scope: 'two-victims',
  sizes: { calls: extent(1, 1, 3) },
  variants: [
    { name: 'die', title: 'dies at once', expected: 'violation', shows: { check: 'I1' }, policy: 'GHOST_DIE', rounds: 1 },
    {
      name: 'recheck',
      title: 'looks whether the int3 is gone',
      expected: 'ok',
      policy: 'GHOST_RECHECK',
      rounds: 1,
      history: 'x86/kprobes: Drop removed INT3 handling code',
    },
    {
      name: 'recheck-retry',
      title: 'looks whether it is gone, else looks the site up again',
      expected: 'ok',
      policy: 'GHOST_RECHECK_RETRY',
      rounds: 1,
    },
    {
      name: 'aba-recheck',
      title: 'patched twice: looks whether the int3 is gone',
      expected: 'violation',
      shows: { check: 'I1' },
      policy: 'GHOST_RECHECK',
      rounds: 2,
    },
    {
      name: 'aba-recheck-retry',
      title: 'patched twice: looks whether it is gone, else looks up again',
      expected: 'ok',
      policy: 'GHOST_RECHECK_RETRY',
      rounds: 2,
    },
  ],
  build(image, variant, cell, engine) {
    const world = labWorld(image, cell, { engine });
    const { lab } = world;
    lab.configure({ int3_handler: lab.abi('INT3_FTRACE'), calls: cell.calls, ghost_policy: lab.abi(variant.policy) });
    const site = lab.symbol('site_call_q0_insn');
    const old = lab.peek(site, 5);
    const targets = ['target_b', 'target_c'].slice(0, variant.rounds).map((t) => lab.symbol(t));
    const versions = [old, ...targets.map((t) => callTo(site, t))];
    world.sites.push({ name: 'site_call_q0', address: site, versions, final: versions.length - 1 });
    const text = textWorld(lab);
    world.add({
      core: 0,
      entry: 'patcher_stub',
      *patcher() {
        for (const [round, target] of targets.entries()) {
          yield* updateFtraceFunc(
            text,
            { site, name: 'site_call_q0', bytes: versions[round + 1] as Uint8Array, target },
            old[0] as number,
            { finalSync: false },
            round,
          );
        }
      },
    });
    addVictims(world, cell, ['site_call_q0']);
    return world;
  },
});
