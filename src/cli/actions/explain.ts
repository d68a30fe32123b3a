import { wrap } from '../../debug/wrap.ts';
import { scenarioOf } from '../../scenario/catalogue.ts';
import type { Expectation, Scenario } from '../../scenario/scenario.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';
import { emitEvent } from '../json.ts';
import { replayAction } from './replay.ts';

export interface ExplainOptions extends SharedFlags {
  /** A scenario's name or alias, when no token was given. */
  readonly scenario: string | undefined;
  /** A token as text, when one was given. */
  readonly token: string | undefined;
}

/** Tells a scenario's story, or shows the race of a token. Returns the exit code. */
export async function explainAction(options: ExplainOptions, io: Io): Promise<number> {
  if (options.token !== undefined) return replayAction({ ...options, token: options.token, format: 'text' }, io);
  const scenario = scenarioOf(options.scenario ?? '');
  if (options.json) {
    const { name, alias, title, story, variants } = scenario;
    emitEvent(io, 'scenario', { name, alias: alias ?? null, title, story, variants });
    return 0;
  }
  io.stdout(story(scenario));
  return 0;
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
