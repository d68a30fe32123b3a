import { raceDiagram } from '../../debug/diagram.ts';
import { replayToken } from '../../debug/replay.ts';
import { formatTrace } from '../../debug/trace.ts';
import { Exit } from '../../error.ts';
import { CellRunner } from '../../scenario/matrix.ts';
import { fixtures } from '../fixtures.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';
import { emitEvent } from '../json.ts';
import { sayCell } from '../report.ts';
import { knownScenarios } from '../scenarios.ts';
import { engineName } from '../search-options.ts';

export interface ReplayOptions extends SharedFlags {
  /** A token as text. */
  readonly token: string;
  /** A file of scenarios. */
  readonly scenarios: string | undefined;
  readonly format: 'text' | 'changelog';
}

/** Runs the one schedule of a token and prints its trace, byte for byte the same each time. 1 when it violates something, as it should. */
export async function replayAction(options: ReplayOptions, io: Io): Promise<number> {
  const { known } = await knownScenarios(options.scenarios, [], io);
  const { found, world, trace } = replayToken(new CellRunner(fixtures(io), engineName(options)), options.token, known.all);
  const title = `${found.scenario.name} ${found.variant.name}: ${found.variant.title}`;
  if (options.json) {
    emitEvent(io, 'replay', {
      scenario: found.scenario.name,
      variant: found.variant.name,
      cell: found.cell,
      steps: trace.steps.length,
      hash: world.machine.hash(),
      text: formatTrace(trace),
    });
  } else if (options.format === 'changelog') io.stdout(raceDiagram(trace));
  else io.stdout(`${title}\n${sayCell(found.cell)}\n\n${formatTrace(trace)}\n${raceDiagram(trace)}`);
  return trace.violations.length > 0 ? Exit.violation : Exit.ok;
}
