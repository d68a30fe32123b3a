import { labWorld } from '../../../src/scenario/lab-world.ts';
import { defineScenario, type Scenario } from '../../../src/scenario/scenario.ts';
import { deadlockChecker } from './deadlock.ts';
import { PROGRAMS, type Program } from './programs.ts';

/** What a buggy program must break. */
export const wantedOf = ({ breaks }: Program) =>
  breaks === 'deadlock' ? ({ check: 'I13', cause: 'deadlock' } as const) : ({ check: 'assertion' } as const);

function scenarioFor(program: Program): Scenario {
  return defineScenario({
    name: `sct/${program.name}`,
    title: program.title,
    story: program.story,
    image: 'sct',
    scope: 'one-victim',
    victims: program.threads.length - 1,
    ...(program.tsoOnly === true ? { memory: 'tso' as const } : {}),
    variants: [
      { name: 'bug', title: 'as it is', expected: 'violation', shows: wantedOf(program), fixed: 0 },
      { name: 'fixed', title: program.fix, expected: 'ok', fixed: 1 },
    ],
    build(image, variant, cell, engine) {
      const world = labWorld(image, cell, { engine });
      world.lab.configure({ ...program.switches, fixed: variant.fixed });
      world.checkers.push(deadlockChecker());
      world.wantedWitnesses = [program.witness ?? 'the assertion was reached'];
      program.threads.forEach((calls, core) => world.add({ core, entry: 'victim_main', calls }));
      return world;
    },
  });
}

/**
 * Textbook races after programs of SCTBench, each with its fix, to measure the searches on. No part of the catalogue:
 *
 *   textpoke explore sct/account --scenarios tools/bench/sct/index.ts
 */
export const sct: readonly Scenario[] = PROGRAMS.map(scenarioFor);
