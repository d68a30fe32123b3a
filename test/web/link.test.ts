import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { placeLink, readPlace } from '../../src/web/link.ts';

describe('the address of the page', () => {
  test.each([
    ['', { kind: 'home' }],
    ['#/', { kind: 'home' }],
    ['#nothing', { kind: 'home' }],
    ['#s=', { kind: 'home' }],
    ['#s=F1', { kind: 'race', name: 'F1', variant: undefined }],
    ['#s=ftrace/late-handler&v=final-sync', { kind: 'race', name: 'ftrace/late-handler', variant: 'final-sync' }],
    ['#t=tp1_ab-c_&at=14', { kind: 'run', token: 'tp1_ab-c_', at: 14, inside: 0, core: undefined }],
    ['#t=tp1_ab&at=@14+3&cpu=1', { kind: 'run', token: 'tp1_ab', at: 14, inside: 3, core: 1 }],
    ['#t=tp1_ab&at=x&cpu=99', { kind: 'run', token: 'tp1_ab', at: undefined, inside: 0, core: undefined }],
    ['#tp1_ab', { kind: 'run', token: 'tp1_ab', at: undefined, inside: 0, core: undefined }],
    ['#replay%20%20textpoke replay tp1_ab', { kind: 'run', token: 'tp1_ab', at: undefined, inside: 0, core: undefined }],
    ['#%E0%A4%A', { kind: 'home' }],
    // What is no token is shown as it is, so that the message can name it.
    ['#t=rubbish', { kind: 'run', token: 'rubbish', at: undefined, inside: 0, core: undefined }],
  ])('%s', (hash, place) => {
    expect(readPlace(hash)).toEqual(place);
  });

  test('what is written is read again', () => {
    const token = fc.stringMatching(/^tp1_[A-Za-z0-9_-]{1,60}$/);
    const run = fc.record({
      kind: fc.constant('run' as const),
      token,
      at: fc.nat(999_999),
      inside: fc.nat(99),
      core: fc.option(fc.nat(9), { nil: undefined }),
    });
    fc.assert(
      fc.property(run, (place) => {
        expect(readPlace(placeLink(place))).toEqual(place);
      }),
    );
    expect(readPlace(placeLink({ kind: 'home' }))).toEqual({ kind: 'home' });
  });
});
