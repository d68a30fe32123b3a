import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatTrace, recordTrace } from '../../src/debug/trace.ts';
import { Exit, TextpokeError } from '../../src/error.ts';
import { decodeToken, encodeToken, imageHash, nameHash, SEMANTICS_VERSION, type TokenContent } from '../../src/explore/token.ts';
import { Image } from '../../src/image/image.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { findToken } from '../../src/scenario/find-token.ts';
import { CellRunner } from '../../src/scenario/matrix.ts';
import { variantOf } from '../../src/scenario/scenario.ts';
import { builtFixture } from '../../tools/built-fixture.ts';
import { lab } from '../fixtures/lab.ts';

function errorOf(run: () => unknown): TextpokeError {
  try {
    run();
  } catch (error) {
    if (error instanceof TextpokeError) return error;
    throw error;
  }
  throw new Error('no error');
}

const quadwords = fc.uniqueArray(
  fc.integer({ min: 0, max: 0x220000 }).map((n) => n * 8),
  { maxLength: 4 },
);
const contents: fc.Arbitrary<TokenContent> = fc.record({
  world: fc.integer({ min: 0, max: 0xffffffff }),
  image: fc.integer({ min: 0, max: 0xffff }),
  semantics: fc.constant(SEMANTICS_VERSION),
  answers: fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 300 })), { maxLength: 400 }),
  visible: quadwords,
  text: quadwords,
});

describe('tokens', () => {
  test('say what they were made of', () => {
    fc.assert(
      fc.property(contents, (content) => {
        const token = encodeToken(content);
        expect(token).toMatch(/^tp1_[A-Za-z0-9_-]+$/);
        expect(decodeToken(token)).toEqual(content);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  test('refuse every truncation', () => {
    fc.assert(
      fc.property(contents, fc.nat(), (content, n) => {
        const token = encodeToken(content);
        expect(errorOf(() => decodeToken(token.slice(0, n % token.length))).code).toBe('E_TOKEN');
      }),
      { seed: 2, numRuns: 300 },
    );
  });

  test('refuse the change of any single character', () => {
    const token = encodeToken({
      world: nameHash('a b'),
      image: 0x1234,
      semantics: SEMANTICS_VERSION,
      answers: [0, 0, 1, 0, 3, 2, 0, 0, 0, 1],
      visible: [0x1012000],
      text: [],
    });
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+ ';
    for (let n = 0; n < token.length; n++) {
      for (const other of alphabet) {
        if (other === token[n]) continue;
        const changed = token.slice(0, n) + other + token.slice(n + 1);
        const error = errorOf(() => decodeToken(changed));
        expect(error.code, changed).toBe('E_TOKEN');
        expect(error.exitCode).toBe(Exit.usage);
      }
    }
  });

  test('refuse what is added, empty and foreign', () => {
    const token = encodeToken({ world: 1, image: 2, semantics: SEMANTICS_VERSION, answers: [1], visible: [], text: [] });
    for (const bad of [
      '',
      'tp1_',
      'tp2_AAAA',
      token.slice(4),
      `${token}A`,
      `${token}AAAA`,
      ` ${token}`,
      `${token}\n`,
      `tp1_${'A'.repeat(40)}`,
    ]) {
      expect(errorOf(() => decodeToken(bad)).code, bad).toBe('E_TOKEN');
    }
  });

  test('of other semantics are refused with both versions', () => {
    const token = encodeToken({ world: 1, image: 2, semantics: SEMANTICS_VERSION + 1, answers: [1], visible: [], text: [] });
    const error = errorOf(() => decodeToken(token));
    expect(error.code).toBe('E_TOKEN');
    expect(error.message).toContain(`version ${SEMANTICS_VERSION + 1}`);
    expect(error.message).toContain(`version ${SEMANTICS_VERSION}`);
  });
});

describe('tokens of scenarios', () => {
  const scenario = scenarioOf('F1');
  const variant = variantOf(scenario, 'no-final-sync');
  const { token, counterexample } = new CellRunner(builtFixture).run(scenario, variant, { victims: 1, fetch: 'intel-sdm', memory: 'tso' });

  test('find their scenario, variant and models', () => {
    expect(findToken(token!, builtFixture)).toMatchObject({
      scenario: { name: 'ftrace/late-handler' },
      variant: { name: 'no-final-sync' },
      cell: { victims: 1, fetch: 'intel-sdm', memory: 'tso' },
    });
    expect(decodeToken(token!).answers).toEqual(counterexample?.answers);
  });

  test('of another image do not apply here', () => {
    const [first, ...rest] = lab.segments;
    const bytes = Uint8Array.from(first!.bytes);
    bytes[bytes.length - 1]! ^= 1;
    const other = new Image({ segments: [{ ...first!, bytes }, ...rest], entry: lab.entry, symbols: lab.symbols });
    const error = errorOf(() => findToken(token!, () => other));
    expect(error).toMatchObject({ code: 'E_TOKEN', exitCode: Exit.inconclusive });
    expect(error.message).toContain('another image');
    expect(error.hint).toContain('ftrace/late-handler --variant no-final-sync');
  });

  test('of no known scenario do not apply here', () => {
    const foreign = encodeToken({ ...decodeToken(token!), world: nameHash('somebody/else x 1 coherent sc') });
    expect(errorOf(() => findToken(foreign, builtFixture))).toMatchObject({ code: 'E_TOKEN', exitCode: Exit.inconclusive });
    expect(imageHash(lab.contentHash())).toBe(decodeToken(token!).image);
  });

  test.each([
    ['F1', 'no-final-sync'],
    ['F1', 'guest-no-final-sync'],
    ['F2', 'unprotected'],
    ['F8', 'aba-recheck'],
    ['text-poke/three-phase', 'call-to-call.no-sync1'],
    ['B07', 'irqs-on'],
    ['B20', 'unlocked'],
  ])('%s %s replays the same trace twice, from worlds of its own', (name, variantName) => {
    const of = scenarioOf(name);
    const cell = { victims: of.scope === 'one-core' ? 0 : 1, fetch: 'intel-sdm', memory: 'tso' } as const;
    const found = new CellRunner(builtFixture).run(of, variantOf(of, variantName), cell);
    const text = (): { text: string; hash: string; checks: string[] } => {
      const again = findToken(found.token!, builtFixture);
      const runner = new CellRunner(builtFixture);
      const knowledge = runner.learned(again.scenario, again.variant.name, again.cell).clone();
      knowledge.add(again.content);
      const world = runner.maker(again.scenario, again.variant.name, again.cell)();
      world.begin(knowledge);
      const trace = recordTrace(world, again.content.answers);
      return { text: formatTrace(trace), hash: world.machine.hash(), checks: trace.violations.map((v) => v.check) };
    };
    const [first, second] = [text(), text()];
    expect(second).toEqual(first);
    expect(first.checks).toContain(found.counterexample!.violation.check);
    expect(first.text.length).toBeGreaterThan(100);
  });
});
