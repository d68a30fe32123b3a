import type { StateWord } from '../isa/core-state.ts';

/** Selectors, bases and the privilege level, as a person looks for them. */
export const SEGMENTS: readonly StateWord[] = ['cs', 'ss', 'ds', 'es', 'fs', 'gs', 'fsBase', 'gsBase', 'kernelGsBase', 'cpl'];

/** Control, debug and system registers. */
export const SYSTEM: readonly StateWord[] = [
  'cr0',
  'cr2',
  'cr3',
  'cr4',
  'cr8',
  'efer',
  'gdtrBase',
  'gdtrLimit',
  'idtrBase',
  'idtrLimit',
  'tr',
  'trBase',
  'star',
  'lstar',
  'sfmask',
  'apicBase',
  'dr0',
  'dr1',
  'dr2',
  'dr3',
  'dr6',
  'dr7',
];
