import type { TraceFormat } from '../../debug/formats/about.ts';
import { replayToken } from '../../debug/replay.ts';
import { formatTrace } from '../../debug/trace.ts';
import { Exit, TextpokeError } from '../../error.ts';
import { CellRunner } from '../../scenario/matrix.ts';
import { fixtures } from '../fixtures.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';
import { emitEvent } from '../json.ts';
import { knownScenarios } from '../scenarios.ts';
import { emitTrace } from './trace.ts';

export interface ReplayOptions extends SharedFlags {
  /** A token as text. */
  readonly token: string;
  /** A file of scenarios. */
  readonly scenarios: string | undefined;
  /** Undefined: text, or with --json one event. */
  readonly format: TraceFormat | undefined;
}

/** Runs the one schedule of a token and prints its trace, byte for byte the same each time. 1 when it violates something, as it should. */
export async function replayAction(options: ReplayOptions, io: Io): Promise<number> {
  const { known } = await knownScenarios(options.scenarios, [], io);
  const replayed = replayToken(new CellRunner(fixtures(io), options.engine), options.token, known.all);
  const { found, world, trace } = replayed;
  if (options.json && options.format !== 'json') {
    if (options.format !== undefined && options.format !== 'text' && options.format !== 'changelog') throw oneOrTheOther(options.format);
    emitEvent(io, 'replay', {
      scenario: found.scenario.name,
      variant: found.variant.name,
      cell: found.cell,
      steps: trace.steps.length,
      hash: world.machine.hash(),
      text: formatTrace(trace),
    });
  } else emitTrace(replayed, options.token, options.format ?? 'text', options, io);
  return trace.violations.length > 0 ? Exit.violation : Exit.ok;
}

const oneOrTheOther = (format: TraceFormat): TextpokeError =>
  new TextpokeError('E_USAGE', '--json prints one event', { where: `--json --format ${format}`, hint: 'leave one of them out' });
