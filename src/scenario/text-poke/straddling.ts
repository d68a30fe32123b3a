import { defineScenario, type Expectation, underPolicies } from '../scenario.ts';
import { COMPLETE, type Mutant, MUTANTS, phaseWorld, type PhaseVariant } from './phases.ts';

/** S mod 8 = 4..7 inside a line; S mod 64 = 60..63; S mod 4096 = 4092..4095. */
const PLACES = ['q4', 'q5', 'q6', 'q7', 'l60', 'l61', 'l62', 'l63', 'p4092', 'p4093', 'p4094', 'p4095'] as const;

type Place = (typeof PLACES)[number];

/** The four bytes behind the first lie in one aligned quadword, or at least in one cache line. */
const tailInOneQuadword = (place: Place): boolean => place === 'q7' || place === 'l63' || place === 'p4095' || place === 'q4';
const siteInOneLine = (place: Place): boolean => place.startsWith('q');
const tailInOneLine = (place: Place): boolean => siteInOneLine(place) || place === 'l63' || place === 'p4095';

/** What the catalogue says of a mutant at a straddling site: as unsplit, but survivors need the tail in one line or quadword. */
function expected(mutant: Mutant, place: Place): Expectation {
  switch (mutant.name) {
    case 'complete': return 'ok';
    case 'no-sync1':
    case 'no-sync2':
    case 'p3-before-sync2': return underPolicies(['coherent'], 'ok', 'violation');
    case 'tail-first':
    case 'head-before-tail':
      return {
        coherent: tailInOneLine(place) ? 'ok' : 'violation', zen3: tailInOneLine(place) ? 'ok' : 'violation',
        'amd-apm': tailInOneQuadword(place) ? 'ok' : 'violation', 'intel-sdm': 'violation', strict: 'violation',
      };
    default: return 'violation';
  }
}

/** The poke of today at every straddling place: complete, and call to call with each step wrong. */
export const straddling = defineScenario<PhaseVariant>({
  name: 'text-poke/straddling',
  title: 'the three-phase protocol at sites over quadwords, cache lines and pages',
  story:
    'The same protocol where the instruction lies over two aligned quadwords, two cache lines or two pages. The store of the tail is then not one ' +
    'store to a fetching core, and fetch may put the instruction together from two moments.',
  scope: 'one-victim',
  variants: PLACES.flatMap((place) => [
    ...[COMPLETE, ...MUTANTS].map((mutant): PhaseVariant => ({
      name: `${place}.${mutant.name}`, title: `${place}: ${mutant.title}`, expected: expected(mutant, place), mutant, change: 'call-to-call', place,
    })),
    ...(['nop-to-call', 'call-to-nop'] as const).map((change): PhaseVariant => ({
      name: `${place}.${change}`, title: `${place}: ${change}, nothing left out`, expected: 'ok', mutant: COMPLETE, change, place,
    })),
  ]),
  build: phaseWorld,
});
