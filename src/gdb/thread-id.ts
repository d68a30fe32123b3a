import { numberOfHex } from './packet.ts';

// Cores are the threads of process 1, counted from 1: 0 and -1 mean any and all of them.

/** What `p1.2`, `p1.-1`, `2`, `0` names: a core, or `any` or `all` of them. Undefined for what names none of these cores. */
export type ThreadId = number | 'any' | 'all';

export const threadIdOf = (core: number): string => `p1.${(core + 1).toString(16)}`;

export function parseThreadId(text: string, cores: number): ThreadId | undefined {
  const match = /^(?:p(-1|[0-9a-f]{1,8})(?:\.(-1|[0-9a-f]{1,8}))?|(-1|[0-9a-f]{1,8}))$/i.exec(text);
  if (match === null) return undefined;
  const [, process, inProcess, alone] = match;
  if (process !== undefined && process !== '-1' && Number.parseInt(process, 16) > 1) return undefined;
  const thread = alone ?? inProcess ?? '-1';
  if (thread === '-1') return 'all';
  const number = Number(numberOfHex(thread) ?? 0n);
  if (number === 0) return 'any';
  return number <= cores ? number - 1 : undefined;
}
