import { hexBytes } from '../../debug/names.ts';
import { comparePositions } from '../../debug/timeline/position.ts';
import { VOID_RUN } from '../../debug/timeline/session.ts';
import { TextpokeError } from '../../error.ts';
import { CHECK_TITLES } from '../../explore/violation.ts';
import type { Choice } from '../../machine/choices.ts';
import { pendingStores } from '../../machine/look.ts';
import type { Schedule } from '../schedule.ts';
import { whereLine } from './places.ts';
import { countOf, FLUSH, type MonitorVerb, scheduleOf } from './verb.ts';

const token: MonitorVerb = {
  name: 'token',
  usage: '',
  help: 'the token of the run as it is now, from its start to its end',
  args: [0, 0],
  run: (desk) => [scheduleOf(desk).session.token() ?? 'a run without a step has no token'],
};

const choices: MonitorVerb = {
  name: 'choices',
  usage: '',
  help: 'what could happen at this step, counted from 1; > is what does in this run',
  args: [0, 0],
  run(desk) {
    const schedule = scheduleOf(desk);
    const { timeline } = schedule;
    const here = timeline.position;
    // Asking leads to the start of the step.
    const { options } = timeline;
    const lines = options.map(
      (choice, n) => `${timeline.answers[here.at] === n ? '>' : ' '} ${n + 1}  CPU${choice.core} ${sayChoice(schedule, choice)}`,
    );
    timeline.goto(here);
    return [`@${here.at}`, ...(lines.length === 0 ? ['nothing more can happen'] : lines)];
  },
};

function sayChoice({ names, timeline }: Schedule, choice: Choice): string {
  const core = timeline.machine.cores[choice.core]!;
  switch (choice.kind) {
    case 'step': {
      const at = names.code(core.rip);
      if (choice.fetch === undefined) return `goes on at ${at}`;
      const { bytes, stale } = choice.fetch;
      const text = names.disassembled(bytes, core.rip);
      return `fetches ${at}: ${hexBytes(bytes)}${text === undefined ? '' : ` (${text})`}${stale ? ' STALE' : ''}`;
    }
    case 'drain': {
      const store = pendingStores(timeline.machine, core)[choice.entry];
      if (store === undefined) return 'drains a store';
      return `drains ${names.data(store.physical, store.size)} = ${names.value(store.physical, store.size, store.value)}`;
    }
    case 'interrupt':
      return `takes ${choice.vector === 'nmi' ? 'an NMI' : names.vector(choice.vector)}`;
    default:
      return `icache: ${choice.kind} of line ${names.line(choice.line)}`;
  }
}

const take: MonitorVerb = {
  name: 'take',
  usage: 'N',
  help: 'go on with choice N instead: another run from here on, whose token `monitor token` says',
  args: [1, 1],
  run(desk, [text = '']) {
    const { timeline } = scheduleOf(desk);
    const chosen = countOf(text, 'choice');
    const answer = chosen - 1;
    const here = timeline.position;
    const offered = timeline.options.length;
    if (answer < 0 || answer >= offered) {
      timeline.goto(here);
      throw new TextpokeError('E_USAGE', `there is no choice ${chosen}`, {
        hint: offered === 0 ? 'nothing more can happen here' : `1 to ${offered}: monitor choices`,
      });
    }
    if (timeline.answers[here.at] === answer) timeline.goto({ at: here.at + 1, inside: 0 });
    else {
      timeline.take(answer);
      timeline.openEnd = true;
    }
    const violations = timeline.violations.map((v) => `VIOLATION ${v.check} (${CHECK_TITLES[v.check]}): ${v.message}`);
    return [whereLine(desk), ...violations, ...(scheduleOf(desk).session.isVoid ? [VOID_RUN] : []), FLUSH];
  },
};

const restore: MonitorVerb = {
  name: 'restore',
  usage: '',
  help: 'back to the run that was opened, at this position if it has it',
  args: [0, 0],
  run(desk) {
    const { session, timeline } = scheduleOf(desk);
    const here = { at: timeline.position.at, inside: 0 };
    session.restore();
    timeline.goto(comparePositions(here, timeline.end) > 0 ? timeline.end : here);
    return [whereLine(desk), FLUSH];
  },
};

export const ORDERS: readonly MonitorVerb[] = [token, choices, take, restore];
