import { beforeAll, describe, expect, test } from 'vitest';
import { evaluate } from '../../src/dap/expression.ts';
import { Fields } from '../../src/dap/fields.ts';
import { openRun, type Run } from '../../src/dap/run.ts';
import { readTarget } from '../../src/dap/target.ts';
import { host, TestClient } from './client.ts';

let run: Run;
beforeAll(async () => {
  run = await openRun(host, readTarget(new Fields({ scenario: 'F1', cores: 2 }, 'test')));
});
const of = (text: string): bigint => evaluate(run, { core: run.core(1) }, text).value;

describe('expressions', () => {
  test.each([
    ['1 + 2 * 3', 7n],
    ['(1 + 2) * 3', 9n],
    ['10 - 4 - 3', 3n],
    ['1 | 2 ^ 3 & 6', 1n],
    ['1 << 4 + 1', 32n],
    ['-1', (1n << 64n) - 1n],
    ['~0 >> 60', 15n],
    ['1 << 64', 0n],
    ['7 % 4 == 3 && 2 > 1 || 0', 1n],
    ['!5', 0n],
    ['!!5', 1n],
    ['0x10 <= 16', 1n],
    ['3 != 3', 0n],
  ])('%s', (text, value) => {
    expect(of(text)).toBe(value);
  });

  test('registers by all their names', () => {
    const core = run.core(1);
    core.setGpr(0, 0x1122334455667788n);
    core.setGpr(9, 0x99aabbccddeeff00n);
    expect(['$rax', 'rax', '$eax', '$ax', '$al'].map(of)).toEqual([0x1122334455667788n, 0x1122334455667788n, 0x55667788n, 0x7788n, 0x88n]);
    expect(['$r9', '$r9d', '$r9w', '$r9b'].map(of)).toEqual([0x99aabbccddeeff00n, 0xddeeff00n, 0xff00n, 0n]);
    expect(of('$pc')).toBe(core.rip);
    expect(of('$cr3')).toBe(core.get('cr3'));
    expect(of('$gs_base')).toBe(core.get('gsBase'));
  });

  test('memory by its size, variables by their members and elements', () => {
    const site = run.world!.sites[0]!;
    expect(of('u8(ftrace_call)')).toBe(0xe8n);
    expect(of('ftrace_call[1]')).toBe(BigInt(site.versions[0]![1]!));
    expect(of('u32(ftrace_call + 1)')).toBe(
      BigInt(new DataView(site.versions[0]!.buffer, site.versions[0]!.byteOffset).getUint32(1, true)),
    );
    expect(of('*&modifying_ftrace_code')).toBe(of('u64(&modifying_ftrace_code)'));
    const first = of('&text_poke_array.vec[0]');
    const second = evaluate(run, { core: run.core(1) }, 'text_poke_array.vec[1]');
    expect(second.type).toMatchObject({ kind: 'struct' });
    expect(second.address! - first).toBe(BigInt(second.type!.size));
    expect(evaluate(run, { core: run.core(1) }, 'text_poke_array.vec[1].addr').address! - second.address!).toBe(0n);
  });

  test.each([
    '',
    '1 +',
    ')',
    '1 2',
    '$rax = 1',
    'a b',
    '0x',
    '"x"',
    '*',
    '&1',
    'text_poke_array.none',
    'modifying_ftrace_code[',
    'u8()',
    '1 / 0',
    'rax()',
    '🙂',
  ])('what cannot be read is refused: %s', (text) => {
    expect(() => of(text)).toThrow(expect.objectContaining({ name: 'TextpokeError', code: 'E_USAGE' }));
  });
});

test('a client that counts from 0 and names files by URI is understood', async () => {
  const client = new TestClient();
  await client.initializeRequest({ adapterID: 'textpoke', linesStartAt1: false, columnsStartAt1: false, pathFormat: 'uri' });
  const initialized = client.waitForEvent('initialized');
  await client.launchRequest({ program: 'fixtures/run/hello.elf', stopOnEntry: true } as never);
  await initialized;
  await client.stops(() => client.configurationDoneRequest());
  const [frame] = await client.frames(1);
  expect(frame!.source!.path).toMatch(/^file:\/\/\/.*fixtures\/run\/start\.S$/);
  const counted = new TestClient();
  await counted.begin({ program: 'fixtures/run/hello.elf', stopOnEntry: true });
  expect(frame!.line).toBe((await counted.frames(1))[0]!.line - 1);
  const path = frame!.source!.path!.replace('start.S', 'hello.c');
  const { body } = await client.setBreakpointsRequest({ source: { path }, breakpoints: [{ line: 6 }] });
  expect(body.breakpoints[0]).toMatchObject({ verified: true, line: 6 });
  expect((await client.stops(() => client.continueRequest({ threadId: 1 }))).reason).toBe('breakpoint');
  expect((await client.frames(1))[0]!.line).toBe(6);
});
