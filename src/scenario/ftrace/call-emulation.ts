import { updateFtraceFunc } from '../../patch/ftrace.ts';
import { callTo } from '../../patch/instructions.ts';
import { addVictims, labWorld, textWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { extent } from '../sizes.ts';

interface CallEmulation extends Variant {
  readonly gap: boolean;
  readonly wrapper: string;
}

/** What a pushed return address may hit when #BP runs on the interrupted stack. */
export const callEmulation = defineScenario<CallEmulation>({
  name: 'ftrace/call-emulation',
  alias: 'F4',
  title: 'an emulated call needs room below the stack',
  story:
    'The CPU aligns the stack to 16 bytes and pushes its frame right below the interrupted RSP. Emulating a call pushes a return address at RSP-8: with ' +
    'RSP a multiple of 16 that is the saved SS of the live frame, with RSP 8 above one it is the hole that the alignment left. The entry ' +
    'stub with the 48-byte gap moves the frame down first.',
  window: "the handler's store of the return address, below the interrupted stack pointer",
  scope: 'two-victims',
  sizes: { calls: extent(1, 1, 3) },
  variants: [
    {
      name: 'gap-rsp0',
      title: '48-byte gap, RSP mod 16 = 0',
      expected: 'ok',
      gap: true,
      wrapper: 'site_call_q0',
      history: 'x86_64: Add gap to int3 to allow for call emulation',
    },
    { name: 'gap-rsp8', title: '48-byte gap, RSP mod 16 = 8', expected: 'ok', gap: true, wrapper: 'site_call_q0_rsp8' },
    { name: 'no-gap-rsp0', title: 'no gap, RSP mod 16 = 0', expected: 'violation', gap: false, wrapper: 'site_call_q0' },
    { name: 'no-gap-rsp8', title: 'no gap, RSP mod 16 = 8: works by luck', expected: 'ok', gap: false, wrapper: 'site_call_q0_rsp8' },
  ],
  build(image, variant, cell, engine) {
    const world = labWorld(image, cell, { engine });
    const { lab } = world;
    lab.configure({ int3_handler: lab.abi('INT3_FTRACE'), calls: cell.calls });
    if (!variant.gap) lab.setGate(3, 'asm_exc_int3_nogap', { type: 'interrupt', dpl: 3 });
    const site = lab.symbol(`${variant.wrapper}_insn`);
    const target = lab.symbol('target_b');
    const old = lab.peek(site, 5);
    const bytes = callTo(site, target);
    world.sites.push({ name: `${variant.wrapper}`, address: site, versions: [old, bytes], final: 1 });
    const text = textWorld(lab);
    world.add({
      core: 0,
      entry: 'patcher_stub',
      patcher: () => updateFtraceFunc(text, { site, name: 'site', bytes, target }, old[0] as number, {}, 0),
    });
    addVictims(world, cell, [variant.wrapper]);
    return world;
  },
});
