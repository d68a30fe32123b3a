import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Plugin } from 'vite';

const ID = '\0iced-x86';

/**
 * iced-x86 is published for Node alone: CommonJS that reads its WebAssembly with `fs`. This gives the same code as an ES module, of which a bundle takes only what
 * it uses. It changes generated code by its text, so every pattern must be found: another version of the package fails the build.
 */
const asModule = (name: string, module: (source: string, wasm: string) => string): Plugin => {
  const file = createRequire(import.meta.url).resolve('iced-x86');
  return {
    name,
    enforce: 'pre',
    resolveId: (id) => (id === 'iced-x86' ? ID : undefined),
    load: (id) => (id === ID ? module(readFileSync(file, 'utf8'), join(dirname(file), 'iced_x86_bg.wasm')) : undefined),
  };
};

/** The module fetches its WebAssembly, beside the bundle. */
export const icedForBrowsers = (): Plugin => asModule('iced-for-browsers', browserModule);

/** The module reads its WebAssembly where iced-x86 is installed. */
export const icedForNode = (): Plugin => asModule('iced-for-node', nodeModule);

/** The module's text for browsers; `wasm` is the path of its WebAssembly. */
export function browserModule(source: string, wasm: string): string {
  return [
    `import url from ${JSON.stringify(`${wasm}?url`)};`,
    esModule(source),
    'const response = await fetch(url);',
    "if (!response.ok) throw new Error('the decoder could not be loaded: HTTP ' + response.status);",
    'wasm = (await WebAssembly.instantiate(await response.arrayBuffer(), { __wbindgen_placeholder__: glue })).instance.exports;',
    '',
  ].join('\n');
}

/** The same for Node. */
function nodeModule(source: string): string {
  return [
    "import { readFileSync } from 'node:fs';",
    "import { createRequire } from 'node:module';",
    esModule(source),
    "const bytes = readFileSync(createRequire(import.meta.url).resolve('iced-x86/iced_x86_bg.wasm'));",
    'wasm = new WebAssembly.Instance(new WebAssembly.Module(bytes), { __wbindgen_placeholder__: glue }).exports;',
    '',
  ].join('\n');
}

/** The module without what gives `wasm` its value; `glue` is what that imports. */
function esModule(source: string): string {
  let text = source;
  const change = (what: string, pattern: RegExp, by: string | ((...groups: string[]) => string)): void => {
    const changed = text.replace(pattern, by as string);
    if (changed === text) throw new Error(`iced-x86: ${what} is not where it was: look at tools/build-web/iced.ts`);
    text = changed;
  };
  change('the table of imports', /^let imports = \{\};\nimports\['__wbindgen_placeholder__'\] = module\.exports;\n/, '');
  change('TextDecoder', /^const \{ TextDecoder, TextEncoder \} = require\(`util`\);\n/m, '');
  change('the end', /\nconst path = require\('path'\)[\s\S]*$/, '\n');
  change('the imports', /^module\.exports\.(__w\w+) = /gm, 'glue.$1 = ');
  change('the enumerations', /^module\.exports\.(\w+) = Object\.freeze\(/gm, 'export const $1 = /*#__PURE__*/ Object.freeze(');
  change('the classes', /^module\.exports\.(\w+) = \1;$/gm, 'export { $1 };');
  change('the functions', /^module\.exports\.(\w+) = function\(/gm, 'export const $1 = function(');
  if (/module\.exports|require\(['`]/.test(text.replace(/\/\*[\s\S]*?\*\//g, '')))
    throw new Error('iced-x86: something of CommonJS is left: look at tools/build-web/iced.ts');
  return `const glue = {};\n${text}`;
}
