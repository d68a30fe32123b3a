import type { World } from '../../explore/world.ts';
import { GPR_NAMES } from '../../isa/core-state.ts';
import { namesOfFlags } from '../../isa/flags.ts';
import type { Core } from '../../machine/core.ts';
import type { Happening } from '../happening.ts';
import type { Position } from '../timeline/position.ts';
import { HandlerStacks } from './chronicle.ts';
import { type CodeLine, codeAround } from './code.ts';
import { type CoreWords, describeCore, describeOptions, type OptionWords, sayHappenings } from './describe.ts';
import { lookAtSites, type SiteLook, siteBytes } from './site-bytes.ts';
import { type Stepper, sayViolation } from './stepper.ts';

/** A core as it is shown. */
export interface CoreView extends CoreWords {
  /** What it was given to run. */
  readonly role: string;
  /** It does the step at hand. */
  readonly moves: boolean;
  readonly focus: boolean;
  /** Handlers that it is in, the innermost last: `#BP from ftrace_call+1 @20`. */
  readonly handlers: readonly string[];
  /** Interrupts on their way to it: `SYNC from CPU0 @17`. */
  readonly sent: readonly string[];
}

/** An open choice as it is shown. */
export interface ChoiceView extends OptionWords {
  /** The run that one looks at takes it. */
  readonly run: boolean;
  /** The recorded run takes it: known where the run has not left that before. */
  readonly recorded: boolean;
}

/** A step of the run as it is shown. */
export interface StepView {
  readonly at: number;
  readonly core: number;
  /** What it does, in a few words. */
  readonly text: string;
}

/** Everything that is shown of one place of a run. */
export interface View {
  readonly title: string;
  readonly variant: string;
  readonly machine: string;
  readonly position: Position;
  /** Places inside the step at hand; undefined at the end. */
  readonly length: number | undefined;
  /** Steps of the run. */
  readonly steps: number;
  readonly leftAt: number | undefined;
  /** What was violated to come here, or by ending here. */
  readonly violations: readonly string[];
  readonly ended: boolean;
  readonly cores: readonly CoreView[];
  readonly sites: readonly SiteLook[];
  readonly choices: readonly ChoiceView[];
  /** Lines of code around the core that is looked at. */
  readonly code: readonly (CodeLine & { readonly breakpoint: boolean })[];
  readonly registers: readonly { readonly name: string; readonly text: string; readonly changed: boolean }[];
  readonly focus: number;
  /** Steps around this one. */
  readonly run: readonly StepView[];
  /** What the step before did, in full; at the start nothing. */
  readonly before: readonly string[];
  /** What the step at hand does, in full. */
  readonly next: readonly string[];
  readonly hash: string | undefined;
}

/** Steps that are listed before and behind the one at hand. */
const AROUND = 100;

/** Looks at everything where the stepper is; the run stays as it is. */
export function viewOf(stepper: Stepper, machine: string): View {
  const { timeline, session } = stepper;
  const { position } = timeline;
  const { at, inside } = position;
  const { steps } = stepper.chronicle;
  const length = at < steps.length ? timeline.length(at) : undefined;
  timeline.goto(inside > 0 ? { at, inside: inside - 1 } : { at: Math.max(0, at - 1), inside: 0 });
  const { focus, mover } = stepper;
  const before = { registers: registersOf(stepper.core(focus)), sites: siteBytes(timeline.world) };
  const stacks = stacksAt(stepper, position);
  timeline.goto(position);
  const { world } = timeline;
  const { names } = stepper;
  const ipis = ipisAt(stepper);
  const view: View = {
    title: `${session.scenario.name} ${session.variant.name}`,
    variant: session.variant.title,
    machine,
    position,
    length,
    steps: steps.length,
    leftAt: stepper.leftAt,
    violations: stepper.violations().map(sayViolation),
    ended: inside === 0 && timeline.options.length === 0,
    cores: world.machine.cores.map((core) => {
      const words = describeCore(world, names, core);
      const moves = core.index === mover && at < steps.length;
      return {
        ...words,
        // What it is doing inside a step is the step.
        activity: moves && inside > 0 ? 'inside its step' : words.activity,
        role: session.recorded.trace.roles[core.index] ?? '',
        moves,
        focus: core.index === focus,
        handlers: stacks.of(core.index).map(({ name, from, at }) => `${name} from ${from} @${at}`),
        sent: words.interrupts.map(({ vector, name, held }) => {
          const by = vector === 'nmi' ? undefined : ipis.get(`${vector} ${core.index}`);
          return `${name}${by === undefined ? '' : ` from CPU${by.core} @${by.at}`}${held ? ' (held)' : ''}`;
        }),
      };
    }),
    sites: lookAtSites(world, names, at === 0 && inside === 0 ? [] : before.sites),
    choices: inside > 0 ? [] : choicesOf(stepper, world),
    code: codeAround(world, names, stepper.core(focus)).map((line) => ({
      ...line,
      breakpoint: stepper.debugger.breakpoints.has(line.address),
    })),
    registers: registersOf(stepper.core(focus)).map((r, n) => ({ ...r, changed: r.text !== before.registers[n]?.text })),
    focus,
    run: runAround(stepper, at),
    before: at > 0 && inside === 0 ? stepper.sayStep(at - 1) : [],
    next: stepper.sayStep(at),
    hash: inside > 0 ? undefined : world.machine.hash(),
  };
  // Choices were tried.
  stepper.clean();
  return view;
}

function choicesOf(stepper: Stepper, world: World): ChoiceView[] {
  const { timeline, session } = stepper;
  const { at } = timeline.position;
  const left = stepper.leftAt;
  return describeOptions(world, stepper.names, timeline.lastCore).map((option, n) => ({
    ...option,
    run: timeline.answers[at] === n,
    recorded: (left === undefined || at <= left) && session.recorded.answers[at] === n,
  }));
}

/** The handlers of all cores: those of the steps before, and what happened inside the one at hand. The timeline is moved. */
function stacksAt(stepper: Stepper, { at, inside }: Position): HandlerStacks {
  const { timeline, chronicle, names } = stepper;
  const stacks = new HandlerStacks(timeline.machine.cores.length);
  for (const step of chronicle.steps.slice(0, at)) for (const h of step.happened) stacks.next(h, step.at);
  if (inside === 0) return stacks;
  const happened: Happening[] = [];
  const { world } = timeline;
  // Its length is known: then the step is played once, up to here.
  timeline.goto({ at, inside: 0 });
  const heard = world.onEvent;
  world.onEvent = (event) => {
    if (event.kind === 'exception' || event.kind === 'interrupt') {
      const { core, vector, frame } = event;
      happened.push({ what: event.kind, core, vector, name: names.vector(vector), rip: names.code(event.rip), frame });
    } else if (event.kind === 'iret') happened.push({ what: 'iret', core: event.core, rip: names.code(event.rip), frame: event.frame });
  };
  timeline.goto({ at, inside });
  world.onEvent = heard;
  for (const h of happened) stacks.next(h, at);
  return stacks;
}

/** The last IPI to each core, by `vector core`, before the step at hand. */
function ipisAt(stepper: Stepper): Map<string, { readonly core: number; readonly at: number }> {
  const { at, inside } = stepper.timeline.position;
  const out = new Map<string, { readonly core: number; readonly at: number }>();
  for (const step of stepper.chronicle.steps.slice(0, inside > 0 ? at + 1 : at))
    for (const h of step.happened)
      if (h.what === 'ipi') for (const t of h.targets) out.set(`${h.vector} ${t}`, { core: h.core, at: step.at });
  return out;
}

function runAround(stepper: Stepper, at: number): StepView[] {
  const first = Math.max(0, at - AROUND);
  return stepper.chronicle.steps.slice(first, at + AROUND + 1).map((step) => ({
    at: step.at,
    core: step.core,
    text: sayHappenings(step.happened, step.core).join('; ') || `${step.choice === 'step' ? 'goes on' : step.choice} at ${step.symbol}`,
  }));
}

function registersOf(core: Core): { readonly name: string; readonly text: string }[] {
  const hex = (value: bigint): string => value.toString(16).padStart(16, '0');
  const set = namesOfFlags(core.rflags);
  return [
    { name: 'rip', text: hex(core.rip) },
    ...GPR_NAMES.map((name, n) => ({ name, text: hex(core.gpr(n)) })),
    { name: 'cr2', text: hex(core.get('cr2')) },
    { name: 'cpl', text: String(core.small('cpl')) },
    { name: 'flags', text: set.join(' ') || '-' },
  ];
}
