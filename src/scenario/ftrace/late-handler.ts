import { updateFtraceFunc } from '../../patch/ftrace.ts';
import { callTo } from '../../patch/instructions.ts';
import { addVictims, labWorld, textWorld } from '../lab-world.ts';
import { defineScenario, underPolicies, type Variant } from '../scenario.ts';
import { extent } from '../sizes.ts';

interface LateHandler extends Variant {
  readonly finalSync: boolean;
  readonly gate?: 'trap';
  readonly fail?: { readonly sync: boolean };
  readonly defect?: 'no-refetch';
  /** The patcher is guest code in C instead of the TypeScript one. */
  readonly guest?: true;
}

/** Race (a) of "x86: Allow breakpoints to emulate call functions". */
export const lateHandler = defineScenario<LateHandler>({
  name: 'ftrace/late-handler',
  alias: 'F1',
  title: 'a late #BP handler finds nothing in progress',
  story:
    'CPU0 changes the call in ftrace_caller with the INT3 protocol and counts modifying_ftrace_code up and down around it. CPU1 takes the #BP and is ' +
    'late: by the time its handler reads the counter it is 0 again, so nobody claims the int3 and the kernel dies. The SYNC after the last ' +
    'store closes this: CPU1 runs its handler with interrupts off and cannot answer the IPI before it has read the counter.',
  window: "from the delivery of the #BP to the handler's read of modifying_ftrace_code",
  scope: 'two-victims',
  sizes: { calls: extent(1, 2, 3) },
  threeVictims: ['final-sync'],
  variants: [
    { name: 'final-sync', title: 'SYNC after the last store, interrupt gate', expected: 'ok', finalSync: true },
    {
      name: 'no-final-sync',
      title: 'the last SYNC is left out',
      expected: 'violation',
      shows: { check: 'I1', cause: 'nothing-in-progress' },
      finalSync: false,
    },
    {
      name: 'trap-gate',
      title: '#BP through a trap gate: the handler runs with interrupts on',
      expected: 'violation',
      shows: { check: 'I1', cause: 'nothing-in-progress' },
      finalSync: true,
      gate: 'trap',
    },
    {
      name: 'error-path-no-sync',
      title: 'the error path restores byte 0 without SYNC',
      expected: 'violation',
      shows: { check: 'I1', cause: 'nothing-in-progress' },
      finalSync: true,
      fail: { sync: false },
      history: 'ftrace/x86: Run a sync after fixup on failure',
    },
    {
      name: 'error-path-sync',
      title: 'the error path restores byte 0 and SYNCs',
      expected: 'ok',
      finalSync: true,
      fail: { sync: true },
      history: 'ftrace/x86: One more missing sync after fixup of function modification failure',
    },
    {
      name: 'no-refetch',
      title: 'neither sync_core nor IRET makes a core fetch afresh (a defect of an emulator)',
      expected: underPolicies(['coherent', 'zen3'], 'ok', 'violation'),
      finalSync: true,
      defect: 'no-refetch',
    },
    {
      name: 'guest-final-sync',
      title: 'the patcher is guest code in C, SYNC after the last store',
      expected: 'ok',
      finalSync: true,
      guest: true,
    },
    {
      name: 'guest-no-final-sync',
      title: 'the patcher is guest code in C, the last SYNC left out',
      expected: 'violation',
      shows: { check: 'I1', cause: 'nothing-in-progress' },
      finalSync: false,
      guest: true,
    },
  ],
  build(image, variant, cell, engine) {
    const world = labWorld(image, cell, { engine, defect: variant.defect });
    const { lab } = world;
    lab.configure({ int3_handler: lab.abi('INT3_FTRACE'), calls: cell.calls });
    if (variant.gate !== undefined) lab.setGate(3, 'asm_exc_int3', { type: variant.gate, dpl: 3 });
    const site = lab.symbol('ftrace_call');
    const target = lab.symbol('target_b');
    const old = lab.peek(site, 5);
    const bytes = callTo(site, target);
    world.sites.push({ name: 'ftrace_call', address: site, versions: [old, bytes], final: variant.fail === undefined ? 1 : 0 });
    if (variant.fail !== undefined) world.wantedWitnesses = ['old bytes executed', '#BP handled and emulated'];
    if (variant.guest === true) {
      lab.setJobs([{ site, target, old, bytes }]);
      lab.configure({ tpa_final_sync: variant.finalSync ? 1 : 0 });
      world.add({ core: 0, entry: 'patcher_tpa_main' });
    } else {
      const text = textWorld(lab);
      const update = { site, name: 'ftrace_call', bytes, target };
      const switches = { finalSync: variant.finalSync, ...(variant.fail === undefined ? {} : { fail: variant.fail }) };
      world.add({ core: 0, entry: 'patcher_stub', patcher: () => updateFtraceFunc(text, update, old[0] as number, switches, 0) });
    }
    addVictims(world, cell, ['traced_by_a']);
    return world;
  },
});
