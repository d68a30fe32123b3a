import { expect, test } from 'vitest';
import { TextpokeError } from '../src/error.ts';

test('an error of another copy of the package is one of ours, another error is not', () => {
  const foreign = Object.assign(new Error('no such symbol'), { name: 'TextpokeError', code: 'E_IMAGE', exitCode: 128 });
  expect(foreign instanceof TextpokeError).toBe(true);
  expect(new TextpokeError('E_USAGE', 'x') instanceof TextpokeError).toBe(true);
  for (const other of [new Error('x'), new TypeError('x'), { name: 'TextpokeError' }, 'TextpokeError', undefined])
    expect(other instanceof TextpokeError).toBe(false);
});
