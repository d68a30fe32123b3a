import { defineScenario, type Expectation, underPolicies } from '../scenario.ts';
import {
  type Change,
  COMPLETE,
  EMULATION_MUTANTS,
  MUTANTS,
  type Mutant,
  PHASE_SIZES,
  type PhaseVariant,
  phaseWorld,
  wrongStep,
} from './phases.ts';

const PER_CPU_REFS = 'x86/alternatives: Improve code-patching scalability by removing false sharing in poke_int3_handler()';

const CHANGES: readonly Change[] = ['call-to-call', 'nop-to-call', 'call-to-nop'];

const SURVIVES_COHERENT = new Set(['no-sync1', 'no-sync2', 'p3-before-sync2']);
const SURVIVES_ONE_STORE = new Set(['tail-first', 'head-before-tail']);

/** What the catalogue says of a mutant at a site inside one quadword (SCENARIOS "Mutants": killed, but for the listed survivors). */
function catalogue(mutant: Mutant, change: Change): Expectation {
  if (mutant === COMPLETE) return 'ok';
  if (SURVIVES_COHERENT.has(mutant.name)) return underPolicies(['coherent'], 'ok', 'violation');
  if (SURVIVES_ONE_STORE.has(mutant.name) && change === 'call-to-call')
    return underPolicies(['coherent', 'zen3', 'amd-apm'], 'ok', 'violation');
  return 'violation';
}

const IN_ONE_LINE = 'inside one cache line zen3 fetches as coherent does, so the same mutants survive';
const IN_ONE_QUADWORD = 'inside one quadword amd-apm fetches some published version whole, so leaving out a SYNC mixes nothing';

/** Where the new instruction is a NOP there is no call to get wrong. */
const emulationMutants = (change: Change): readonly Mutant[] =>
  change === 'call-to-nop' ? EMULATION_MUTANTS.filter((m) => m.emulate !== 'EMULATE_CALL_AS_JMP') : EMULATION_MUTANTS;

/** Where an exhaustive run differs from the catalogue. */
function recorded(mutant: Mutant): { expected: Expectation; reason: string } | undefined {
  if (SURVIVES_COHERENT.has(mutant.name)) {
    return { expected: underPolicies(['coherent', 'zen3', 'amd-apm'], 'ok', 'violation'), reason: `${IN_ONE_LINE}; ${IN_ONE_QUADWORD}` };
  }
  return undefined;
}

function variant(mutant: Mutant, change: Change): PhaseVariant {
  const expected = catalogue(mutant, change);
  const run = recorded(mutant);
  const base = {
    name: `${change}.${mutant.name}`,
    title: `${change}: ${mutant.title}`,
    ...wrongStep(mutant),
    ...(mutant === COMPLETE ? { history: PER_CPU_REFS } : {}),
    change,
    place: 'q0',
  } as const;
  return run === undefined ? { ...base, expected } : { ...base, expected: run.expected, catalogue: { expected, reason: run.reason } };
}

/** The poke of today at a site inside one quadword, complete and with each step wrong. */
export const threePhase = defineScenario<PhaseVariant>({
  name: 'text-poke/three-phase',
  alias: 'TP-F',
  title: 'the INT3 protocol with per-CPU references',
  story:
    'CPU0 replaces one instruction: INT3 in the first byte, SYNC, the tail, SYNC, the first byte, SYNC. A #BP in between is emulated from a record that ' +
    'handlers may use while they hold a reference of their CPU. Each variant leaves one step out or does it in the wrong place.',
  window: 'between the first INT3 and the last SYNC',
  scope: 'two-victims',
  sizes: PHASE_SIZES,
  variants: CHANGES.flatMap((change) => [COMPLETE, ...MUTANTS, ...emulationMutants(change)].map((mutant) => variant(mutant, change))),
  build: phaseWorld,
});
