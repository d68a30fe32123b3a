import { replayToken } from '../../debug/replay.ts';
import { explainRace } from '../../debug/show-race.ts';
import { Exit } from '../../error.ts';
import { CHECK_TITLES } from '../../explore/violation.ts';
import { CellRunner } from '../../scenario/matrix.ts';
import { fixtures } from '../fixtures.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';
import { emitEvent } from '../json.ts';
import { headline, sayCell, wrapped } from '../report.ts';
import { knownScenarios, oneScenario, type Scenarios, sizeFields } from '../scenarios.ts';
import { tellStory } from '../story.ts';
import { whyFields } from '../why-fields.ts';

export interface ExplainOptions extends SharedFlags {
  /** A scenario's name or alias, when no token was given. */
  readonly scenario: string | undefined;
  /** A token as text, when one was given. */
  readonly token: string | undefined;
  /** A file of scenarios. */
  readonly scenarios: string | undefined;
}

/** Tells a scenario's story, or shows the race of a token. Returns the exit code. */
export async function explainAction(options: ExplainOptions, io: Io): Promise<number> {
  const { known, names } = await knownScenarios(options.scenarios, options.scenario === undefined ? [] : [options.scenario], io);
  if (options.token !== undefined) return explainToken(options.token, known, options, io);
  const scenario = oneScenario(known, names[0]);
  if (options.json) {
    const { name, alias, title, story } = scenario;
    const variants = scenario.variants.map((v) => ({ ...v, ...sizeFields(scenario, v) }));
    emitEvent(io, 'scenario', { name, alias: alias ?? null, title, story, variants });
    return 0;
  }
  io.stdout(tellStory(new CellRunner(fixtures(io)), scenario));
  return 0;
}

/** Diagram and reason of a token's schedule. 1 when it violates something, as it should; 0 when it holds. */
function explainToken(token: string, known: Scenarios, options: ExplainOptions, io: Io): number {
  const runner = new CellRunner(fixtures(io));
  const { found, knowledge, trace } = replayToken(runner, token, known.all);
  const { scenario, variant, cell, content } = found;
  const [violation] = trace.violations;
  const counterexample = violation === undefined ? undefined : { violation, answers: content.answers };
  const race = { scenario, variant, cell, counterexample, knowledge, token };
  const { text, why } = explainRace(runner, race, known.flags, options.verbose);
  if (options.json) {
    const { check, message } = violation ?? { check: null, message: null };
    const fields = why === undefined ? {} : whyFields(why);
    emitEvent(io, 'explain', { scenario: scenario.name, variant: variant.name, cell, check, message, ...fields, text });
  } else {
    const verdict =
      violation === undefined
        ? 'OK nothing is violated'
        : `FAIL ${CHECK_TITLES[violation.check]} (${violation.check}): ${violation.message}`;
    io.stdout(`${headline(`${scenario.name} ${variant.name}: ${variant.title}`)}\n${sayCell(cell)}\n\n${wrapped(verdict)}\n\n${text}`);
  }
  return violation === undefined ? Exit.ok : Exit.violation;
}
