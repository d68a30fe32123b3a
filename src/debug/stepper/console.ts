import { TextpokeError } from '../../error.ts';
import { COMMANDS, type Outcome, perform } from './commands.ts';
import { PANELS } from './panels.ts';
import { type ScreenState, screenOf } from './screen.ts';
import type { Stepper } from './stepper.ts';
import { type View, viewOf } from './view.ts';

/** What a key led to: a run that whoever has the terminal drives, so that a key can end it; or the end. */
export type Pressed = { readonly kind: 'done' } | Extract<Outcome, { readonly kind: 'running' | 'quit' }>;

const DONE: Pressed = { kind: 'done' };

/** Keys that stand for a command. */
const COMMAND_OF: Readonly<Record<string, string>> = {
  right: 's',
  left: 'u',
  'shift-right': 'n',
  'shift-left': 'p',
  ' ': 's',
  home: 'g @0',
  end: 'g end',
};

/** Keys that ask for something first. */
const ASKS: Readonly<Record<string, string>> = {
  o: 'take choice: ',
  g: 'go to (@14, @14+3, end): ',
  '/': 'search (words, or stale, ipi, interrupt, exception, drain, fetch): ',
  w: 'who wrote (site, variable, address; nothing: the first site): ',
  b: 'breakpoint at (function, site, address, #BP; nothing lists them): ',
  W: 'watch (site, variable, address): ',
  f: 'look at CPU (nothing: the one that moves): ',
};

const KEYS = [
  'right, left       a step forward, back (behind the end the run goes on by itself)',
  'shift+right, n    forward to where another core goes on; shift+left, p back',
  'i, I              an instruction forward, back, inside a step',
  '1 to 9, o         take a choice: from there on it is another run',
  'g, home, end      go to @N',
  '/, N              search forward; again backwards',
  'w                 who wrote some bytes',
  'b, W              breakpoint, watch: on or off',
  'c, C              run on to one of them or the end, run back; any key stops it',
  'r                 back to the run that was opened',
  't                 the token of the run as it is now',
  'f                 whose code and registers are shown',
  'tab, shift+tab    the next panel in full; up, down, page up, page down scroll it',
  'm                 all of what was told last',
  'q                 quit: prints the token',
  '',
  'choices: = what this run takes, r what the recorded one takes, !! what is violated at once',
  'cores: > does the step at hand, * is the one that code and registers are of',
  'bytes: [cc] changed by the last step, ~cc~ what the core may still fetch, (cc) in its store buffer',
].join('\n');

/** A full screen: keys in, lines out. It has no terminal of its own. */
export class Console {
  readonly stepper: Stepper;
  readonly #machine: string;
  #state: ScreenState = { panel: 'choices', scroll: 0, message: '', prompt: undefined };
  #asked = '';
  #typed = '';
  /** A text in place of the run: the help, a long message. */
  #page: string | undefined;
  #pageScroll = 0;
  #view: View | undefined;

  constructor(stepper: Stepper, machine: string) {
    this.stepper = stepper;
    this.#machine = machine;
  }

  /** The screen as it is. */
  lines(width: number, height: number, colour: boolean): string[] {
    if (this.#page !== undefined) {
      const all = this.#page.split('\n').flatMap((l) => pieces(l, width));
      const room = Math.max(1, height - 1);
      this.#pageScroll = Math.max(0, Math.min(this.#pageScroll, all.length - room));
      const shown = all.slice(this.#pageScroll, this.#pageScroll + room);
      const more = all.length > room ? `${this.#pageScroll + 1} to ${this.#pageScroll + shown.length} of ${all.length}: up, down; ` : '';
      return [...shown, ...Array.from({ length: room - shown.length }, () => ''), `${more}escape goes back`.slice(0, width)];
    }
    this.#view ??= viewOf(this.stepper, this.#machine);
    const { lines, scroll } = screenOf(this.#view, this.#state, width, height, colour);
    this.#state = { ...this.#state, scroll };
    return lines;
  }

  /** What is told at the foot of the screen. */
  tell(message: string): void {
    this.#state = { ...this.#state, message };
    this.#view = undefined;
  }

  press(key: string): Pressed {
    if (this.#page !== undefined) return this.#pressOnPage(key);
    if (this.#state.prompt !== undefined) return this.#pressInPrompt(key);
    switch (key) {
      case 'interrupt':
      case 'end-of-input':
        return { kind: 'quit' };
      case 'tab':
        return this.#panel(1);
      case 'shift-tab':
        return this.#panel(-1);
      case 'up':
        return this.#scroll(-1);
      case 'down':
        return this.#scroll(1);
      case 'page-up':
        return this.#scroll(-10);
      case 'page-down':
        return this.#scroll(10);
      case '?':
        return this.#open(KEYS);
      case 'm':
        return this.#state.message === '' ? DONE : this.#open(this.#state.message);
      case 'redraw':
      case 'enter':
      case 'escape':
        this.tell('');
        return DONE;
    }
    if (ASKS[key] !== undefined) return this.#ask(key);
    const command = COMMAND_OF[key] ?? (/^[1-9]$/.test(key) || COMMANDS.some((c) => c.names[0] === key) ? key : undefined);
    if (command === undefined) {
      this.tell(`no key '${key}': ? lists them`);
      return DONE;
    }
    return this.#perform(command);
  }

  #perform(text: string): Pressed {
    let outcome: Outcome;
    try {
      outcome = perform(this.stepper, text);
    } catch (error) {
      if (!(error instanceof TextpokeError)) throw error;
      this.tell(error.hint === undefined ? error.message : `${error.message}: ${error.hint}`);
      return DONE;
    }
    switch (outcome.kind) {
      case 'told':
        this.tell(outcome.text);
        if (outcome.moved) this.#state = { ...this.#state, scroll: 0 };
        return DONE;
      case 'panel':
        this.#state = { ...this.#state, panel: outcome.panel, scroll: 0 };
        return DONE;
      default:
        return outcome;
    }
  }

  #panel(by: number): Pressed {
    const at = PANELS.indexOf(this.#state.panel);
    const panel = PANELS[(at + by + PANELS.length) % PANELS.length]!;
    this.#state = { ...this.#state, panel, scroll: 0 };
    return DONE;
  }

  #scroll(by: number): Pressed {
    this.#state = { ...this.#state, scroll: this.#state.scroll + by };
    return DONE;
  }

  // ---- asking ----

  #ask(command: string): Pressed {
    this.#asked = command;
    this.#typed = '';
    return this.#showPrompt();
  }

  #showPrompt(): Pressed {
    this.#state = { ...this.#state, prompt: `${ASKS[this.#asked] ?? ''}${this.#typed}` };
    return DONE;
  }

  #pressInPrompt(key: string): Pressed {
    if (key === 'interrupt' || key === 'escape') {
      this.#state = { ...this.#state, prompt: undefined };
      return DONE;
    }
    if (key === 'enter') {
      this.#state = { ...this.#state, prompt: undefined };
      // Without anything to take, to go to or to watch nothing is meant.
      if (this.#typed.trim() === '' && ['o', 'g', 'W'].includes(this.#asked)) return DONE;
      return this.#perform(`${this.#asked} ${this.#typed}`);
    }
    if (key === 'backspace') this.#typed = this.#typed.slice(0, -1);
    else if (key === 'erase') this.#typed = '';
    else if (key.length === 1) this.#typed += key;
    return this.#showPrompt();
  }

  // ---- a page of text ----

  #open(text: string): Pressed {
    this.#page = text;
    this.#pageScroll = 0;
    return DONE;
  }

  #pressOnPage(key: string): Pressed {
    const by = { up: -1, down: 1, 'page-up': -10, 'page-down': 10 }[key];
    if (by !== undefined) this.#pageScroll += by;
    else this.#page = undefined;
    return DONE;
  }
}

function pieces(text: string, width: number): string[] {
  const out: string[] = [];
  for (let from = 0; from === 0 || from < text.length; from += width) out.push(text.slice(from, from + width));
  return out;
}
