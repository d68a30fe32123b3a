import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin } from 'vite';
import { pageData } from './tools/build-web/data.ts';
import { icedForBrowsers } from './tools/build-web/iced.ts';
import { Licences } from './tools/build-web/licences.ts';
import { refuseModules } from './tools/build-web/refuse.ts';

const root = fileURLToPath(new URL('.', import.meta.url));
const licences = new Licences(root);
const shared = (page: boolean): Plugin[] => [icedForBrowsers(), pageData(root), refuseModules(), licences.plugin(page)];

/** The web page: src/web to dist/web, with relative addresses, so that any folder of a static host will do. */
export default defineConfig({
  root: fileURLToPath(new URL('src/web', import.meta.url)),
  base: './',
  publicDir: false,
  plugins: [svelte(), ...shared(true)],
  worker: { format: 'es', plugins: () => shared(false) },
  build: {
    outDir: fileURLToPath(new URL('dist/web', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    // Preloading by a script of the page's own needs none: every browser that runs this has it.
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 2000,
    rolldownOptions: { checks: { pluginTimings: false } },
  },
});
