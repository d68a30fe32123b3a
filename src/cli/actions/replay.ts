import { raceDiagram } from '../../debug/diagram.ts';
import { formatTrace, recordTrace } from '../../debug/trace.ts';
import { Exit } from '../../error.ts';
import { findToken } from '../../scenario/find-token.ts';
import { CellRunner } from '../../scenario/matrix.ts';
import type { Fixtures } from '../../scenario/scenario.ts';
import { fixtures } from '../fixtures.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';
import { emitEvent } from '../json.ts';
import { sayCell } from '../report.ts';
import { engineName } from '../search-options.ts';

export interface ReplayOptions extends SharedFlags {
  /** A token as text. */
  readonly token: string;
  readonly format: 'text' | 'changelog';
}

/** Runs the one schedule of a token: the world it belongs to at its end, what that knew from the start, and what happened. Throws E_TOKEN. */
export function replayToken(runner: CellRunner, token: string, images: Fixtures) {
  const found = findToken(token, images);
  const knowledge = runner.learned(found.scenario, found.variant.name, found.cell.victims).clone();
  knowledge.add(found.content);
  const world = runner.maker(found.scenario, found.variant.name, found.cell)();
  world.begin(knowledge);
  return { found, knowledge, world, trace: recordTrace(world, found.content.answers) };
}

/** Runs the one schedule of a token and prints its trace, byte for byte the same each time. 1 when it violates something, as it should. */
export async function replayAction(options: ReplayOptions, io: Io): Promise<number> {
  const images = fixtures(io);
  const { found, world, trace } = replayToken(new CellRunner(images, engineName(options)), options.token, images);
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
