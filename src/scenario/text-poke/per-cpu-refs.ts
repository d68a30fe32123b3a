import { callTo } from '../../patch/instructions.ts';
import { type BatchModification, type BatchSwitches, textPokeBatch } from '../../patch/text-poke-batch.ts';
import { labWorld, locLayout, textWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { extent, inTurn } from '../sizes.ts';

interface PerCpuRefs extends Variant {
  readonly switches: BatchSwitches;
  /** Whose count the handler uses, as the image names it. */
  readonly refsOf?: 'REFS_OWN' | 'REFS_CPU0' | 'REFS_TEST_CPU0';
  /** The victims come online while CPU0 patches. */
  readonly comingUp?: true;
}

/** A reference count a core, and each way to use it wrongly. */
export const perCpuRefs = defineScenario<PerCpuRefs>({
  name: 'text-poke/per-cpu-refs',
  alias: 'B04',
  title: 'per-CPU reference counts, each used wrongly',
  story:
    'CPU0 makes two batches, one site each. Before the first INT3 of a batch the count of every possible core becomes 1; handlers add themselves to the count of ' +
    'their own core, where it is not 0, while they look at the array; at the end CPU0 takes its 1 back and waits for 0, core by core. Victims run through a ' +
    'kprobe between the sites: its handlers are those that no SYNC of the batch waits for.',
  window: 'from the first INT3 to the drained counts',
  image: 'patching',
  scope: 'one-victim',
  sizes: { sites: extent(1, 2, 2), calls: extent(1, 3, 4) },
  variants: [
    {
      name: 'complete',
      title: 'nothing left out',
      expected: 'ok',
      switches: {},
      history: 'x86/alternatives: Improve code-patching scalability by removing false sharing in poke_int3_handler()',
    },
    {
      name: 'refs-after-int3',
      title: 'the counts become 1 behind the INT3',
      expected: 'violation',
      shows: { check: 'I1' },
      switches: { publishLate: true },
      mutant: 'per-CPU refs: set refs after P1',
    },
    {
      name: 'refs-of-online',
      title: 'the counts of online cores become 1, and a core comes up',
      expected: 'violation',
      shows: { check: 'I1' },
      switches: { onlineRefs: true },
      comingUp: true,
      mutant: 'per-CPU refs: set refs only for online CPUs',
    },
    { name: 'refs-of-possible', title: 'a core comes up, and its count is 1 all the same', expected: 'ok', switches: {}, comingUp: true },
    {
      name: 'test-other-count',
      title: "the handler tests core 0's count and adds itself to its own",
      expected: 'violation',
      shows: { check: 'I13' },
      switches: {},
      refsOf: 'REFS_TEST_CPU0',
      mutant: "per-CPU refs: test another CPU's ref",
    },
    {
      name: 'use-other-count',
      title: "the handler tests core 0's count and adds itself to it: one count for all again, which is as right and only slower",
      expected: 'ok',
      switches: {},
      refsOf: 'REFS_CPU0',
    },
    {
      name: 'no-drain',
      title: 'the counts are taken back without waiting, and the next batch sets them under a handler',
      expected: 'violation',
      shows: { check: 'I1' },
      switches: { noWait: true },
      mutant: 'per-CPU refs: skip the drain',
    },
    {
      name: 'empty-before-drain',
      title:
        "nr becomes 0 before the counts: the handlers of the batch's own INT3s are gone by then, and others look for what is not there",
      expected: 'ok',
      switches: { emptyFirst: true },
      mutant: 'per-CPU refs: nr=0 before the drain',
    },
  ],
  build(image, variant, cell, engine) {
    const world = labWorld(image, cell, { engine });
    const { lab } = world;
    const names = ['site_call_q0', 'site_call_q5'].slice(0, cell.sites);
    const changes = names.map((name): BatchModification => {
      const site = lab.symbol(`${name}_insn`);
      return { site, name, old: lab.peek(site, 5), bytes: callTo(site, lab.symbol('target_b')) };
    });
    for (const m of changes) world.sites.push({ name: m.name, address: m.site, versions: [m.old, m.bytes], final: 1 });
    lab.configure({
      int3_fn: lab.symbol('batch_int3'),
      batch: lab.abi('BATCH_PERCPU'),
      refs_of: lab.abi(variant.refsOf ?? 'REFS_OWN'),
      kprobe_addr: lab.symbol('kprobed_fn_insn'),
    });
    const onlineMask = lab.symbol('cpu_online_mask');
    if (variant.comingUp === true) lab.poke(onlineMask, 8, 1n);
    const text = { ...textWorld(lab), ...(variant.comingUp === true ? { onlineMask } : {}) };
    const layout = locLayout(lab);
    world.add({
      core: 0,
      entry: 'patcher_stub',
      *patcher() {
        for (const m of changes) yield* textPokeBatch(text, layout, [m], variant.switches);
      },
    });
    const [first = '', ...second] = names;
    const calls = inTurn([first, 'kprobed_fn', ...second], cell.calls);
    const entry = variant.comingUp === true ? 'cpu_up_main' : 'victim_main';
    for (let core = 1; core <= cell.victims; core++) world.add({ core, entry, calls });
    return world;
  },
});
