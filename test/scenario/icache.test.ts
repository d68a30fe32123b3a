import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { raceDiagram } from '../../src/debug/diagram.ts';
import { replayToken } from '../../src/debug/replay.ts';
import { formatTrace } from '../../src/debug/trace-text.ts';
import { explainWhy } from '../../src/debug/why.ts';
import { searchLadder } from '../../src/explore/ladder.ts';
import { searchStates } from '../../src/explore/stateful.ts';
import type { World } from '../../src/explore/world.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner, cellsOf } from '../../src/scenario/matrix.ts';
import { type Cell, expectedOf, underPolicies, variantOf } from '../../src/scenario/scenario.ts';
import { root } from '../../tools/bootstrap.mjs';
import { builtFixture } from '../../tools/built-fixture.ts';
import { textpoke } from '../cli/recording-io.ts';

const runner = new CellRunner(builtFixture);
const run = (name: string, variant: string, cell: Partial<Cell> = {}) => {
  const scenario = scenarioOf(name);
  return runner.run(scenario, variantOf(scenario, variant), { victims: 1, fetch: 'icache', memory: 'tso', ...cell });
};
const SETTLED = { verdict: 'ok', coverage: { kind: 'exhaustive' }, missingWitnesses: [], asRecorded: true };

describe('scenarios under an instruction cache', () => {
  test('the fix of F1 holds in every order, with one victim and with two', () => {
    for (const variant of ['final-sync', 'error-path-sync', 'guest-final-sync']) {
      const [cached, coherent] = [run('F1', variant), run('F1', variant, { fetch: 'coherent' })];
      expect(cached).toMatchObject({ ...SETTLED, expected: 'ok' });
      expect(cached.counts.states).toBeGreaterThan(coherent.counts.states);
    }
    expect(run('F1', 'final-sync', { victims: 2 })).toMatchObject(SETTLED);
  });

  test.each([
    ['F1', 'no-refetch', 'I1'],
    ['text-poke/straddling', 'p4093.no-sync1', 'I2'],
    ['tracepoint/text-poke-syncs', 't1-no-sync', 'code-race'],
    ['user/membarrier', 'no-sync', 'code-race'],
  ])('%s %s breaks by a stale line, which coherent fetch cannot show', (name, variant, check) => {
    expect(run(name, variant, { fetch: 'coherent' })).toMatchObject({ verdict: 'ok', expected: 'ok' });
    expect(run(name, variant)).toMatchObject({ verdict: 'violation', counterexample: { violation: { check } }, expected: undefined });
    expect(run(name, variant, { fetch: 'intel-sdm' })).toMatchObject({ verdict: 'violation', asRecorded: true });
  });

  test('what a line hides, the manual does not: a protocol inside one line is right here and wrong there', () => {
    expect(run('text-poke/three-phase', 'call-to-call.no-sync1')).toMatchObject({ verdict: 'ok', asRecorded: true, expected: undefined });
    expect(run('text-poke/three-phase', 'call-to-call.no-sync1', { fetch: 'intel-sdm' }).verdict).toBe('violation');
  });

  test('nothing of it is in the matrix', () => {
    const scenario = scenarioOf('F1');
    for (const variant of scenario.variants) expect(cellsOf(scenario, variant).map((c) => c.fetch)).not.toContain('icache');
    expect(expectedOf('ok', 'icache')).toBe('ok');
    expect(expectedOf('violation', 'icache')).toBeUndefined();
    const under = (...names: Parameters<typeof underPolicies>[0]) => expectedOf(underPolicies(names, 'violation', 'ok'), 'icache');
    expect(under('strict')).toBe('ok');
    expect(under('intel-sdm', 'strict')).toBeUndefined();
  });

  test('symmetry changes nothing but the number of states, and the ladder finds what there is', () => {
    for (const variant of ['final-sync', 'no-refetch']) {
      const cell: Cell = { victims: 2, fetch: 'icache', memory: 'sc' };
      const scenario = scenarioOf('F1');
      const knowledge = runner.learned(scenario, variant, cell);
      const begun = (): World => {
        const world = runner.maker(scenario, variant, cell)();
        world.begin(knowledge);
        return world;
      };
      const [plain, symmetric] = [false, true].map((symmetry) => searchStates(begun(), { symmetry, wholeGraph: true }));
      expect(symmetric!.learned || plain!.learned).toBe(false);
      expect(symmetric!.counts.states).toBeLessThan(plain!.counts.states);
      const checks = (found: typeof plain): string[] => found!.violations.map((v) => v.check).sort();
      expect(checks(symmetric)).toEqual(checks(plain));
      const ladder = searchLadder(begun(), { maxPreemptions: variant === 'final-sync' ? 2 : 1000 });
      expect(ladder.counterexample === undefined).toBe(checks(plain).length === 0);
    }
  });
});

describe('how a person sees a stale line', () => {
  const found = run('F1', 'no-refetch');
  const { trace, world } = replayToken(runner, found.token!);

  test('its token replays', () => {
    expect(trace.violations.map((v) => v.check)).toEqual([found.counterexample?.violation.check]);
  });

  test('the trace names lines and what happens to them', () => {
    const text = formatTrace(trace);
    expect(text).toMatch(/^@\d+ +CPU1 +prefetch +ftrace_call .*\n +icache: line 0x[0-9a-f]+ \(ftrace_call\) prefetched$/m);
    expect(text).toMatch(/^ +memory ftrace_call\[0\] = e8\n +CPU1 icache: line 0x[0-9a-f]+ \(ftrace_call\) invalidation sent$/m);
    expect(text).toMatch(/STALE, overwritten @\d+$/m);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  test('the diagram, too', () => {
    expect(raceDiagram(trace)).toMatch(/^ +@\d+ +icache: line 0x[0-9a-f]+\n +\(ftrace_call\) prefetched$/m);
    expect(raceDiagram(trace)).not.toContain('invalidation sent');
  });

  test('the view at the end shows what was hit', () => {
    const [line] = world.machine.icacheView(world.machine.cores[1]!);
    const at = world.lab.physical(world.sites[0]!.address) - line!.address;
    expect(line).toMatchObject({ pending: 'until serialized', stale: [at] });
    expect(line!.bytes[at]).toBe(0xcc);
  });

  test('why says that it needs stale fetch', () => {
    const make = (): World => {
      const again = runner.maker(scenarioOf('F1'), 'no-refetch', { victims: 1, fetch: 'icache', memory: 'tso' })();
      again.begin(found.knowledge);
      return again;
    };
    const { text } = explainWhy(make, found.counterexample!.answers, found.counterexample!.violation, (_, fetch) => ({
      verdict: fetch === 'coherent' ? 'ok' : 'violation',
    }));
    expect(text.replaceAll(/\s+/g, ' ')).toContain('needs stale fetch');
  });
});

describe('on the command line', () => {
  const elf = join(root, 'fixtures/lab/lab.elf');
  const tests = {
    'MP.litmus': `X86_64 MP
{ 0:rdi=alias(P1:S); 0:rax=instr:"movl $2,%ebx"; }
 P0               | P1               ;
 movq %rax,(%rdi) | movl (x),%eax    ;
 movl $1,(x)      | S: movl $1,%ebx  ;
                  | .skip 3,0x90     ;
exists (1:rax=1 /\\ 1:rbx=1)
`,
  };
  const command = async (line: string): Promise<[number, string]> => {
    const { exit, stdout, stderr } = await textpoke(line.split(' '), { files: { [elf]: readFileSync(elf), ...tests } });
    return [exit, stdout() + stderr()];
  };

  test('explore and replay take it, and say what is recorded of it', async () => {
    expect(await command('explore F1 --variant final-sync --victims 1 --fetch icache')).toEqual([
      0,
      expect.stringMatching(/fetch icache, memory tso.*\nOK .*\ncoverage exhaustive.*\nrecorded ok\n/s),
    ]);
    const [exit, text] = await command('explore F1 --variant no-refetch --victims 1 --fetch icache');
    expect([exit, text]).toEqual([1, expect.stringContaining('\nrecorded nothing under icache\n')]);
    expect(await command(`replay ${/tp1_[\w-]+/.exec(text)?.[0]}`)).toEqual([1, expect.stringContaining('icache: line 0x')]);
    expect((await command('explore F1 --variant no-refetch --victims 1 --fetch icache --search pct'))[0]).toBe(1);
    const [, json] = await command('explore F1 --variant no-refetch --victims 1 --fetch icache --json');
    expect(json).toContain('"expected":null');
  });

  test('litmus takes it', async () => {
    expect(await command('litmus MP.litmus --fetch coherent')).toEqual([0, expect.stringContaining('Observation MP Never')]);
    expect(await command('litmus MP.litmus --fetch icache')).toEqual([0, expect.stringContaining('Observation MP Sometimes')]);
  });

  test('it is no row of the matrix', async () => {
    expect(await command('matrix ftrace --fetch icache')).toEqual([129, expect.stringContaining('no row of the matrix fits')]);
  });
});
