import { Exit } from '../error.ts';

/** Notes ^C: `note` gives how often it came before. The second one ends at once. */
export function hear(note: () => number): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (note() > 0) process.exit(Exit.interrupted);
    });
}
