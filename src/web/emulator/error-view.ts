import { TextpokeError } from '../../error.ts';
import type { ErrorView } from './protocol.ts';

/** An error in the three parts that a person reads: what, where, what next. */
export function errorView(error: unknown): ErrorView {
  if (error instanceof TextpokeError) {
    const { code, message, where, hint } = error;
    return { code, message, where, hint };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'E_PAGE', message, where: undefined, hint: 'this is a fault of the page, not of your input: reload it' };
}
