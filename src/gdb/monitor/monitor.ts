import { positionText } from '../../debug/timeline/position.ts';
import { TextpokeError } from '../../error.ts';
import type { Core } from '../../machine/core.ts';
import { didYouMean } from '../../suggest.ts';
import type { Answer } from '../answer.ts';
import { REFUSAL, type Stops } from '../runner.ts';
import type { Target } from '../target.ts';
import { FIND } from './find.ts';
import { ORDERS } from './orders.ts';
import { PLACES } from './places.ts';
import { TEXT } from './text.ts';
import type { Desk, Lines, MonitorVerb } from './verb.ts';

/** All verbs, in the order of the help. */
export const VERBS: readonly MonitorVerb[] = [...PLACES, ...FIND, ...TEXT, ...ORDERS];

/** gdb's `monitor`: what there is to know and do that its own commands have no words for. */
export class Monitor {
  /** Places to stop at. */
  readonly stops: Stops = { until: undefined };
  readonly #target: Target;
  readonly #core: () => number;
  readonly #say: (text: string) => void;

  /** `core`: whom the client looks at. */
  constructor(target: Target, core: () => number, say: (text: string) => void) {
    this.#target = target;
    this.#core = core;
    this.#say = say;
  }

  /** Does what a line says. The answer is always OK: what went wrong is told in words. */
  command(line: string): Answer {
    let lines: Lines;
    try {
      lines = this.#lines(line.trim().split(/\s+/));
    } catch (error) {
      return this.#failed(error);
    }
    if (!(Symbol.iterator in lines && 'next' in lines)) return this.#tell(lines);
    return {
      steps: this.#wait(lines),
      interrupted: () => this.#tell([`interrupted at ${positionText(this.#target.timeline.position)}`]),
      failed: (error) => this.#failed(error),
    };
  }

  *#wait(lines: Generator<undefined, readonly string[]>): Generator<undefined, string> {
    return this.#tell(yield* lines);
  }

  #lines([word = '', ...args]: readonly string[]): Lines {
    if (word === '' || word === 'help') return help(args[0]);
    const verb = VERBS.find((v) => v.name === word);
    if (verb === undefined) throw unknown(word);
    const [fewest, most] = verb.args;
    if (args.length < fewest || args.length > most)
      throw new TextpokeError('E_USAGE', `monitor ${verb.name} ${verb.usage}`.trimEnd(), { hint: verb.help });
    const desk: Desk = {
      target: this.#target,
      core: this.#target.timeline.machine.cores[this.#core()] as Core,
      stops: this.stops,
    };
    return verb.run(desk, args);
  }

  #tell(lines: readonly string[]): string {
    this.#say(lines.map((line) => `${line}\n`).join(''));
    return 'OK';
  }

  #failed(error: unknown): string {
    if (!(error instanceof TextpokeError)) return this.#tell([`internal error: ${error instanceof Error ? error.message : String(error)}`]);
    return this.#tell([error.message, ...(error.hint === undefined ? [] : [`   ${error.hint}`])]);
  }
}

function unknown(word: string): TextpokeError {
  if (/^(poke|write|set)/.test(word))
    return new TextpokeError('E_USAGE', `there is no ${word}: ${REFUSAL}`, { hint: 'monitor take makes another run of it' });
  const hint =
    didYouMean(
      word,
      VERBS.map((v) => v.name),
    ) ?? 'monitor help lists the verbs';
  return new TextpokeError('E_USAGE', `unknown verb '${word}'`, { hint });
}

function help(name: string | undefined): readonly string[] {
  if (name !== undefined) {
    const verb = VERBS.find((v) => v.name === name);
    if (verb === undefined) throw unknown(name);
    return [`monitor ${verb.name} ${verb.usage}`.trimEnd(), `   ${verb.help}`];
  }
  return VERBS.map((v) => `${`${v.name} ${v.usage}`.trimEnd().padEnd(28)} ${v.help}`);
}
