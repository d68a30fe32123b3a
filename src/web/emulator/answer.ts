import { images } from 'virtual:fixtures';
import { Emulator } from './emulator.ts';
import { errorView } from './error-view.ts';
import { FixtureStore, fetchFrom } from './fixture-store.ts';
import type { Calls, Progress, Reply, Request } from './protocol.ts';

/** Milliseconds between two reports of progress. */
const INTERVAL_MS = 100;

const emulator = new Emulator(new FixtureStore(fetchFrom(images)));
const reply = (message: Reply): void => postMessage(message);

/** Progress as often as a person can read it. */
function paced(id: number): (progress: Progress) => void {
  let next = 0;
  return (progress) => {
    const now = performance.now();
    if (now < next) return;
    next = now + INTERVAL_MS;
    reply({ id, progress });
  };
}

/** Answers a request of the page. */
export async function answer({ id, name, ask }: Request): Promise<void> {
  try {
    reply({ id, answer: await emulator.call(name, ask as Calls[typeof name]['ask'], paced(id)) });
  } catch (error) {
    reply({ id, error: errorView(error) });
  }
}
