import { showRace } from '../../debug/show-race.ts';
import { Exit } from '../../error.ts';
import { scenarioOf } from '../../scenario/catalogue.ts';
import { CellRunner } from '../../scenario/matrix.ts';
import { type Cell, variantOf } from '../../scenario/scenario.ts';
import { fixtures } from '../fixtures.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';
import { emitEvent } from '../json.ts';
import { progressLine } from '../progress.ts';
import { LIMITS, ROW_HEAD, row, sayCell, sayCoverage, sayVerdict, wrapped } from '../report.ts';
import { resultEvent } from '../result-event.ts';
import { searchSettings } from '../search-options.ts';

export type StartOptions = SharedFlags;

const CELL: Cell = { victims: 2, fetch: 'intel-sdm', memory: 'tso' };

/** The two races, each by the variant that shows it. */
const RACES = [
  { scenario: 'F1', variant: 'no-final-sync', title: 'Race (a)' },
  { scenario: 'F2', variant: 'unprotected', title: 'Race (b)' },
] as const;

/** Shows both races and the table of fixes. 0 when every verdict is as recorded. */
export async function startAction(options: StartOptions, io: Io): Promise<number> {
  const runner = new CellRunner(fixtures(io), options.engine);
  const progress = progressLine(io, options);
  let asRecorded = true;
  const settle = (scenario: string, variant: string, cell: Cell) => {
    const s = scenarioOf(scenario);
    const v = variantOf(s, variant);
    const result = runner.run(s, v, cell, searchSettings(options, io, progress, `${scenario} ${variant}`));
    progress.clear();
    asRecorded &&= result.asRecorded;
    if (options.json) emitEvent(io, 'result', resultEvent(result));
    return result;
  };
  const say = (text: string): void => {
    if (!options.json) io.stdout(text);
  };
  say(`x86: Allow breakpoints to emulate call functions\nreal machine code, rewritten while it runs\n${sayCell(CELL)}\n\n`);
  for (const race of RACES) {
    const result = settle(race.scenario, race.variant, CELL);
    say(
      `${race.title}: ${result.scenario.title}\n${wrapped(sayVerdict(result))}\n${wrapped(`coverage ${sayCoverage(result)}`)}\n\n${options.json ? '' : showRace(runner, result)}\n`,
    );
    if (io.interrupted()) return Exit.interrupted;
  }
  say(`The fixes\n${ROW_HEAD}\n`);
  for (const name of ['F1', 'F2']) {
    const scenario = scenarioOf(name);
    for (const variant of scenario.variants) {
      const cells = [CELL, ...(scenario.threeVictims?.includes(variant.name) ? [{ ...CELL, victims: 3 }] : [])];
      for (const cell of cells) say(`${row(scenario, variant, settle(name, variant.name, cell))}\n`);
      if (io.interrupted()) return Exit.interrupted;
    }
  }
  say(
    '\nV is the number of victims. FAIL I1: a #BP that nobody claims; I7: emulated from\nthe wrong record; code-race: two different instructions could be fetched.\n\n',
  );
  say(`More      textpoke list\nOne race  textpoke explore F1 --variant no-final-sync\nLimits    ${LIMITS}\n`);
  return asRecorded ? Exit.ok : Exit.violation;
}
