import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';
import { CATALOGUE } from '../../src/scenario/catalogue.ts';
import { catalogueEntry } from '../../src/web/catalogue-entry.ts';

const CATALOGUE_ID = 'virtual:catalogue';
const FIXTURES_ID = 'virtual:fixtures';

/**
 * What the page knows before the emulator is there, and where its files are:
 * `virtual:catalogue` is the catalogue as text; `virtual:fixtures` has the addresses of built images and of their sources.
 */
export function pageData(root: string): Plugin {
  return {
    name: 'page-data',
    resolveId: (id) => (id === CATALOGUE_ID || id === FIXTURES_ID ? `\0${id}` : undefined),
    load(id) {
      if (id === `\0${CATALOGUE_ID}`) {
        const text = JSON.stringify(CATALOGUE.map(catalogueEntry));
        return `export const catalogue = JSON.parse(${JSON.stringify(text)});`;
      }
      return id === `\0${FIXTURES_ID}` ? fixtureModule(root) : undefined;
    },
  };
}

/** Names of the built images that the catalogue runs on. */
export function imageNames(): string[] {
  return [...new Set(CATALOGUE.flatMap((s) => (typeof s.image === 'object' ? [] : [s.image ?? 'lab'])))].sort();
}

function fixtureModule(root: string): string {
  const names = imageNames();
  const images = names.map((name) => [name, join(root, 'fixtures', name, `${name}.elf`)] as const);
  const sources = [...names, 'kernel'].flatMap((name) =>
    readdirSync(join(root, 'fixtures', name))
      .filter((file) => /\.[chS]$/.test(file))
      .sort()
      .map((file) => [`fixtures/${name}/${file}`, join(root, 'fixtures', name, file)] as const),
  );
  const table = (list: readonly (readonly [string, string])[], prefix: string): { imports: string; entries: string } => ({
    imports: list.map(([, path], n) => `import ${prefix}${n} from ${JSON.stringify(`${path}?url`)};`).join('\n'),
    entries: list.map(([name], n) => `${JSON.stringify(name)}: ${prefix}${n}`).join(', '),
  });
  const [elf, src] = [table(images, 'image'), table(sources, 'source')];
  return `${elf.imports}\n${src.imports}\nexport const images = { ${elf.entries} };\nexport const sources = { ${src.entries} };\n`;
}
