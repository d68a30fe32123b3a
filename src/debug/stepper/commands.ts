import { TextpokeError } from '../../error.ts';
import { didYouMean } from '../../suggest.ts';
import { PANELS, type PanelName } from './panels.ts';
import type { Stepper } from './stepper.ts';

/** What a command gives: what is to be told; or a run that goes on for a while, which gives that at last; or a panel to show; or the end. */
export type Outcome =
  /** `moved`: the place is to be shown. */
  | { readonly kind: 'told'; readonly text: string; readonly moved: boolean }
  | { readonly kind: 'running'; readonly run: Generator<string | undefined, void> }
  | { readonly kind: 'panel'; readonly panel: PanelName }
  | { readonly kind: 'quit' };

interface Command {
  /** The first is the key, too. */
  readonly names: readonly string[];
  /** What follows it, for the help. */
  readonly argument?: string;
  readonly help: string;
  act(stepper: Stepper, argument: string): Outcome;
}

const moved = (text: string): Outcome => ({ kind: 'told', text, moved: true });
const told = (text: string): Outcome => ({ kind: 'told', text, moved: false });

const MOST = 1_000_000;

function count(text: string): number {
  if (text === '') return 1;
  if (/^\d{1,7}$/.test(text) && Number(text) >= 1 && Number(text) <= MOST) return Number(text);
  throw new TextpokeError('E_USAGE', `'${text}' is no number of steps`, { where: text, hint: `1 to ${MOST}` });
}

function repeat(times: number, act: () => string): string {
  let text = '';
  for (let n = 0; n < times && text === ''; n++) text = act();
  return text;
}

export const COMMANDS: readonly Command[] = [
  {
    names: ['s', 'step', 'right'],
    argument: '[N]',
    help: 'a step forward; behind the end the run goes on by itself',
    act: (s, a) => moved(s.forward(count(a))),
  },
  { names: ['u', 'back', 'left'], argument: '[N]', help: 'a step back', act: (s, a) => moved(s.back(count(a))) },
  {
    names: ['n', 'next'],
    help: 'forward to where another core goes on',
    act: (s) => moved(s.toSwitch('forward')),
  },
  { names: ['p', 'previous'], help: 'back to where another core went on', act: (s) => moved(s.toSwitch('back')) },
  {
    names: ['i', 'instruction'],
    argument: '[N]',
    help: 'an instruction forward, inside a step',
    act: (s, a) => moved(repeat(count(a), () => s.instruction('forward'))),
  },
  {
    names: ['I', 'instruction-back'],
    argument: '[N]',
    help: 'an instruction back',
    act: (s, a) => moved(repeat(count(a), () => s.instruction('back'))),
  },
  {
    names: ['o', 'take'],
    argument: 'N',
    help: 'take choice N (the number alone will do): from there on it is another run',
    act: (s, a) => moved(s.take(count(a))),
  },
  { names: ['g', 'goto'], argument: '@N', help: 'go to @14, @14+3 (inside a step) or end', act: (s, a) => moved(s.gotoText(a)) },
  {
    names: ['/', 'find'],
    argument: 'WORDS',
    help: 'to the next step that names it; stale, ipi, interrupt, exception, drain, fetch are kinds of events',
    act: (s, a) => moved(s.search(a, 'forward')),
  },
  { names: ['N', 'find-back'], argument: '[WORDS]', help: 'the same backwards', act: (s, a) => moved(s.search(a, 'back')) },
  {
    names: ['w', 'who'],
    argument: '[WHAT]',
    help: 'who wrote a site (ftrace_call, ftrace_call[1..4]), a variable or an address',
    act: (s, a) => told(s.whoWrote(a)),
  },
  {
    names: ['b', 'break'],
    argument: '[WHERE]',
    help: 'set or remove a breakpoint: function, site, function+0x12, address, #BP; nothing lists them',
    act: (s, a) => told(s.breakpoint(a)),
  },
  {
    names: ['W', 'watch'],
    argument: 'WHAT',
    help: 'stop c and C where these bytes change, or no longer',
    act: (s, a) => told(s.watch(a)),
  },
  {
    names: ['c', 'continue'],
    help: 'run on to a breakpoint or the end; behind the end by itself, with first answers',
    act: (s) => ({ kind: 'running', run: s.run('forward') }),
  },
  { names: ['C', 'reverse'], help: 'run back to a breakpoint or the start', act: (s) => ({ kind: 'running', run: s.run('back') }) },
  { names: ['r', 'restore'], help: 'back to the run that was opened', act: (s) => moved(s.restore()) },
  { names: ['t', 'token'], help: 'the token of the run as it is now', act: (s) => told(s.token()) },
  {
    names: ['f', 'focus'],
    argument: '[CORE]',
    help: 'whose code and registers are shown; nothing: the core that moves',
    act: (s, a) => moved(s.look(a === '' ? undefined : core(a))),
  },
  { names: ['l', 'where'], help: 'show the place again', act: () => moved('') },
  ...PANELS.map((panel) => ({
    names: [panel],
    help: `only the ${panel}`,
    act: (): Outcome => ({ kind: 'panel', panel }),
  })),
  { names: ['?', 'help'], help: 'this', act: () => told(helpText()) },
  { names: ['q', 'quit'], help: 'end: prints the token', act: () => ({ kind: 'quit' }) },
];

function core(text: string): number {
  const match = /^(?:CPU)?(\d{1,2})$/i.exec(text);
  if (match === null) throw new TextpokeError('E_USAGE', `'${text}' is no core`, { where: text, hint: 'CPU1 or 1' });
  return Number(match[1]);
}

/** What all commands are. */
const helpText = (): string =>
  COMMANDS.map(
    ({ names, argument, help }) => `${`${names.join(', ')}${argument === undefined ? '' : ` ${argument}`}`.padEnd(28)} ${help}`,
  ).join('\n');

/** Does what a line says: a command's name and its argument, or the number of a choice. Throws `E_USAGE` for what is no command. */
export function perform(stepper: Stepper, text: string): Outcome {
  const input = text.trim();
  if (/^\d+$/.test(input)) return perform(stepper, `take ${input}`);
  if (input.startsWith('@')) return perform(stepper, `goto ${input}`);
  const [, name = '', argument = ''] = /^(\/|\S+)\s*(.*)$/.exec(input) ?? [];
  const found = COMMANDS.find((c) => c.names.includes(name));
  if (found !== undefined) return found.act(stepper, argument.trim());
  throw new TextpokeError('E_USAGE', `there is no command '${name}'`, {
    where: input,
    hint:
      didYouMean(
        name,
        COMMANDS.flatMap((c) => [...c.names]),
      ) ?? 'help lists them',
  });
}
