import { describe, expect, test } from 'vitest';
import { disagreements, type Findings, sentenceOf } from '../../src/explore/twin.ts';
import type { Violation } from '../../src/explore/violation.ts';

const violation = (check: Violation['check'], cause?: Violation['cause']): Violation => ({
  check,
  ...(cause === undefined ? {} : { cause }),
  message: '',
  core: 0,
  rip: 0n,
});
const findings = (violations: Violation[], ends: Record<string, number[]> = {}): Findings => ({
  violations: violations.map((v) => ({ violation: v, answers: [1, 2] })),
  ends: new Map(Object.entries(ends)),
  complete: true,
});

describe('two searches disagree', () => {
  const sentences = (a: Findings, b: Findings): string[] =>
    disagreements(a, b).map((d) => sentenceOf(d, d.answers && `tp1_${d.answers.join('')}`));

  test('about a violation, by check and cause', () => {
    const [nothing, another] = [violation('I1', 'nothing-in-progress'), violation('I1', 'another-modification')];
    expect(sentences(findings([nothing]), findings([nothing]))).toEqual([]);
    expect(sentences(findings([nothing]), findings([]))).toEqual(['only the search over states found I1 nothing-in-progress (tp1_12)']);
    expect(sentences(findings([nothing]), findings([nothing, another]))).toEqual([
      'only the search over orders found I1 another-modification (tp1_12)',
    ]);
  });

  test('about an end', () => {
    expect(sentences(findings([], { '0,1': [0] }), findings([], { '0,1': [3] }))).toEqual([]);
    expect(sentences(findings([], { '0,1': [0], '2': [4] }), findings([], { '0,1': [0] }))).toEqual([
      'only the search over states found the end of tp1_4',
    ]);
    const [one] = disagreements(findings([]), findings([], { '0,7': [] }));
    expect(sentenceOf(one!, undefined)).toBe('only the search over orders found the end 0,7');
  });

  test('about nothing that one of them did not get to', () => {
    const [all, some] = [findings([violation('I1')], { '1': [0] }), { ...findings([violation('I2')]), complete: false }];
    expect(sentences(all, some)).toEqual(['only the search over orders found I2 (tp1_12)']);
  });

  test('about a livelock only where both would see it', () => {
    const livelock = violation('I13', 'livelock');
    expect(sentences(findings([livelock]), findings([]))).toEqual([]);
    expect(sentences(findings([violation('I2')]), findings([violation('I2'), livelock]))).toEqual([]);
    expect(sentences(findings([]), findings([livelock]))).toHaveLength(1);
  });
});
