import { nestingChecker } from '../../explore/checkers/nesting.ts';
import type { World } from '../../explore/world.ts';
import type { Image } from '../../image/image.ts';
import type { EngineName } from '../../machine/machine.ts';
import { jumpTo } from '../../patch/instructions.ts';
import { type KprobeLayout, type ProbeSite, registerKprobe } from '../../patch/kprobes.ts';
import type { Patcher } from '../../patch/operation.ts';
import type { TextWorld } from '../../patch/text-poke.ts';
import { kernelWorld } from '../kernel-world.ts';
import { textWorld } from '../lab-world.ts';
import type { Cell } from '../scenario.ts';

/** How the copy of a probed instruction is run: with the trap flag, or with an INT3 behind it. */
export type StepEra = 'tf' | 'int3';

export interface KprobeWorldOptions {
  readonly engine?: EngineName | undefined;
  readonly step?: StepEra;
  /** Nothing but the end of the stack limits how deep exceptions nest. */
  readonly deep?: boolean;
}

/**
 * The kprobes kernel (fixtures/kprobes). That a #BP is not emulated but its instruction's copy runs elsewhere is what kprobes are, so the check of
 * emulation has no place here; what the probed functions return says whether a step was right.
 */
export function kprobeWorld(image: Image, cell: Cell, options: KprobeWorldOptions = {}): World {
  const world = kernelWorld(image, cell, { engine: options.engine });
  const { lab } = world;
  const others = world.checkers.filter((c) => c.name !== 'emulation');
  world.checkers.splice(0, world.checkers.length, ...others, ...(options.deep === true ? [] : [nestingChecker()]));
  lab.configure({
    int3_fn: lab.symbol('do_int3'),
    exception_fn: lab.symbol('do_exception'),
    kprobe_step: lab.abi(options.step === 'int3' ? 'STEP_INT3' : 'STEP_TF'),
    calls: 1,
  });
  return world;
}

/** A probed instruction of the image, declared as a site: `name`_insn in the symbol table, `bytes` of whole instructions of these lengths. */
export function probeSite(
  world: World,
  name: string,
  options: {
    readonly lengths?: readonly number[];
    readonly postHandler?: boolean;
    /** The probe is still there at the end: the default. */
    readonly stays?: boolean;
  } = {},
): ProbeSite {
  const { lab } = world;
  const site = lab.symbol(`${name}_insn`);
  const lengths = options.lengths ?? [3];
  const bytes = lab.peek(
    site,
    lengths.reduce((sum, n) => sum + n, 0),
  );
  const armed = Uint8Array.of(0xcc, ...bytes.subarray(1));
  world.sites.push({ name, address: site, versions: [bytes, armed], lengths: [lengths, lengths], final: options.stays === false ? 0 : 1 });
  return { site, name, bytes, length: lengths[0] as number, postHandler: options.postHandler === true };
}

/** The site of the optimised probe: three instructions, of which a jump covers five bytes; `final` is the version at the end: 1 armed, 2 jump. */
export function optimizedSite(world: World, final: 1 | 2): ProbeSite {
  const { lab } = world;
  const name = 'opt_probed_fn';
  const site = lab.symbol(`${name}_insn`);
  const lengths = [1, 3, 2];
  const bytes = lab.peek(site, 6);
  const jump = jumpTo(site, lab.symbol('optprobe_detour'));
  world.sites.push({
    name,
    address: site,
    versions: [bytes, Uint8Array.of(0xcc, ...bytes.subarray(1)), Uint8Array.of(...jump, ...bytes.subarray(5))],
    lengths: [lengths, lengths, [5]],
    final,
  });
  return { site, name, bytes, length: lengths[0] as number };
}

export function kprobeLayout(world: World): KprobeLayout {
  return { flags: world.lab.abi('KPROBE_FLAGS'), optimized: world.lab.abi('KPROBE_FLAG_OPTIMIZED') };
}

/**
 * Core 0 registers probes and then calls functions, all by itself: the whole world of most recursions. Before the calls `disturb` makes an interrupt or an
 * NMI pending, which may come at any instruction from there on; without `anywhere` only before those that others can see, a fetch of a copy among them.
 */
export function probeAndCall(
  world: World,
  probes: readonly ProbeSite[],
  calls: readonly string[],
  disturb: { readonly vector?: number; readonly nmi?: boolean; readonly anywhere?: boolean } = {},
): void {
  const text = textWorld(world.lab);
  const disturbed = disturb.vector !== undefined || disturb.nmi === true;
  world.lab.configure({ disturb_vector: disturb.vector ?? 0, disturb_nmi: disturb.nmi === true ? 1 : 0 });
  const all = disturbed ? ['disturb', ...calls] : calls;
  world.add({
    core: 0,
    entry: 'patcher_stub',
    patcher: () => registerAndCall(text, probes, all),
    interruptAnywhere: disturbed && disturb.anywhere !== false,
  });
}

function* registerAndCall(text: TextWorld, probes: readonly ProbeSite[], calls: readonly string[]): Patcher {
  for (const probe of probes) yield* registerKprobe(text, probe);
  for (const name of calls) yield { do: 'call', address: text.symbol(name), what: name };
}
