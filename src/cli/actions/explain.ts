import { wrap } from '../../debug/wrap.ts';
import { Exit } from '../../error.ts';
import { CHECK_TITLES } from '../../explore/violation.ts';
import { scenarioOf } from '../../scenario/catalogue.ts';
import { CellRunner } from '../../scenario/matrix.ts';
import type { Expectation, Scenario } from '../../scenario/scenario.ts';
import { fixtures } from '../fixtures.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';
import { emitEvent } from '../json.ts';
import { sayCell, wrapped } from '../report.ts';
import { showRace } from '../show-race.ts';
import { replayToken } from './replay.ts';

export interface ExplainOptions extends SharedFlags {
  /** A scenario's name or alias, when no token was given. */
  readonly scenario: string | undefined;
  /** A token as text, when one was given. */
  readonly token: string | undefined;
}

/** Tells a scenario's story, or shows the race of a token. Returns the exit code. */
export async function explainAction(options: ExplainOptions, io: Io): Promise<number> {
  if (options.token !== undefined) return explainToken(options.token, options, io);
  const scenario = scenarioOf(options.scenario ?? '');
  if (options.json) {
    const { name, alias, title, story, variants } = scenario;
    emitEvent(io, 'scenario', { name, alias: alias ?? null, title, story, variants });
    return 0;
  }
  io.stdout(story(scenario));
  return 0;
}

/** Diagram and reason of a token's schedule. 1 when it violates something, as it should; 0 when it holds. */
function explainToken(token: string, options: ExplainOptions, io: Io): number {
  const runner = new CellRunner(fixtures(io));
  const { found, knowledge, trace } = replayToken(runner, token, fixtures(io));
  const { scenario, variant, cell, content } = found;
  const [violation] = trace.violations;
  const counterexample = violation === undefined ? undefined : { violation, answers: content.answers };
  const race = showRace(runner, { scenario, variant, cell, counterexample, knowledge, token });
  if (options.json) {
    const { check, message } = violation ?? { check: null, message: null };
    emitEvent(io, 'explain', { scenario: scenario.name, variant: variant.name, cell, check, message, text: race });
  } else {
    const verdict =
      violation === undefined
        ? 'OK nothing is violated'
        : `FAIL ${CHECK_TITLES[violation.check]} (${violation.check}): ${violation.message}`;
    io.stdout(`${scenario.name} ${variant.name}: ${variant.title}\n${sayCell(cell)}\n\n${wrapped(verdict)}\n\n${race}`);
  }
  return violation === undefined ? Exit.ok : Exit.violation;
}

function story(scenario: Scenario): string {
  const head = `${scenario.name}${scenario.alias === undefined ? '' : ` (${scenario.alias})`}: ${scenario.title}`;
  const variants = scenario.variants.flatMap((v) => [
    `  ${v.name.padEnd(28)} ${sayExpectation(v.expected)}`,
    `    ${v.title}`,
    ...(v.history === undefined ? [] : [`    history: "${v.history}"`]),
    ...(v.catalogue === undefined
      ? []
      : wrap(`the catalogue expected ${sayExpectation(v.catalogue.expected)}; ${v.catalogue.reason}`, 72).map((l) => `    ${l}`)),
  ]);
  return `${[head, '', ...wrap(scenario.story, 76, 0), '', 'variants and what an exhaustive run says of them', ...variants].join('\n')}\n`;
}

function sayExpectation(expectation: Expectation): string {
  if (typeof expectation === 'string') return expectation;
  const under = (verdict: string): string =>
    Object.entries(expectation)
      .filter(([, v]) => v === verdict)
      .map(([name]) => name)
      .join(', ');
  return `ok under ${under('ok') || 'none'}; violation under ${under('violation') || 'none'}`;
}
