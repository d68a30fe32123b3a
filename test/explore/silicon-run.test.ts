import { availableParallelism } from 'node:os';
import { describe, expect, test } from 'vitest';
import { parseLitmus } from '../../src/explore/litmus/syntax.ts';
import { loadAssembler } from '../../src/image/assembler/index.ts';
import { loadSuite, testOf } from '../../tools/litmus-suite.ts';
import { buildHarness, whyNotHere } from '../../tools/silicon-run/host.ts';
import { type Host, hostProgram, whyNotOn } from '../../tools/silicon-run/host-program.ts';
import { allowedOf, findingsOf, observationReport, parseObservation } from '../../tools/silicon-run/observe.ts';
import { lab } from '../fixtures/lab.ts';

const assembler = await loadAssembler();
const host: Host = { cores: [3, 5, 6, 7], serialize: true, sync: true };
const SB = parseLitmus(
  'X86_64 SB\n{ int64_t 0:rax; uint8_t t[2]={1,2}; }\n P0 | P1 ;\n movq $1,(x) | movq $1,(y) ;\n movq (y),%rax | movq (x),%rax ;\nlocations [t[1];]\nexists (0:rax=0 /\\ 1:rax=0)\n',
  'SB.litmus',
);
const made = (name: string) => hostProgram(testOf(name), assembler, { host, seconds: 1 });

describe('a litmus test for the CPU of this machine', () => {
  test('is what the harness reads', () => {
    const lines = hostProgram(SB, assembler, { host, seconds: 0.5 }).input.trim().split('\n');
    expect(lines.map((line) => line.split(' ')[0])).toEqual([
      'seconds',
      'code',
      'data',
      'enter',
      'thread',
      'thread',
      'watch',
      'watch',
      'watch',
    ]);
    expect(lines).toEqual(expect.arrayContaining(['seconds 0.5', 'watch R 0 0', 'watch R 1 0', 'watch V 10004001 1']));
    expect(lines.filter((line) => line.startsWith('thread')).map((line) => line.split(' ')[1])).toEqual(['3', '5']);
    const bytes = lines[1]?.split(' ')[5] as string;
    // movq $1, x(%rip): the same bytes but for the distance.
    expect(bytes.slice(0, 6)).toBe('48c705');
  });

  test('has text that is writable where it runs only when it stores there', () => {
    expect(made('SM').input).toContain('\nwritable\n');
    expect(made('SM.alias').input).not.toContain('writable');
    expect(made('CoRF').input).not.toContain('writable');
  });

  test('is refused with the reason where a process cannot run it', () => {
    const reasons = loadSuite().tests.flatMap(({ test: name }) => {
      const why = whyNotOn(testOf(name), host);
      if (why === undefined) expect(() => made(name), name).not.toThrow();
      return why === undefined ? [] : [`${name}: ${why}`];
    });
    expect(reasons).toEqual([
      'MP.RF+cr3: MOV to or from CR3 needs CPL 0',
      'MP.RF+invlpg: invlpg needs CPL 0',
      'MP.RF+dr7: MOV to or from DR7 needs CPL 0',
      'MP.RF+wbinvd: wbinvd needs CPL 0',
      'MP.RF+cr8: MOV to or from CR8 needs CPL 0',
      'MP.RF+sysret: wrmsr needs CPL 0',
      'MP.RF+sysexit: wrmsr needs CPL 0',
      'MP.RF+iret-user: it begins at CPL 0',
      'IPI.x2apic-nofence: wrmsr needs CPL 0',
      'IPI.fenced: wrmsr needs CPL 0',
      'NMI-in-window: wrmsr needs CPL 0',
    ]);
    expect(whyNotOn(testOf('IRIW.F'), { ...host, cores: [0, 1] })).toBe('4 threads and 2 cores');
    expect(whyNotOn(testOf('MP.RF+serialize'), { ...host, serialize: false })).toBe('this CPU has no SERIALIZE');
    expect(whyNotOn(testOf('INT3.s2.cross64'), { ...host, sync: false })).toBe('no membarrier() with SYNC_CORE');
  });

  test('what is seen stands beside what is allowed, and is a finding where the default model forbids it', () => {
    const { watched } = hostProgram(SB, assembler, { host, seconds: 1 });
    const allowed = allowedOf(SB, lab, assembler);
    const printed = 'runs 1234567\n1234000 1 1 2\n500 0 0 2\n67 18446744073709551615 1 2\n';
    const seen = parseObservation(SB, watched, printed);
    expect(findingsOf(allowed, seen)).toEqual(['0:rax=-1; 1:rax=1; t[1]=2;']);
    expect(observationReport(SB, allowed, seen).split('\n')).toEqual([
      'SB: 1 234 567 runs',
      '     1 234 000  0:rax=1; 1:rax=1; t[1]=2;   sc tso',
      '           500  0:rax=0; 1:rax=0; t[1]=2;   tso',
      '            67  0:rax=-1; 1:rax=1; t[1]=2;  no model  FINDING: forbidden under tso',
      '             0  0:rax=0; 1:rax=1; t[1]=2;   sc tso',
      '             0  0:rax=1; 1:rax=0; t[1]=2;   sc tso',
      '',
    ]);
    expect(allowedOf(testOf('SM'), lab, assembler)).toMatchObject({ byDefault: 'intel-sdm', models: { length: 5 } });
    expect(() => parseObservation(SB, watched, 'nonsense')).toThrow('nonsense');
  });
});

const why = whyNotHere() ?? (availableParallelism() < 2 ? 'one core' : undefined);

describe(`the harness on this machine${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  test.runIf(why === undefined).each([
    ['SB', SB],
    ['SM', testOf('SM')],
    ['INT3.byte0', testOf('INT3.byte0')],
  ])('counts each run of %s once', { timeout: 60_000 }, (_name, litmus) => {
    const harness = buildHarness();
    try {
      if (harness.host.cores.length < 2) return;
      const { input, watched } = hostProgram(litmus, assembler, { host: harness.host, seconds: 0.05 });
      const seen = parseObservation(litmus, watched, harness.run(input, 0.05));
      expect(seen.runs).toBeGreaterThan(0);
      expect([...seen.states.values()].reduce((sum, n) => sum + n, 0)).toBe(seen.runs);
      expect(findingsOf(allowedOf(litmus, lab, assembler), seen)).toEqual([]);
    } finally {
      harness.close();
    }
  });
});
