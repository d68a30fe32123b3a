import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

const directory = new URL('./golden/', import.meta.url);

/**
 * Compares text with the golden file `name`, byte for byte. With `TEXTPOKE_ACCEPT=1` in the environment the file is written instead: look at
 * the diff before committing it. A golden file that is missing fails without the switch.
 */
export function expectGolden(name: string, text: string): void {
  const path = fileURLToPath(new URL(name, directory));
  if (process.env.TEXTPOKE_ACCEPT === '1') writeFileSync(path, text);
  else expect(existsSync(path), `${name} is missing: TEXTPOKE_ACCEPT=1 npx vitest run test/debug writes it`).toBe(true);
  expect(text, `${name} differs: TEXTPOKE_ACCEPT=1 npx vitest run test/debug accepts it, then read the diff`).toBe(
    readFileSync(path, 'utf8'),
  );
}
