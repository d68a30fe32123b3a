import { TextpokeError } from '../error.ts';
import { didYouMean } from '../suggest.ts';
import { bpf } from './bpf/index.ts';
import { entry } from './entry/index.ts';
import { ftrace } from './ftrace/index.ts';
import { jumpLabel } from './jump-label/index.ts';
import { kprobes } from './kprobes/index.ts';
import { livepatch } from './livepatch/index.ts';
import { familyOf, type Scenario } from './scenario.ts';
import { staticCall } from './static-call/index.ts';
import { textPoke } from './text-poke/index.ts';
import { tracepoint } from './tracepoint/index.ts';
import { unregister } from './unregister/index.ts';
import { user } from './user/index.ts';

/** Every scenario, in the order in which they are listed. */
export const CATALOGUE: readonly Scenario[] = [
  ...ftrace,
  ...tracepoint,
  ...unregister,
  ...kprobes,
  ...livepatch,
  ...textPoke,
  ...staticCall,
  ...jumpLabel,
  ...entry,
  ...bpf,
  ...user,
];

export const FAMILIES: readonly string[] = [...new Set(CATALOGUE.map(familyOf))];

/** The scenario of a name or of a code of the catalogue of races; `E_SCENARIO` with the nearest name otherwise. */
export function scenarioOf(name: string, scenarios: readonly Scenario[] = CATALOGUE): Scenario {
  const found = scenarios.find((s) => s.name === name || s.alias?.toLowerCase() === name.toLowerCase());
  if (found !== undefined) return found;
  const known = scenarios.flatMap((s) => (s.alias === undefined ? [s.name] : [s.name, s.alias]));
  throw new TextpokeError('E_SCENARIO', `there is no scenario '${name}'`, {
    where: name,
    hint: /\.(elf|img|iso|bin)$/i.test(name)
      ? 'a program alone is for textpoke run, gdb and dap'
      : (didYouMean(name, known) ?? "'textpoke list' shows them all"),
  });
}
