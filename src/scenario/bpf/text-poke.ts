import { type BpfPokeSwitches, type BpfSite, bpfArchTextPoke, bpfText } from '../../patch/bpf.ts';
import { pokeWriter } from '../../patch/site-writer.ts';
import type { Part } from '../../patch/text-poke.ts';
import { addVictims, labWorld, locLayout, textWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';

interface TextPoke extends Variant {
  readonly switches: BpfPokeSwitches;
  /** A second core attaches its own trampoline at the same time, over the other's if that was faster. */
  readonly two?: true;
}

/** bpf_arch_text_poke(): what may be written, and who says so. */
export const textPoke = defineScenario<TextPoke>({
  name: 'bpf/text-poke',
  alias: 'B32',
  title: 'bpf_arch_text_poke() compares, or trusts',
  story:
    'A trampoline is attached to a function that begins with ENDBR64: the site is 4 bytes behind the address that the caller gives. Under text_mutex the bytes ' +
    'are compared with what the caller expects, and -EBUSY keeps it from writing over another instruction or over what somebody else attached meanwhile.',
  window: 'between the look at the old bytes and the last phase',
  image: 'bpf',
  scope: 'one-victim',
  variants: [
    {
      name: 'complete',
      title: 'behind ENDBR64, compared',
      expected: 'ok',
      history: 'x86/ibt,bpf: Add ENDBR instructions to prologue and trampoline',
      switches: {},
    },
    { name: 'off-by-four', title: 'at the ENDBR64, compared: -EBUSY, nothing is written', expected: 'ok', switches: { skipEndbr: false } },
    {
      name: 'off-by-four.no-compare',
      title: 'at the ENDBR64, not compared: its call ends inside the NOP',
      expected: 'violation',
      mutant: 'BPF: poke at the ENDBR64',
      switches: { skipEndbr: false, compare: false },
    },
    { name: 'two', title: 'two cores, each compares under text_mutex', expected: 'ok', switches: {}, two: true },
    {
      name: 'two.no-compare',
      title: 'two cores under text_mutex, nobody compares: one writes over what the other attached',
      expected: 'violation',
      shows: { check: 'I12' },
      mutant: 'BPF: no compare',
      switches: { compare: false },
      two: true,
    },
    {
      name: 'two.no-mutex',
      title: 'two cores without text_mutex',
      expected: 'violation',
      mutant: 'BPF: no text_mutex',
      switches: { lock: false },
      two: true,
    },
  ],
  build(image, variant, cell, engine) {
    const two = variant.two === true;
    // The second attaching core is number 1, in front of the victims.
    const world = labWorld(image, two ? { ...cell, victims: cell.victims + 1 } : cell, { engine });
    const { lab } = world;
    lab.configure({ int3_handler: lab.abi('INT3_BP_REFS') });
    const name = 'bpf_fentry_test';
    const site: BpfSite = { address: lab.symbol(`${name}_insn`), name, type: 'call' };
    const [a, b] = ['bpf_trampoline_a', 'bpf_trampoline_b'].map((n) => lab.symbol(n)) as [bigint, bigint];
    const texts = [bpfText(site, 0n), bpfText(site, a), ...(two ? [bpfText(site, b)] : [])];
    const refused = variant.switches.skipEndbr === false;
    world.sites.push({ name, address: site.address, versions: texts, final: refused ? 0 : texts.length - 1 });
    const text = { world: textWorld(lab), write: pokeWriter(textWorld(lab), locLayout(lab)), switches: variant.switches };
    const entry: BpfSite = { ...site, address: lab.symbol(name) };
    const busy = { do: 'call', address: lab.symbol('bpf_busy'), what: 'EBUSY' } as const;
    function* attach(): Part {
      if ((yield* bpfArchTextPoke(text, entry, 0n, a)) === 'EBUSY') yield busy;
    }
    function* attachOver(): Part {
      if ((yield* bpfArchTextPoke(text, entry, 0n, b)) !== 'EBUSY') return;
      yield busy;
      yield* bpfArchTextPoke(text, entry, a, b);
    }
    world.add({ core: 0, entry: 'patcher_stub', patcher: attach });
    const EBUSY = 'bpf_arch_text_poke() returns -EBUSY';
    world.wantedWitnesses = refused ? ['old bytes executed', EBUSY] : [...world.wantedWitnesses, ...(two ? [EBUSY] : [])];
    if (!two) {
      addVictims(world, cell, [name]);
      return world;
    }
    world.add({ core: 1, entry: 'patcher_stub', patcher: attachOver });
    for (let core = 2; core <= cell.victims + 1; core++) world.add({ core, entry: 'victim_main', calls: [name] });
    return world;
  },
});
