import type { FetchPolicyName } from '../../machine/policy/policy.ts';
import { defineScenario, type Expectation, underPolicies } from '../scenario.ts';
import { COMPLETE, MUTANTS, type Mutant, PHASE_SIZES, type PhaseVariant, phaseWorld, wrongStep } from './phases.ts';

/** S mod 8 = 4..7 inside a line; S mod 64 = 60..63; S mod 4096 = 4092..4095. */
const PLACES = ['q4', 'q5', 'q6', 'q7', 'l60', 'l61', 'l62', 'l63', 'p4092', 'p4093', 'p4094', 'p4095'] as const;

type Place = (typeof PLACES)[number];

/** The four bytes behind the first lie in one aligned quadword, or at least in one cache line. */
const tailInOneQuadword = (place: Place): boolean => place === 'q7' || place === 'l63' || place === 'p4095';
const siteInOneLine = (place: Place): boolean => place.startsWith('q');
const tailInOneLine = (place: Place): boolean => siteInOneLine(place) || tailInOneQuadword(place);

const SYNC_MUTANTS = new Set(['no-sync1', 'no-sync2', 'p3-before-sync2']);

/** What the catalogue says of a mutant at a straddling site: as unsplit, but survivors need the tail in one line or quadword. */
function catalogue(mutant: Mutant, place: Place): Expectation {
  if (mutant === COMPLETE) return 'ok';
  if (SYNC_MUTANTS.has(mutant.name)) return underPolicies(['coherent'], 'ok', 'violation');
  if (mutant.name !== 'tail-first' && mutant.name !== 'head-before-tail') return 'violation';
  const survives: FetchPolicyName[] = [
    ...(tailInOneLine(place) ? (['coherent', 'zen3'] as const) : []),
    ...(tailInOneQuadword(place) ? (['amd-apm'] as const) : []),
  ];
  return underPolicies(survives, 'ok', 'violation');
}

const REASONS = {
  line: 'the site lies in one cache line, which zen3 fetches at one moment like coherent',
  head: 'only the first byte lies on the first line, and it is the same before and after: what zen3 puts together is the old or the new call',
  order: 'zen3 fetches the two lines in order: behind the first SYNC a first line with the old first byte is too old for anybody to hold',
  quadword: 'the tail lies in one aligned quadword and is one store there: with either first byte amd-apm fetches the old or the new call',
} as const;

/** Where an exhaustive run differs from the catalogue: under which policies it is ok too, and why. */
function recorded(mutant: Mutant, place: Place): { policies: FetchPolicyName[]; reasons: string[] } {
  const policies: FetchPolicyName[] = [];
  const reasons: string[] = [];
  const add = (policy: FetchPolicyName, reason: keyof typeof REASONS): void => {
    policies.push(policy);
    reasons.push(REASONS[reason]);
  };
  if (!SYNC_MUTANTS.has(mutant.name)) return { policies, reasons };
  if (mutant.name !== 'no-sync1') add('zen3', siteInOneLine(place) ? 'line' : 'order');
  else if (siteInOneLine(place)) add('zen3', 'line');
  else if (tailInOneQuadword(place)) add('zen3', 'head');
  if (tailInOneQuadword(place)) add('amd-apm', 'quadword');
  return { policies, reasons };
}

function variant(mutant: Mutant, place: Place): PhaseVariant {
  const expected = catalogue(mutant, place);
  const { policies, reasons } = recorded(mutant, place);
  const base = {
    name: `${place}.${mutant.name}`,
    title: `${place}: ${mutant.title}`,
    ...wrongStep(mutant),
    change: 'call-to-call',
    place,
  } as const;
  if (policies.length === 0) return { ...base, expected };
  return {
    ...base,
    expected: underPolicies(['coherent', ...policies], 'ok', 'violation'),
    catalogue: { expected, reason: reasons.join('; ') },
  };
}

/** The poke of today at every straddling place: complete, and call to call with each step wrong. */
export const straddling = defineScenario<PhaseVariant>({
  name: 'text-poke/straddling',
  title: 'the protocol over quadwords, lines and pages',
  story:
    'The same protocol where the instruction lies over two aligned quadwords, two cache lines or two pages. The store of the tail is then not one ' +
    'store to a fetching core, and fetch may put the instruction together from two moments.',
  window: 'between two phases, for a fetch that reads the site in parts',
  scope: 'one-victim',
  sizes: PHASE_SIZES,
  variants: PLACES.flatMap((place) => [
    ...[COMPLETE, ...MUTANTS].map((mutant) => variant(mutant, place)),
    ...(['nop-to-call', 'call-to-nop'] as const).map(
      (change): PhaseVariant => ({
        name: `${place}.${change}`,
        title: `${place}: ${change}, nothing left out`,
        expected: 'ok',
        wrong: COMPLETE,
        change,
        place,
      }),
    ),
  ]),
  build: phaseWorld,
});
