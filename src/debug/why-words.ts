import { type Moment, momentsOf, type Pair } from './conflicts.ts';
import type { Fetch, Trace } from './happening.ts';
import { writes } from './happening.ts';

/** Two orders that enclose another core's work: it came after `enter` and before `leave` on the core where it broke. */
export interface Window {
  /** Access of the breaking core, then of the other. */
  readonly enter: Pair;
  /** Access of the other core, then of the breaking one. */
  readonly leave: Pair;
}

/** The window that essential pairs make: the breaking core between two accesses, another core doing two things inside. */
export function windowOf(pairs: readonly Pair[], core: number): Window | undefined {
  for (const leave of pairs.filter((p) => p.second.core === core)) {
    const enter = pairs.find((p) => p.first.core === core && p.second.core === leave.first.core && p.second.order <= leave.first.order);
    if (enter !== undefined) return { enter, leave };
  }
  return undefined;
}

/** `read of modifying_ftrace_code (@20)`, `fetch of cc (@17)`, `site[0] = e8 (@18)`. */
function noun(m: Moment, it?: string): string {
  const { what } = m;
  const text =
    what.what === 'fetch' ? `fetch of ${what.bytes}` : writes(what) ? `${what.name} = ${what.text}` : `read of ${it ?? what.name}`;
  return `${text} (@${m.at})`;
}

/** `read modifying_ftrace_code (@20)`, `fetched cc (@17)`, `did site[0] = e8 (@18)`. */
function verb(m: Moment, it?: string): string {
  const { what } = m;
  const text =
    what.what === 'fetch' ? `fetched ${what.bytes}` : writes(what) ? `did ${what.name} = ${what.text}` : `read ${it ?? what.name}`;
  return `${text} (@${m.at})`;
}

/** The window in one sentence, in the order in which it happened, with what the SYNCs had to do with it. */
export function sayWindow(trace: Trace, window: Window): string {
  const { enter, leave } = window;
  const [core, other] = [enter.first.core, leave.first.core];
  const once = enter.second.order === leave.first.order;
  const same = leave.second.what.name === leave.first.what.name ? 'it' : undefined;
  const before = `CPU${core} ${verb(enter.first)}, CPU${other} ${verb(once ? leave.first : enter.second)}${once ? '' : ` and ${noun(leave.first)}`}`;
  const after = `CPU${core} ${verb(leave.second, same)}`;
  const inside = momentsOf(trace).filter((m) => m.order > enter.second.order && m.order < leave.first.order);
  const answer = inside.find(({ h }) => h.what === 'interrupt' && h.name === 'SYNC' && h.core === core);
  if (answer !== undefined) return `${before}, then ${after}, though it had answered the SYNC in between (@${answer.at})`;
  const sent = inside.some(({ h }) => h.what === 'ipi' && h.name === 'SYNC');
  return `${before}${sent || once ? '' : ' with no SYNC in between'}, then ${after}`;
}

/** One order in one sentence. */
export function sayPair(trace: Trace, pair: Pair): string {
  const { first, second } = pair;
  const same = first.what.name === second.what.name;
  const early = `CPU${first.core}'s ${noun(first)}`;
  if (!writes(second.what)) return `${early} came before CPU${second.core}'s ${noun(second, same ? 'it' : undefined)}`;
  const { name, text, physical } = second.what;
  const set = same ? `set it to ${text}` : `did ${name} = ${text}`;
  if (second.order === Infinity) return `${early} came before CPU${second.core} ${set}`;
  const buffer = momentsOf(trace).findLast(
    ({ h, order }) =>
      h.what === 'access' && h.access === 'buffer' && h.core === second.core && h.physical === physical && order < second.order,
  );
  if (second.what.access !== 'drain' || buffer === undefined || buffer.order > first.order)
    return `${early} came before CPU${second.core} ${set} (@${second.at})`;
  return `${early} came while CPU${second.core}'s ${name} = ${text} (@${buffer.at}) was still in its store buffer`;
}

/** What was wrong with the last fetch of patched text by a core: versions, and the serializing event that is missing. */
export function sayFetchCause(trace: Trace, core: number): string | undefined {
  const happened = momentsOf(trace);
  const at = happened.findLast((m) => m.h.what === 'fetch' && m.h.core === core);
  if (at === undefined || at.h.what !== 'fetch') return undefined;
  const serialized = happened.findLast((m) => m.h.what === 'serialize' && m.h.core === core && m.order < at.order)?.order ?? -1;
  const write = happened.find(
    (m) => m.order > serialized && m.order < at.order && writes(m.h) && m.h.site && m.h.core !== core && m.h.text !== 'cc',
  );
  const versions = sayVersions(at.h);
  if (write === undefined || !writes(write.h)) return versions === undefined ? undefined : `CPU${core} fetched ${versions} (@${at.at})`;
  const store = `CPU${write.h.core}'s ${write.h.name} = ${write.h.text} (@${write.at})`;
  if (versions !== undefined) return `CPU${core} fetched ${versions} (@${at.at}), with no serializing event on CPU${core} since ${store}`;
  return at.h.race ? `no serializing event on CPU${core} between ${store} and its fetch of ${at.h.name} (@${at.at})` : undefined;
}

function sayVersions(fetch: Fetch): string | undefined {
  if (fetch.age.kind === 'now') return undefined;
  if (fetch.age.kind === 'old') return `${fetch.bytes}, overwritten @${fetch.age.until}`;
  return `bytes of several versions: ${fetch.age.parts.map((p) => `${p.bytes} (${p.since < 0 ? 'old' : `@${p.since}`})`).join(' ')}`;
}
