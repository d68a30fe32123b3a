import { TextpokeError } from '../error.ts';
import { didYouMean } from '../suggest.ts';
import { bulk } from './ftrace/bulk.ts';
import { callEmulation } from './ftrace/call-emulation.ts';
import { ghostInt3 } from './ftrace/ghost-int3.ts';
import { lateHandler } from './ftrace/late-handler.ts';
import { nextModification } from './ftrace/next-modification.ts';
import { familyOf, type Scenario } from './scenario.ts';
import { oneAddress } from './text-poke/one-address.ts';
import { ownPath } from './text-poke/own-path.ts';
import { staleTranslation } from './text-poke/stale-translation.ts';
import { straddling } from './text-poke/straddling.ts';
import { threePhase } from './text-poke/three-phase.ts';
import { tornNop } from './text-poke/torn-nop.ts';

/** Every scenario, in the order in which they are listed. */
export const CATALOGUE: readonly Scenario[] = [
  lateHandler,
  nextModification,
  callEmulation,
  ghostInt3,
  bulk,
  oneAddress,
  threePhase,
  straddling,
  tornNop,
  ownPath,
  staleTranslation,
];

export const FAMILIES: readonly string[] = [...new Set(CATALOGUE.map(familyOf))];

/** The scenario of a name or of a code of the catalogue of races; `E_SCENARIO` with the nearest name otherwise. */
export function scenarioOf(name: string): Scenario {
  const found = CATALOGUE.find((s) => s.name === name || s.alias?.toLowerCase() === name.toLowerCase());
  if (found !== undefined) return found;
  const known = CATALOGUE.flatMap((s) => (s.alias === undefined ? [s.name] : [s.name, s.alias]));
  throw new TextpokeError('E_SCENARIO', `there is no scenario '${name}'`, {
    where: name,
    hint: didYouMean(name, known) ?? "'textpoke list' shows them all",
  });
}
