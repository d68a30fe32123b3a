import { defineScenario, type Variant } from '../scenario.ts';
import { type Registration, unregisterWorld } from './unregister-world.ts';

interface Cfi extends Variant {
  readonly registration: Registration;
}

const BASE: Registration = {
  probes: ['A', 'B'],
  steps: [['tracepoint_probe_unregister', 'B']],
  witnesses: ['probe called', 'kmalloc fails', 'stub called'],
};
const FINEIBT: Registration = {
  ...BASE,
  reader: 'fineibt',
  probes: ['FINEIBT_A', 'FINEIBT_B'],
  steps: [['tracepoint_probe_unregister', 'FINEIBT_B']],
};

/** What indirect calls that are checked say of the stub that v5.12 puts into the array. */
export const cfi = defineScenario<Cfi>({
  name: 'unregister/cfi',
  alias: 'U-3',
  title: 'the stub is not of the type that is called',
  story:
    'The stub of the fix is void stub(void), one for all tracepoints. That is right for the calling convention, and wrong for kCFI: in front of the call the ' +
    'iterator compares the hash of the type that it wants with the one in front of the function. A stub of the prototype of the tracepoint passes.',
  window: 'any walk that meets the stub',
  image: 'unregister',
  scope: 'one-victim',
  variants: [
    {
      name: 'no-cfi',
      title: 'one stub for all, calls are not checked',
      expected: 'ok',
      history: 'tracepoint: Do not fail unregistering a probe due to memory failure',
      registration: { ...BASE, switches: { stub_fn: 'tp_stub_func' } },
    },
    {
      name: 'kcfi',
      title: 'one stub for all, the caller checks (kCFI)',
      mutant: 'unregister: a stub of another type under kCFI',
      expected: 'violation',
      shows: { check: 'I9' },
      registration: { ...BASE, reader: 'kcfi', switches: { stub_fn: 'tp_stub_func' } },
    },
    {
      name: 'kcfi-own-stub',
      title: 'a stub for each tracepoint, the caller checks (kCFI)',
      expected: 'ok',
      registration: { ...BASE, reader: 'kcfi', switches: { stub_fn: 'event_stub' } },
    },
    {
      name: 'fineibt',
      title: 'one stub for all, the callee checks (FineIBT)',
      mutant: 'unregister: a stub of another type under FineIBT',
      expected: 'violation',
      shows: { check: 'I9' },
      registration: { ...FINEIBT, switches: { stub_fn: 'tp_stub_func_fineibt' } },
    },
    {
      name: 'fineibt-own-stub',
      title: 'a stub for each tracepoint, the callee checks (FineIBT)',
      expected: 'ok',
      registration: { ...FINEIBT, switches: { stub_fn: 'event_stub_fineibt' } },
    },
  ],
  build: (image, variant, cell, engine) => unregisterWorld(image, cell, variant.registration, engine),
});
