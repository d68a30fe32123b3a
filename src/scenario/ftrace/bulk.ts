import { type FtraceUpdate, replaceFtraceCode } from '../../patch/ftrace.ts';
import { callTo } from '../../patch/instructions.ts';
import { addVictims, labWorld, textWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { extent, inTurn } from '../sizes.ts';

interface Bulk extends Variant {
  readonly finalSync: boolean;
  /** `cfg_ftrace_emulate`: whether the handler emulates the call or steps over it. */
  readonly emulate: 'FTRACE_CALL' | 'FTRACE_SKIP';
  readonly guest?: true;
}

/** Many fentry records in one go: each phase for all of them, one SYNC a phase. */
export const bulk = defineScenario<Bulk>({
  name: 'ftrace/bulk',
  alias: 'TP-A',
  title: 'two fentry records change phase by phase',
  story:
    'ftrace starts to trace one function and moves another from one trampoline to the other: INT3 at both, SYNC, both tails, SYNC, both first bytes, SYNC. The handler knows ' +
    'the records and emulates a call of the generic trampoline, which is right before and after. Stepping over the site instead loses a traced call.',
  window: 'while both records hold INT3',
  scope: 'two-victims',
  sizes: { sites: extent(1, 2, 2), calls: extent(1, 2, 4) },
  variants: [
    {
      name: 'final-sync',
      title: 'SYNC after the first bytes',
      expected: 'ok',
      finalSync: true,
      emulate: 'FTRACE_CALL',
      history: 'ftrace/x86_64: Emulate call function while updating in breakpoint handler',
    },
    {
      name: 'no-final-sync',
      title: 'the last SYNC is left out',
      expected: 'violation',
      shows: { check: 'I1' },
      finalSync: false,
      emulate: 'FTRACE_CALL',
    },
    {
      name: 'skip',
      title: 'the handler steps over the site, as before v5.2',
      expected: 'violation',
      shows: { check: 'I11' },
      finalSync: true,
      emulate: 'FTRACE_SKIP',
    },
    {
      name: 'guest-final-sync',
      title: 'the patcher is guest code in C',
      expected: 'ok',
      finalSync: true,
      emulate: 'FTRACE_CALL',
      guest: true,
    },
    {
      name: 'guest-no-final-sync',
      title: 'the patcher is guest code in C, the last SYNC left out',
      expected: 'violation',
      shows: { check: 'I1' },
      finalSync: false,
      emulate: 'FTRACE_CALL',
      guest: true,
    },
  ],
  build(image, variant, cell, engine) {
    const world = labWorld(image, cell, { engine });
    const { lab } = world;
    lab.configure({ int3_handler: lab.abi('INT3_FTRACE'), calls: 1, ftrace_emulate: lab.abi(variant.emulate) });
    const target = lab.symbol('ftrace_regs_caller');
    const traced = ['traced_fn', 'traced_by_a'].slice(0, cell.sites);
    const updates = traced.map((name): FtraceUpdate & { old: Uint8Array } => {
      const site = lab.symbol(`${name}_insn`);
      return { name, site, target, old: lab.peek(site, 5), bytes: callTo(site, target) };
    });
    for (const u of updates) world.sites.push({ name: u.name, address: u.site, versions: [u.old, u.bytes], final: 1 });
    if (variant.guest === true) {
      lab.setJobs(updates);
      lab.configure({ tpa_bulk: 1, tpa_final_sync: variant.finalSync ? 1 : 0 });
      world.add({ core: 0, entry: 'patcher_tpa_main' });
    } else {
      const text = textWorld(lab);
      world.add({ core: 0, entry: 'patcher_stub', patcher: () => replaceFtraceCode(text, updates, { finalSync: variant.finalSync }) });
    }
    addVictims(world, cell, inTurn(traced, cell.calls));
    return world;
  },
});
