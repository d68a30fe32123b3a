import { callTo } from '../../patch/instructions.ts';
import type { Part } from '../../patch/text-poke.ts';
import { type ArraySwitches, TextPokeArray } from '../../patch/text-poke-array.ts';
import type { BatchModification } from '../../patch/text-poke-batch.ts';
import { labWorld, locLayout, textWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';

interface MixedBatch extends Variant {
  readonly switches: ArraySwitches;
  /** CPU0's site lies behind CPU1's: appended, CPU1's record comes out of order. */
  readonly descending: boolean;
  /** CPU0 holds text_mutex from its first add to the end of its batch. */
  readonly oneCall?: true;
}

/** Two users of one array of records. */
export const mixedBatch = defineScenario<MixedBatch>({
  name: 'text-poke/mixed-batch',
  alias: 'B03',
  title: "a single poke joins another's pending batch",
  story:
    'CPU0 (jump labels) adds a site to the array, lets go of text_mutex, and means to finish the batch later. CPU1 (a static call) takes the mutex and pokes ' +
    'one site: its record is appended to what is pending, and both go out together. The handler searches the array by halves, which wants it sorted: at ' +
    'an int3 of the higher site it looks in the wrong half, and nobody claims it. A record too many goes behind the end of the array.',
  window: 'while text_mutex is dropped between two additions to a batch',
  image: 'patching',
  scope: 'one-victim',
  variants: [
    {
      name: 'out-of-order',
      title: 'single() appends, lower site last',
      expected: 'violation',
      shows: { check: 'I1' },
      switches: { singleAppends: true },
      descending: true,
    },
    {
      name: 'in-order',
      title: 'single() appends, higher site last: the array happens to be sorted',
      expected: 'ok',
      switches: { singleAppends: true },
      descending: false,
    },
    {
      name: 'full',
      title: 'single() appends to a full array',
      expected: 'violation',
      shows: { check: 'I5' },
      switches: { singleAppends: true, capacity: 1 },
      descending: false,
    },
    {
      name: 'flush-first',
      title: 'single() adds: what is pending goes out first where order or room want it',
      expected: 'ok',
      switches: {},
      descending: true,
      history: 'x86/alternatives: Fix int3 handling failure from broken text_poke array',
    },
    {
      name: 'flush-full',
      title: 'the same with a full array',
      expected: 'ok',
      switches: { capacity: 1 },
      descending: false,
    },
    {
      name: 'one-call',
      title: 'single() appends, and a batch keeps text_mutex to its end',
      expected: 'ok',
      switches: { singleAppends: true },
      descending: true,
      oneCall: true,
    },
  ],
  build(image, variant, cell, engine) {
    // A second patching core, number 1, in front of the victims.
    const world = labWorld(image, { ...cell, victims: cell.victims + 1 }, { engine });
    const { lab } = world;
    lab.configure({ int3_handler: lab.abi('INT3_BP_REFS') });
    const [first, second] = (variant.descending ? ['site_call_q5', 'site_call_q0'] : ['site_call_q0', 'site_call_q5']).map(
      (name): BatchModification => {
        const site = lab.symbol(`${name}_insn`);
        return { site, name, old: lab.peek(site, 5), bytes: callTo(site, lab.symbol('target_b')) };
      },
    ) as [BatchModification, BatchModification];
    for (const m of [first, second]) world.sites.push({ name: m.name, address: m.site, versions: [m.old, m.bytes], final: 1 });
    const array = new TextPokeArray(textWorld(lab), locLayout(lab), variant.switches);
    function* jumpLabels(): Part {
      if (variant.oneCall === true) {
        yield* array.locked(
          (function* (): Part {
            yield* array.add(first);
            yield* array.finish();
          })(),
        );
        return;
      }
      yield* array.locked(array.add(first));
      yield* array.locked(array.finish());
    }
    world.add({ core: 0, entry: 'patcher_stub', patcher: jumpLabels });
    world.add({ core: 1, entry: 'patcher_stub', patcher: () => array.locked(array.single(second)) });
    for (let core = 2; core <= cell.victims + 1; core++) world.add({ core, entry: 'victim_main', calls: [first.name] });
    return world;
  },
});
