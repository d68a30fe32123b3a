import { StaticKeyUser } from '../../patch/jump-label.ts';
import { addVictims, labWorld, locLayout, textWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { extent, inTurn } from '../sizes.ts';
import { branchOf, featureKey } from './branch.ts';

interface Forms extends Variant {
  /** Functions of the image with a branch of the key each. */
  readonly branches: readonly ('static_branch' | 'static_branch_short' | 'static_branch_split')[];
  readonly change: 'enable' | 'disable';
  readonly handler?: 'with-branch' | 'emulates-old';
}

const ENABLED = { enable: 0n, disable: 1n } as const;

/** The instructions of a static branch, and the place that must have none. */
export const forms = defineScenario<Forms>({
  name: 'jump-label/forms',
  alias: 'B18',
  title: 'branches of 2 and 5 bytes, one in the handler',
  story:
    'CPU0 turns a static key on or off; victims run through its branches. A branch is a NOP or a jump, of two bytes or of five. A #BP handler that itself asks the ' +
    'key meets the INT3 of the branch, takes the next #BP, and asks again: text that a #BP can reach must have no branch that is patched.',
  window: 'while the branch holds INT3',
  image: 'patching',
  scope: 'two-victims',
  sizes: ({ branches: { length } }) => ({ ...(length > 1 ? { sites: extent(1, length, length) } : {}), calls: extent(1, length, 4) }),
  variants: [
    ...(['enable', 'disable'] as const).flatMap((change): Forms[] => [
      { name: `long.${change}`, title: `five bytes, ${change}`, expected: 'ok', branches: ['static_branch'], change },
      {
        name: `short.${change}`,
        title: `two bytes, ${change}`,
        expected: 'ok',
        history: 'jump_label, x86: Allow short NOPs',
        branches: ['static_branch_short'],
        change,
      },
      {
        name: `split.${change}`,
        title: `two bytes on two quadwords, ${change}`,
        expected: 'ok',
        branches: ['static_branch_split'],
        change,
      },
    ]),
    {
      name: 'both.enable',
      title: 'one of each length in a batch, enable',
      expected: 'ok',
      branches: ['static_branch', 'static_branch_short'],
      change: 'enable',
    },
    {
      name: 'short.emulates-old',
      title: 'two bytes, the handler emulates the old instruction',
      expected: 'violation',
      branches: ['static_branch_short'],
      change: 'enable',
      handler: 'emulates-old',
      mutant: 'text poke: the handler emulates the old instruction',
    },
    {
      name: 'branch-in-handler',
      title: 'the #BP handler asks the key',
      expected: 'violation',
      shows: { check: 'I6' },
      branches: ['static_branch'],
      change: 'enable',
      handler: 'with-branch',
    },
  ],
  build(image, variant, cell, engine) {
    const world = labWorld(image, cell, { engine });
    const { lab } = world;
    if (variant.handler === 'with-branch') lab.configure({ int3_fn: lab.symbol('int3_with_static_branch') });
    else lab.configure({ int3_handler: lab.abi('INT3_BP_REFS') });
    if (variant.handler === 'emulates-old') lab.configure({ emulate_wrong: lab.abi('EMULATE_OLD') });
    lab.poke(lab.symbol('feature_key.enabled'), 4, ENABLED[variant.change]);
    const names = variant.branches.slice(0, cell.sites);
    const branches = names.map((name) => branchOf(lab, name));
    for (const { name, site, on, off } of branches) {
      if (variant.change === 'disable') for (const [i, byte] of on.entries()) lab.poke(site + BigInt(i), 1, BigInt(byte));
      world.sites.push({ name, address: site, versions: variant.change === 'enable' ? [off, on] : [on, off], final: 1 });
    }
    const text = textWorld(lab);
    const user = new StaticKeyUser(text, featureKey(text, locLayout(lab), branches));
    world.add({ core: 0, entry: 'patcher_stub', patcher: () => (variant.change === 'enable' ? user.inc() : user.dec()) });
    addVictims(world, cell, inTurn(names, cell.calls));
    return world;
  },
});
