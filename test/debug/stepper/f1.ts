import { Stepper } from '../../../src/debug/stepper/stepper.ts';
import { openCell, openToken } from '../../../src/debug/timeline/session.ts';
import { scenarioOf } from '../../../src/scenario/catalogue.ts';
import { CellRunner, smokeCell } from '../../../src/scenario/matrix.ts';
import { variantOf } from '../../../src/scenario/scenario.ts';
import { builtFixture } from '../../../tools/built-fixture.ts';

export const runner = new CellRunner(builtFixture);

/** F1 without its final SYNC: its shortest counterexample, as the README has it. */
export const TOKEN = 'tp1_AyDJUVKWAxwIAgEDAQEFAQICAQEEAADh1g';
export const LENGTH = 28;

/** The stepper of a run that fails. */
export const broken = (): Stepper => new Stepper(openToken(runner, TOKEN));

/** The stepper of a scenario's variant; one that holds goes on by itself. */
export function stepperOf(name: string, variant: string): Stepper {
  const scenario = scenarioOf(name);
  return new Stepper(openCell(runner, scenario, variantOf(scenario, variant), smokeCell(scenario)).session);
}

/** What a run tells at last. */
export function ran(run: Generator<string | undefined, void>): string {
  for (const said of run) if (said !== undefined) return said;
  throw new Error('it ended without a word');
}

/** A run of one step, opened by somebody who has searched nothing: much of what cores share in the scenario is not known. */
export function unsearched(name: string, variant: string): Stepper {
  const fresh = new CellRunner(builtFixture);
  const scenario = scenarioOf(name);
  const cell = smokeCell(scenario);
  const learned = fresh.learned(scenario, variant, cell);
  const token = fresh.token(scenario, variantOf(scenario, variant), cell, { knowledge: learned, learned }, [0]);
  return new Stepper(openToken(fresh, token ?? ''));
}
