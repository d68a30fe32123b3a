import { TextpokeError } from '../../src/error.ts';

/** The error with which `act` refuses what it is given. */
export function refusal(act: () => unknown): TextpokeError {
  try {
    act();
  } catch (error) {
    if (error instanceof TextpokeError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}
