import type { TraceStep } from '../../debug/happening.ts';
import { Names } from '../../debug/names.ts';
import { describeOptions, sayActivity } from '../../debug/stepper/describe.ts';
import { sayHappening } from '../../debug/trace-text.ts';
import { CHECK_TITLES } from '../../explore/violation.ts';
import type { World } from '../../explore/world.ts';
import { GPR_NAMES } from '../../isa/core-state.ts';
import { namesOfFlags } from '../../isa/flags.ts';
import type { Choice } from '../../machine/choices.ts';
import type { Core } from '../../machine/core.ts';
import { pendingInterrupts, pendingStores } from '../../machine/look.ts';
import { codeAround } from './code.ts';
import type { CoreView, OptionView, RegisterView, StateView } from './protocol.ts';
import type { Session } from './session.ts';
import { siteBytes, siteViews } from './site-view.ts';

const formatAddress = (value: bigint): string => `0x${value.toString(16)}`;

/** Everything at a place of a run; `core` is the one whose code and registers are shown. */
export function stateView(session: Session, at: number, inside: number, core: number): StateView {
  const { timeline, trace } = session;
  // What the place before it was like: a step back, or an instruction.
  timeline.goto(inside > 0 ? { at, inside: inside - 1 } : { at: Math.max(0, at - 1), inside: 0 });
  const looked = timeline.machine.cores[core] as Core;
  const before = { registers: registers(looked), sites: siteBytes(timeline.world) };
  const length = at < trace.steps.length ? timeline.length(at) : 0;
  timeline.goto({ at, inside });
  const { world } = timeline;
  const names = new Names(world);
  names.learnAll();
  return {
    at,
    inside,
    length,
    cores: world.machine.cores.map((c) => coreView(session, world, names, c, at)),
    sites: siteViews(world, names, before.sites),
    options: inside > 0 ? [] : optionViews(session, world, names, at),
    before: happened(at > 0 ? trace.steps[at - 1] : undefined),
    next: happened(trace.steps[at]),
    core,
    registers: registers(looked).map((r, n) => ({ ...r, changed: r.text !== before.registers[n]?.text })),
    code: codeAround(world, names, looked),
    hash: inside > 0 ? undefined : world.machine.hash(),
  };
}

function happened(step: TraceStep | undefined): string[] {
  return (step?.happened ?? []).map((h) => (h.core === step?.core ? '' : `CPU${h.core} `) + sayHappening(h));
}

function coreView(session: Session, world: World, names: Names, core: Core, at: number): CoreView {
  const line = world.lab.image.lineAt(core.rip);
  return {
    index: core.index,
    role: session.trace.roles[core.index] ?? '',
    where: names.code(core.rip),
    source: line === undefined ? undefined : { file: line.file, line: line.line },
    activity: sayActivity(core),
    interrupts: pendingInterrupts(core).map((vector) => (vector === 'nmi' ? 'NMI' : names.vector(vector))),
    buffer: pendingStores(world.machine, core).map(({ physical, size, value }) => ({
      name: names.data(physical, size),
      text: names.value(physical, size, BigInt.asUintN(8 * size, value)),
      site: names.siteOf(physical) !== undefined,
    })),
    stack: session.stacks.at(core.index, at),
  };
}

function registers(core: Core): RegisterView[] {
  const set = namesOfFlags(core.rflags);
  const rows: [string, string][] = [
    ['rip', formatAddress(core.rip)],
    ...GPR_NAMES.map((name, n): [string, string] => [name, formatAddress(core.gpr(n))]),
    ['rflags', set.join(' ') || '-'],
    ['cpl', String(core.small('cpl'))],
    ['cr2', formatAddress(core.get('cr2'))],
  ];
  return rows.map(([name, text]) => ({ name, text, changed: false }));
}

function optionViews(session: Session, world: World, names: Names, at: number): OptionView[] {
  const taken = session.answers[at];
  return describeOptions(world, names, session.timeline.lastCore).map(({ core, kind, text, stale, does, violates, ends }, n) => ({
    core,
    kind,
    text,
    stale,
    does,
    breaks: violates[0] === undefined ? undefined : CHECK_TITLES[violates[0].check],
    ends,
    taken: n === taken,
  }));
}

/** Whether two lists of options, of one state, mean the same thing by these two. */
export function isSame(a: Choice, b: Choice): boolean {
  if (a.core !== b.core || a.kind !== b.kind) return false;
  if (a.kind === 'step' && b.kind === 'step') return String(a.fetch?.bytes) === String(b.fetch?.bytes) && a.fetch?.stale === b.fetch?.stale;
  if (a.kind === 'drain' && b.kind === 'drain') return a.entry === b.entry;
  if (a.kind === 'interrupt' && b.kind === 'interrupt') return a.vector === b.vector;
  return 'line' in a && 'line' in b && a.line === b.line;
}
