import type { Plugin } from 'vite';

/** Packages that must never be part of what is published, and why. */
const REFUSED: Record<string, string> = { 'keystone-wasm': 'its publisher states no licence, and Keystone is GPL-2.0' };

/** Fails the build when a package that must not be published is part of it. */
export function refuseUnlicensed(): Plugin {
  return {
    name: 'refuse-unlicensed',
    generateBundle(_options, bundle) {
      for (const output of Object.values(bundle)) {
        if (output.type !== 'chunk') continue;
        for (const id of output.moduleIds)
          for (const [name, why] of Object.entries(REFUSED))
            if (id.includes(`/node_modules/${name}/`)) this.error(`${name} is in the bundle: ${why}`);
      }
    },
  };
}
