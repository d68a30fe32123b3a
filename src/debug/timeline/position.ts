import { TextpokeError } from '../../error.ts';

/**
 * A place in a run. `@14` is the state before step 14; `@14+3` lies inside that step, behind three of its instructions (exceptions that were
 * delivered and interrupts that were taken count as one each). Others see nothing of what a core does inside a step, so schedules only know whole steps.
 */
export interface Position {
  readonly at: number;
  readonly inside: number;
}

export const START: Position = { at: 0, inside: 0 };

/** Negative when `a` lies before `b`, 0 when they are the same place. */
export const comparePositions = (a: Position, b: Position): number => a.at - b.at || a.inside - b.inside;

export const positionText = ({ at, inside }: Position): string => (inside === 0 ? `@${at}` : `@${at}+${inside}`);

/** Reads `@14`, `14` or `@14+3`; anything else is `E_USAGE`. */
export function parsePosition(text: string): Position {
  const match = /^@?(\d{1,15})(?:\+(\d{1,15}))?$/.exec(text.trim());
  if (match === null)
    throw new TextpokeError('E_USAGE', `${JSON.stringify(text)} is no position`, { where: text, hint: 'positions look like @14 or @14+3' });
  return { at: Number(match[1]), inside: Number(match[2] ?? 0) };
}

/** The same, and `end` or `@end` for the end of a run, which `end` finds. */
export const parsePositionOrEnd = (text: string, end: () => Position): Position =>
  /^@?end$/.test(text.trim()) ? end() : parsePosition(text);
