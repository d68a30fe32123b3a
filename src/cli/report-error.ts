import { Exit, TextpokeError } from '../error.ts';
import type { Io } from './io.ts';
import { emitEvent } from './json.ts';
import { styleFor } from './style.ts';

/** How an error is shown: as an event besides, with colour, with the stack of an error of ours. */
export interface ReportOptions {
  readonly json: boolean;
  readonly color: boolean;
  readonly verbose: boolean;
}

/** An error that nobody foresaw, as ours. */
function internalError(error: unknown): TextpokeError {
  const message = error instanceof Error ? error.message : String(error);
  return new TextpokeError('E_INTERNAL', `internal error: ${message}`, {
    where: error instanceof Error ? error.name : typeof error,
    hint: 'this is a fault of textpoke, not of your input; --verbose shows where',
    exitCode: Exit.failure,
  });
}

/**
 * Shows an error in three lines on stderr (what, where, what next); with `json` also as an event on stdout. Returns the
 * exit code. The stack is shown only for E_INTERNAL and only under `--verbose`.
 */
export function reportError(thrown: unknown, io: Io, options: ReportOptions): number {
  const error = thrown instanceof TextpokeError ? thrown : internalError(thrown);
  const { code, message, where, hint, exitCode } = error;
  if (options.json) emitEvent(io, 'error', { code, message, where, hint, exit: exitCode });

  const style = styleFor(io, 'stderr', options.color);
  const lines = [`${style.red('error:')} ${message}   ${style.dim(`[${code}]`)}`];
  if (where !== undefined) lines.push(`   ${where}`);
  if (hint !== undefined) lines.push(`   ${style.cyan('hint:')} ${hint}`);
  if (options.verbose && code === 'E_INTERNAL' && thrown instanceof Error && thrown.stack !== undefined) lines.push(thrown.stack);
  io.stderr(`${lines.join('\n')}\n`);
  return exitCode;
}
