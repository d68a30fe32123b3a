import { type FtraceSwitches, updateFtraceFunc } from '../../patch/ftrace.ts';
import { callTo } from '../../patch/instructions.ts';
import { textPokeBatch } from '../../patch/text-poke-batch.ts';
import { addVictims, labWorld, locLayout, textWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { extent, inTurn } from '../sizes.ts';

interface NextModification extends Variant {
  readonly switches: FtraceSwitches;
  /** Switches of the handler: `cfg_` fields of the image. */
  readonly handler: Readonly<Record<string, number>>;
  readonly records?: true;
  /** The patcher is guest code in C instead of the TypeScript one. */
  readonly guest?: true;
}

const LATE: FtraceSwitches = { finalSync: false };

/** Race (b) of "x86: Allow breakpoints to emulate call functions", and the fixes that the thread discussed. */
export const nextModification = defineScenario<NextModification>({
  name: 'ftrace/next-modification',
  alias: 'F2',
  title: "a late #BP handler reads the next one's globals",
  story:
    'CPU0 changes the call in ftrace_caller (A) and right after it the one in ftrace_regs_caller (B), with one set of globals for both. A handler that ' +
    'took its #BP at A and is late reads what was published for B: its address does not match and nobody claims the int3, or it trusts the ' +
    'target and calls at A what was meant for B.',
  window: 'from the delivery of the #BP at A to the reads of ftrace_update_ip and its target',
  scope: 'two-victims',
  sizes: { sites: extent(1, 2, 2), calls: extent(1, 2, 4) },
  threeVictims: ['final-sync'],
  variants: [
    {
      name: 'unprotected',
      title: 'no SYNC between the two modifications',
      expected: 'violation',
      shows: { check: 'I1', cause: 'another-modification' },
      switches: LATE,
      handler: {},
    },
    {
      name: 'trust-target',
      title: 'the handler does not compare addresses',
      expected: 'violation',
      switches: LATE,
      handler: { ftrace_compare_ip: 0 },
    },
    {
      name: 'seqcount',
      title: "head/tail counter alone (Linus' sketch)",
      expected: 'violation',
      switches: { ...LATE, headTail: true },
      handler: { ftrace_seqcount: 1, ftrace_compare_ip: 0 },
    },
    {
      name: 'seqcount-compare',
      title: 'counter and address comparison',
      expected: 'violation',
      shows: { check: 'I1' },
      switches: { ...LATE, headTail: true },
      handler: { ftrace_seqcount: 1 },
    },
    {
      name: 'seqcount-recheck',
      title: 'counter and "is the int3 still there?"',
      expected: 'violation',
      switches: { ...LATE, headTail: true },
      handler: { ftrace_seqcount: 1, ftrace_compare_ip: 0, ghost_policy: 1 },
    },
    {
      name: 'seqcount-compare-recheck',
      title: 'counter, address comparison and "is the int3 still there?"',
      expected: 'ok',
      switches: { ...LATE, headTail: true },
      handler: { ftrace_seqcount: 1, ghost_policy: 1 },
    },
    { name: 'final-sync', title: 'SYNC before any global is used again', expected: 'ok', switches: {}, handler: {} },
    {
      name: 'guest-unprotected',
      title: 'the patcher is guest code in C, no SYNC between the two modifications',
      expected: 'violation',
      shows: { check: 'I1', cause: 'another-modification' },
      switches: LATE,
      handler: {},
      guest: true,
    },
    {
      name: 'guest-final-sync',
      title: 'the patcher is guest code in C, SYNC before any global is used again',
      expected: 'ok',
      switches: {},
      handler: {},
      guest: true,
    },
    {
      name: 'per-site-records',
      title: 'one record a site, both sites in one batch',
      expected: 'ok',
      switches: {},
      handler: {},
      records: true,
      history: 'x86/ftrace: Use text_poke()',
    },
  ],
  build(image, variant, cell, engine) {
    const world = labWorld(image, cell, { engine });
    const { lab } = world;
    lab.configure({ calls: 1, int3_handler: lab.abi(variant.records === true ? 'INT3_BP_REFS' : 'INT3_FTRACE'), ...variant.handler });
    const changes = (
      [
        ['ftrace_call', 'target_b', 'traced_by_a'],
        ['ftrace_regs_call', 'target_c', 'traced_by_b'],
      ] as const
    ).slice(0, cell.sites);
    const updates = changes.map(([name, to]) => {
      const site = lab.symbol(name);
      const target = lab.symbol(to);
      return { name, site, target, old: lab.peek(site, 5), bytes: callTo(site, target) };
    });
    for (const u of updates) world.sites.push({ name: u.name, address: u.site, versions: [u.old, u.bytes], final: 1 });
    const text = textWorld(lab);
    const layout = locLayout(lab);
    const calls = inTurn(
      changes.map(([, , traced]) => traced),
      cell.calls,
    );
    if (variant.guest === true) {
      lab.setJobs(updates);
      lab.configure({ tpa_final_sync: variant.switches.finalSync === false ? 0 : 1 });
      world.add({ core: 0, entry: 'patcher_tpa_main' });
      addVictims(world, cell, calls);
      return world;
    }
    world.add({
      core: 0,
      entry: 'patcher_stub',
      *patcher() {
        if (variant.records === true) yield* textPokeBatch(text, layout, updates, variant.switches);
        else for (const [round, u] of updates.entries()) yield* updateFtraceFunc(text, u, u.old[0] as number, variant.switches, round);
      },
    });
    addVictims(world, cell, calls);
    return world;
  },
});
