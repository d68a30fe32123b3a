import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

let root: URL | undefined;

/** The path of a file of this package by its path in it: from its sources and compiled, wherever in `dist` the build has put this code. */
export function packageFile(path: string): string {
  if (root === undefined) {
    root = new URL('..', import.meta.url);
    while (!existsSync(new URL('package.json', root))) root = new URL('..', root);
  }
  return fileURLToPath(new URL(path, root));
}
