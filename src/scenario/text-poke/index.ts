import type { Scenario } from '../scenario.ts';
import { cpuHotplug } from './cpu-hotplug.ts';
import { deadDescriptor } from './dead-descriptor.ts';
import { mixedBatch } from './mixed-batch.ts';
import { oneAddress } from './one-address.ts';
import { ownPath } from './own-path.ts';
import { perCpuRefs } from './per-cpu-refs.ts';
import { staleTranslation } from './stale-translation.ts';
import { straddling } from './straddling.ts';
import { teardown } from './teardown.ts';
import { threePhase } from './three-phase.ts';
import { tornNop } from './torn-nop.ts';

/** The store path and the int3 protocol. */
export const textPoke: readonly Scenario[] = [
  oneAddress,
  threePhase,
  straddling,
  tornNop,
  ownPath,
  staleTranslation,
  teardown,
  deadDescriptor,
  mixedBatch,
  perCpuRefs,
  cpuHotplug,
];
