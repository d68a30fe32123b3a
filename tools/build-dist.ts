// The part of npm run build that makes the JavaScript of dist from src, in few files, because Node takes as long to find and read a module as to run it. Types are tsc's.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import packageJson from '../package.json' with { type: 'json' };
import { icedForNode } from './build-web/iced.ts';
import { Licences } from './build-web/licences.ts';
import { refuseModules } from './build-web/refuse.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
/** What every start needs is taken in: a package costs more than its code. */
const TAKEN_IN = ['commander', 'iced-x86', 'picocolors'];
const external = [...Object.keys(packageJson.dependencies), ...Object.keys(packageJson.peerDependencies)].filter(
  (name) => !TAKEN_IN.includes(name),
);

/** Builds into a folder beneath that of package.json, so that packages and fixtures are found from there. */
export async function buildDist(outDir: string): Promise<void> {
  await build({
    configFile: false,
    root,
    logLevel: 'warn',
    publicDir: false,
    plugins: [icedForNode(), refuseModules(), new Licences(root).plugin(true)],
    ssr: { noExternal: true, external },
    build: {
      ssr: true,
      outDir,
      // The types are there already.
      emptyOutDir: false,
      target: 'node20.19',
      sourcemap: true,
      rolldownOptions: {
        checks: { pluginTimings: false },
        input: Object.fromEntries(
          ['index', 'vitest/index', 'cli/main', 'cli/second-thread', 'cli/worker'].map((name) => [name, join(root, `src/${name}.ts`)]),
        ),
        output: {
          entryFileNames: '[name].js',
          chunkFileNames: 'chunks/[name].js',
          // What all verbs use, and what all that emulate use, are read as one file each.
          codeSplitting: {
            groups: [
              { name: 'base', test: /\/src\/cli\/(hear|node-io|report-error|threads)\.ts$/ },
              { name: 'program', test: /\/src\/cli\/(program|verb|own-flags|values)\.ts$/ },
              { name: 'machine', test: /\/src\/(machine\/machine|image\/image|kernel\/[^/]+)\.ts$/ },
            ],
          },
          // Names stay, for stacks.
          minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
        },
      },
    },
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildDist(join(root, 'dist'));
