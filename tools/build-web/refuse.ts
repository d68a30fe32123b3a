import type { Plugin } from 'vite';

/** Packages that must never be part of what is published, and why. */
const UNLICENSED: Record<string, string> = { 'keystone-wasm': 'its publisher states no licence, and Keystone is GPL-2.0' };

/** Fails the build when a module must not be part of the page: one that may not be published, or one that only Node has. */
export function refuseModules(): Plugin {
  return {
    name: 'refuse-modules',
    generateBundle(_options, bundle) {
      for (const output of Object.values(bundle)) {
        if (output.type !== 'chunk') continue;
        for (const id of output.moduleIds) {
          const why = refused(id);
          if (why !== undefined) this.error(why);
        }
      }
    },
  };
}

/** Why a module may not be part of the page; undefined where it may. */
export function refused(id: string): string | undefined {
  // What Vite puts in the place of node:fs and the like, which would fail only when it is used.
  if (id.startsWith('node:') || id.includes('__vite-browser-external')) return `the page imports what only Node has: ${id}`;
  const found = Object.entries(UNLICENSED).find(([name]) => id.includes(`/node_modules/${name}/`));
  return found === undefined ? undefined : `${found[0]} is in the bundle: ${found[1]}`;
}
