import type { Request } from './protocol.ts';

// The decoder is loaded before anything of the emulator runs, and messages that come meanwhile would be lost: so this file hears them, and loads the rest.
const emulator = import('./answer.ts');

/** One after the other: what a call found is there for the next. */
let queue: Promise<void> = Promise.resolve();

addEventListener('message', ({ data }: MessageEvent<Request>) => {
  queue = queue.then(async () => {
    try {
      await (await emulator).answer(data);
    } catch (error) {
      const where = error instanceof Error ? error.message : String(error);
      const hint = 'is the server still there? reload the page';
      postMessage({ id: data.id, error: { code: 'E_PAGE', message: 'the emulator could not be loaded', where, hint } });
    }
  });
});
