import { describe, expect, test } from 'vitest';
import { POLICIES, verdictOf } from './code-litmus.ts';
import { CODE_TESTS } from './code-tests.ts';

describe('cross-modifying code under each fetch policy', () => {
  test.each(CODE_TESTS)('$name', (code) => {
    expect(POLICIES.map((fetch) => verdictOf(code, { memory: 'tso', fetch }))).toEqual(code.verdicts);
  });
});
