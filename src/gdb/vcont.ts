import type { Goal } from '../debug/timeline/debugger.ts';
import { numberOfHex } from './packet.ts';
import { parseThreadId } from './thread-id.ts';

/** What `vCont` asks for. */
export interface Resumption {
  readonly goal: Goal;
  /** Only this core is named: no other one may move. */
  readonly alone: number | undefined;
}

interface Action {
  readonly letter: string;
  readonly range: readonly [bigint, bigint] | undefined;
  readonly core: number | 'any' | 'all';
}

/** Reads what follows `vCont`: `;s:p1.2;c:p1.-1`. Undefined for what is no such thing. `current` is the core that gdb looks at. */
export function parseResumption(text: string, cores: number, current: number): Resumption | undefined {
  const actions: Action[] = [];
  for (const part of text.split(';').slice(1)) {
    const match = /^(?:([cst])|([CS])[0-9a-f]{2}|(r)([0-9a-f]{1,16}),([0-9a-f]{1,16}))(?::([^:]*))?$/i.exec(part);
    if (match === null) return undefined;
    const [, plain, signal, range, from, to, thread] = match;
    const core = thread === undefined ? 'all' : parseThreadId(thread, cores);
    if (core === undefined) return undefined;
    const bounds = range === undefined ? undefined : ([numberOfHex(from) ?? 0n, numberOfHex(to) ?? 0n] as const);
    actions.push({ letter: (plain ?? signal ?? 'r').toLowerCase(), range: bounds, core });
  }
  // `t` stops a thread: all of them have stopped whenever a packet comes.
  if (actions.every((a) => a.letter === 't')) return undefined;
  const step = actions.find((a) => a.letter === 's' || a.letter === 'r');
  const moving = actions.filter((a) => a.letter !== 't');
  const everybody = moving.some((a) => a.core === 'all' || a.core === 'any');
  const named = moving.find((a) => typeof a.core === 'number')?.core;
  const core = typeof step?.core === 'number' ? step.core : current;
  const goal: Goal =
    step === undefined
      ? { kind: 'continue' }
      : step.range === undefined
        ? { kind: 'instruction', core }
        : { kind: 'range', core, from: step.range[0], to: step.range[1] };
  return { goal, alone: everybody || typeof named !== 'number' ? undefined : named };
}
