import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { litmusReport, observation } from '../../src/explore/litmus/report.ts';
import { type LitmusOptions, runLitmus } from '../../src/explore/litmus/run.ts';
import { parseLitmus } from '../../src/explore/litmus/syntax.ts';
import { loadAssembler } from '../../src/image/assembler/index.ts';
import { lab } from '../fixtures/lab.ts';
import { modelAnswer } from './tso-model.ts';

const DIRECTORY = fileURLToPath(new URL('../../fixtures/litmus/loops/', import.meta.url));
const assembler = await loadAssembler();
const fixture = (name: string) => parseLitmus(readFileSync(`${DIRECTORY}${name}.litmus`, 'utf8'), name);

type Answer = readonly [observation: 'Always' | 'Sometimes' | 'Never', endless: boolean, states: string];

const both = (answer: Answer) => ({ sc: answer, tso: answer });

/** What each test ends in under `sc` and under `tso`: values in the order of its question, then of its `locations`. */
const EXPECTED: Readonly<Record<string, { readonly sc: Answer; readonly tso: Answer }>> = {
  spinlock: both(['Always', false, '2,0,1,2 2,0,2,1']),
  'spinlock-three': both(['Always', false, '3,0']),
  'spinlock-two-steps': both(['Sometimes', false, '1,0,1,1 2,0,1,2 2,0,2,1']),
  'spinlock-never-released': both(['Never', true, '']),
  'two-locks-in-order': both(['Always', false, '0,0,2']),
  'two-locks-crossed': both(['Always', true, '0,0,2']),
  'two-locks-backing-off': both(['Always', true, '0,0,2']),
  peterson: both(['Always', false, '2,1,2 2,2,1']),
  'peterson-no-fence': { sc: ['Always', false, '2,1,2 2,2,1'], tso: ['Sometimes', false, '1,1,1 2,1,2 2,2,1'] },
  dekker: both(['Always', false, '2,1,2,0 2,2,1,1']),
  'dekker-no-fence': {
    sc: ['Always', false, '2,1,2,0 2,2,1,1'],
    tso: ['Sometimes', false, '1,1,1,0 1,1,1,1 2,1,2,0 2,1,2,1 2,2,1,0 2,2,1,1'],
  },
  'ticket-lock': both(['Always', false, '3']),
  'ticket-lock-no-prefix': both(['Sometimes', true, '1 2 3']),
  seqlock: both(['Never', false, '0,0 1,1']),
  'seqlock-no-recheck': both(['Sometimes', false, '0,0 0,1 1,0 1,1']),
  'seqlock-no-odd': both(['Sometimes', false, '0,0 0,1 1,0 1,1']),
  await: both(['Always', false, '1']),
  'await-flag-first': both(['Sometimes', false, '0 1']),
  'await-nobody': both(['Always', true, '7']),
  'await-by-luck': both(['Always', true, '1']),
  'spin-alone': both(['Always', true, '7']),
};

test('every loop has its answer', () => {
  expect(readdirSync(DIRECTORY).sort()).toEqual(
    Object.keys(EXPECTED)
      .map((name) => `${name}.litmus`)
      .sort(),
  );
});

describe.each(Object.entries(EXPECTED))('%s', (name, answers) => {
  test.each(['sc', 'tso'] as const)('%s: the exact final states, and whether some fair run has no end', (memory) => {
    const [wanted, endless, states] = answers[memory];
    const result = runLitmus(fixture(name), lab, assembler, { memory });
    expect(result.stopped).toBeUndefined();
    expect([observation(result), result.endless, result.states.map((s) => s.join()).join(' ')]).toEqual([wanted, endless, states]);
    // A model that shares nothing with the machine but the text of the test.
    const model = modelAnswer(fixture(name), result.locations, memory === 'tso');
    expect({ states: result.states.map((s) => s.join()).sort(), endless: result.endless }).toEqual(model);
  });
});

describe('what there is no exact answer for is said', () => {
  const run = (text: string, options: LitmusOptions = {}) => runLitmus(parseLitmus(text, 'test.litmus'), lab, assembler, options);

  test('a run that has no end', () => {
    const report = (name: string) => litmusReport(runLitmus(fixture(name), lab, assembler));
    expect(report('two-locks-crossed')).toContain('\nFlag endless\n');
    expect(report('spinlock-never-released')).toContain('\nStates 0\nNo\n');
    expect(report('spinlock')).not.toContain('Flag');
  });

  test('a loop that fills the store buffer: its length is a bound of the machine', () => {
    // P0 may go round as often as it likes before anything drains.
    const result = run(
      'X86_64 fill\n{}\nP0|P1;\nL: movq $1,(x)|movq (x),%rax;\nmovq $2,(x)|movq $1,(y);\ncmpq $0,(y)|;\nje L|;\nexists (1:rax=2)\n',
    );
    expect(result).toMatchObject({ stopped: undefined, bounds: ['store buffer <= 22'], endless: false });
    expect(litmusReport(result)).toContain('\nIncomplete: store buffer <= 22\n');
    expect(run('X86_64 one\n{}\nP0;\nmovq $1,(x);\nexists (x=1)\n').bounds).toEqual([]);
  });

  test('a loop that counts has no finite graph', () => {
    const counting = 'X86_64 count\n{}\nP0|P1;\nL: addq $1,%rcx|movq $1,(x);\ncmpq $0,(x)|;\nje L|;\nexists (0:rcx=1)\n';
    const result = run(counting, { budget: { maxSteps: 2000 } });
    expect(result).toMatchObject({ stopped: 'step budget of 2000 spent', endless: false });
    expect(litmusReport(result)).toContain('\nIncomplete: step budget of 2000 spent\n');
  });

  test('a thread that dies is an error, also where another run has no end', () => {
    const text = 'X86_64 dies\n{}\nP0|P1;\ncmpq $1,(x)|movq $1,(x);\nje E|;\nL: jmp L|;\nE: ud2|;\nexists (x=1)\n';
    expect(() => run(text)).toThrow('a thread of dies cannot end');
  });
});
