import { defineScenario, type Variant } from '../scenario.ts';
import { type Registration, unregisterWorld } from './unregister-world.ts';

interface IgnoredEnomem extends Variant {
  readonly registration: Registration;
}

const DATA: Pick<Registration, 'probes' | 'steps'> = { probes: ['A', 'B'], steps: [['tracepoint_probe_unregister', 'B']] };
const MODULE: Pick<Registration, 'probes' | 'steps'> = { probes: ['A', 'MODULE'], steps: [['tracepoint_probe_unregister', 'MODULE']] };
const STUB = { remove: 'REMOVE_STUB', stub_fn: 'tp_stub_func' };

/** The bug that "tracepoint: Do not fail unregistering a probe due to memory failure" fixed, and the first idea of a fix. */
export const ignoredEnomem = defineScenario<IgnoredEnomem>({
  name: 'unregister/ignored-enomem',
  alias: 'U-1',
  title: 'a probe that could not be removed fires again',
  story:
    'Removing one of several probes takes a new, smaller array. kmalloc() fails, the removal returns -ENOMEM and leaves the array as it was; its caller does not ' +
    'look, waits for a grace period and frees the data of the probe, or its module. The next hit still finds the probe in the array. The fix never fails: it ' +
    'puts a stub into the slot of the function.',
  window: 'any hit behind the unregister that failed',
  image: 'unregister',
  scope: 'two-victims',
  variants: [
    {
      name: 'data',
      title: '-ENOMEM is ignored, the data of the probe is freed',
      mutant: 'unregister: data freed although the removal failed',
      expected: 'violation',
      shows: { check: 'I5' },
      registration: { ...DATA, switches: { remove: 'REMOVE_FAIL' } },
    },
    {
      name: 'module-text',
      title: '-ENOMEM is ignored, the module of the probe is unloaded',
      expected: 'violation',
      shows: { check: 'I5' },
      registration: { ...MODULE, switches: { remove: 'REMOVE_FAIL' } },
    },
    {
      name: 'heeded',
      title: '-ENOMEM, and the caller keeps data and module',
      expected: 'ok',
      registration: { ...DATA, switches: { remove: 'REMOVE_FAIL', error: 'ERROR_HEEDED' } },
    },
    {
      name: 'stub',
      title: 'the slot gets a stub',
      expected: 'ok',
      history: 'tracepoint: Do not fail unregistering a probe due to memory failure',
      registration: { ...DATA, switches: STUB, witnesses: ['probe called', 'kmalloc fails', 'stub called'] },
    },
    {
      name: 'stub-module-text',
      title: 'the slot gets a stub, then the module is unloaded',
      expected: 'ok',
      history: 'tracepoint: Do not fail unregistering a probe due to memory failure',
      registration: { ...MODULE, switches: STUB, witnesses: ['probe called', 'kmalloc fails', 'stub called'] },
    },
  ],
  build: (image, variant, cell, engine) => unregisterWorld(image, cell, variant.registration, engine),
});
