import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { imageNames } from '../../tools/build-web/data.ts';
import { browserModule } from '../../tools/build-web/iced.ts';
import { packageOf } from '../../tools/build-web/licences.ts';
import { refused } from '../../tools/build-web/refuse.ts';

describe('the build of the page', () => {
  test('iced-x86 becomes an ES module that fetches its WebAssembly', () => {
    const source = readFileSync(createRequire(import.meta.url).resolve('iced-x86'), 'utf8');
    const text = browserModule(source, '/x/iced_x86_bg.wasm');
    expect(text).toContain('import url from "/x/iced_x86_bg.wasm?url";');
    for (const name of ['Decoder', 'Formatter', 'Encoder', 'Instruction']) expect(text).toContain(`export { ${name} };`);
    expect(text).toContain('export const Code = /*#__PURE__*/ Object.freeze(');
    expect(text.replace(/\/\*[\s\S]*?\*\//g, '')).not.toMatch(/module\.exports|require\(|__dirname/);
  });

  test('another text of it fails the build', () => {
    const source = readFileSync(createRequire(import.meta.url).resolve('iced-x86'), 'utf8');
    expect(() => browserModule(source.replace('require(`util`)', 'other'), '')).toThrow(/TextDecoder is not where it was/);
    expect(() => browserModule(source.replace('const path = require', 'const place = require'), '')).toThrow(/the end is not where it was/);
  });

  test('what only Node has and what may not be published is refused', () => {
    expect(refused('/a/node_modules/keystone-wasm/dist/index.js')).toContain('no licence');
    expect(refused('__vite-browser-external:node:fs')).toContain('only Node has');
    expect(refused('/a/src/isa/decode.ts')).toBeUndefined();
  });

  test('modules belong to packages, whose licences go with the page', () => {
    expect(packageOf('/a/node_modules/svelte/src/index.js')).toBe('svelte');
    expect(packageOf('/a/node_modules/svelte/node_modules/@b/c/d.js')).toBe('@b/c');
    expect(packageOf('\0iced-x86')).toBe('iced-x86');
    expect(packageOf('/a/src/web/main.ts')).toBeUndefined();
    const licences = new URL('../../dist/web/licences.txt', import.meta.url);
    if (existsSync(licences)) expect(readFileSync(licences, 'utf8')).toMatch(/^textpoke\n[\s\S]*\niced-x86\n[\s\S]*\nsvelte\n/);
  });

  test('every image that the catalogue runs on is there', () => {
    expect(imageNames()).toContain('lab');
    for (const name of imageNames())
      expect(readFileSync(new URL(`../../fixtures/${name}/${name}.elf`, import.meta.url)).length).toBeGreaterThan(0);
  });
});
