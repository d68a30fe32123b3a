import { MachineTarget } from './machine-target.ts';
import { ReferenceTarget } from './reference-target.ts';
import { RegionTarget } from './region-target.ts';
import type { VectorTarget } from './target.ts';

/** Every target by the name that `--engine` takes: the real machine under each engine, and the reference alone on flat memory. */
export const TARGETS: Readonly<Record<string, () => VectorTarget>> = {
  reference: () => new MachineTarget('reference'),
  interpreter: () => new MachineTarget('interpreter'),
  region: () => new RegionTarget(),
  judge: () => new ReferenceTarget(),
};
