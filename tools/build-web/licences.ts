import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

/** The file beside the page. */
const LICENCES = 'licences.txt';

/**
 * The licences of all that the page is made of, in a file beside it. A worker is a build of its own: each gets a plugin of these, and that of the page, which
 * ends last, writes the file. A package without a licence file fails the build.
 */
export class Licences {
  readonly #root: string;
  readonly #packages = new Set<string>();

  /** `root`: the folder of package.json. */
  constructor(root: string) {
    this.#root = root;
  }

  plugin(writes: boolean): Plugin {
    const licences = this;
    return {
      name: 'licences',
      generateBundle(_options, bundle) {
        for (const output of Object.values(bundle)) if (output.type === 'chunk') for (const id of output.moduleIds) licences.#add(id);
        if (writes) this.emitFile({ type: 'asset', fileName: LICENCES, source: licences.text() });
      },
    };
  }

  #add(id: string): void {
    const name = packageOf(id);
    if (name !== undefined) this.#packages.add(name);
  }

  text(): string {
    const own = `textpoke\n\n${readFileSync(join(this.#root, 'LICENSE'), 'utf8').trim()}`;
    return `${[own, ...[...this.#packages].sort().map((name) => `${name}\n\n${this.#licenceOf(name)}`)].join(`\n\n${'-'.repeat(72)}\n\n`)}\n`;
  }

  #licenceOf(name: string): string {
    const folder = join(this.#root, 'node_modules', name);
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) throw new Error(`${name} is part of the page and has no licence file`);
    return readFileSync(join(folder, file), 'utf8').trim();
  }
}

/** The package of a module's id; undefined for our own. */
export function packageOf(id: string): string | undefined {
  if (id === '\0iced-x86') return 'iced-x86';
  return /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1];
}
