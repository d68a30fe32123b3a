import { describe, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import lock from '../../package-lock.json' with { type: 'json' };
import { whyInstall } from '../../tools/bootstrap.mjs';

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
const packages: Readonly<Record<string, Locked>> = lock.packages;

describe('the lock file', () => {
  test('names no host', () => {
    expect(Object.values(packages).filter(({ resolved }) => resolved !== undefined)).toEqual([]);
    expect(JSON.stringify(packages)).not.toMatch(/"resolved":/);
  });

  test('has every package with its hash, those of other platforms too (npm ci refuses it otherwise)', () => {
    const names = new Set(Object.keys(packages).map((path) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)));
    const optional = Object.values(packages).flatMap(({ optionalDependencies }) => Object.keys(optionalDependencies ?? {}));
    expect(optional.length).toBeGreaterThan(0);
    expect(optional.filter((name) => !names.has(name))).toEqual([]);
    const incomplete = Object.entries(packages).filter(([path, { version, integrity }]) => path !== '' && !(version && integrity));
    expect(incomplete).toEqual([]);
  });

  test('is of this package', () => {
    expect(packages['']).toMatchObject({ version: packageJson.version, dependencies: packageJson.dependencies });
    expect(packages['']).toMatchObject({ devDependencies: packageJson.devDependencies, engines: packageJson.engines });
  });
});

describe('whether an installation is needed', () => {
  const wanted = { packages: { '': {}, a: { version: '1.0.0', integrity: 'x' }, b: { version: '1.0.0', optional: true } } };
  const installed = (a: object) => ({ packages: { a } });

  test.each([
    ['nothing is installed', undefined, 'nothing is installed yet'],
    ['a package is missing', { packages: {} }, 'a is missing'],
    ['a version differs', installed({ version: '1.0.1', integrity: 'x' }), 'a is not the locked one'],
    ['a hash differs', installed({ version: '1.0.0', integrity: 'y' }), 'a is not the locked one'],
    ['only a package of another platform is missing', installed({ version: '1.0.0', integrity: 'x' }), undefined],
  ])('%s', (_name, found, why) => {
    expect(whyInstall(wanted, found)).toBe(why);
  });
});
