import type { DebugProtocol } from '@vscode/debugprotocol';
import { beforeAll, describe, expect, test } from 'vitest';
import { TestClient } from './client.ts';

const client = new TestClient();
beforeAll(async () => {
  await client.begin({ scenario: 'F1', variant: 'no-final-sync', cores: 2, stopOnEntry: true });
});

const goto = (at: string): Promise<unknown> => client.stops(() => client.says(`goto ${at}`));
const disassemble = async (
  memoryReference: string,
  instructionOffset: number,
  instructionCount: number,
): Promise<DebugProtocol.DisassembledInstruction[]> =>
  (await client.disassembleRequest({ memoryReference, instructionOffset, instructionCount, resolveSymbols: true })).body!.instructions;

describe('cores and stacks', () => {
  test('threads are cores, with what they run and do', async () => {
    const { threads } = (await client.threadsRequest()).body;
    expect(threads.map((t) => t.id)).toEqual([1, 2]);
    expect(threads[0]!.name).toMatch(/^CPU0 patcher \(/);
    expect(threads[1]!.name).toMatch(/^CPU1 traced_by_a \(about to fetch\)/);
  });

  test('a stack has source lines, and can be asked for in parts', async () => {
    await goto('@23');
    const frames = await client.frames(2);
    expect(frames.map((f) => f.name)).toEqual([
      expect.stringMatching(/^ftrace_int3_handler/),
      expect.stringMatching(/^exc_int3/),
      expect.stringMatching(/^asm_exc_int3/),
      'ftrace_call+1 (interrupted)',
      expect.stringMatching(/^traced_by_a/),
      expect.stringMatching(/^victim_main/),
    ]);
    expect(frames[0]!.source!.path).toMatch(/fixtures\/lab\/int3-ftrace\.c$/);
    expect(frames[0]!.line).toBeGreaterThan(0);
    expect(frames[0]!.instructionPointerReference).toMatch(/^0xffffffff81/);
    const { body } = await client.stackTraceRequest({ threadId: 2, startFrame: 1, levels: 2 });
    expect(body).toMatchObject({ totalFrames: 6, stackFrames: [frames[1], frames[2]] });
    await expect(client.stackTraceRequest({ threadId: 3 })).rejects.toThrow(
      /'threadId' of 'stackTrace' must be a whole number from 1 to 2, not 3/,
    );
  });

  test('an outer frame knows only the registers that were saved', async () => {
    const [, outer] = await client.frames(2);
    const { scopes } = (await client.scopesRequest({ frameId: outer!.id })).body;
    expect(scopes.map((s) => s.name)).toEqual(['General registers', 'Variables']);
    const { variables } = (await client.variablesRequest({ variablesReference: scopes[0]!.variablesReference })).body;
    const of = (name: string): string => variables.find((v) => v.name === name)!.value;
    expect(of('rip')).toMatch(/<exc_int3/);
    expect(of('rax')).toBe('not saved');
    expect(of('rsp')).toMatch(/^0xffffc9/);
    await expect(client.says('$rax', outer!.id)).rejects.toThrow(/\$rax of this frame was not saved/);
  });

  test('registers, flags, system registers and interrupts of a core', async () => {
    const general = await client.scope(2, 'General registers');
    expect(general.get('rip')!.value).toMatch(/<ftrace_int3_handler\+/);
    expect(general.get('rip')!.memoryReference).toMatch(/^0xffffffff81/);
    expect((await client.scope(2, 'Flags')).get('IF')!.value).toBe('0');
    expect((await client.scope(2, 'Interrupts')).get('enabled')!.value).toMatch(/^no/);
    expect((await client.scope(2, 'System registers')).get('cr0')!.value).toMatch(/^0x80050033/);
    expect((await client.scope(2, 'Segments')).get('cs')!.value).toMatch(/^0x10 /);
  });

  test('what a core stored and others do not see yet is in its store buffer, and in its variables', async () => {
    await goto('@0');
    const stores = [...(await client.scope(1, 'Store buffer')).values()].map((v) => `${v.name}: ${v.value}`);
    expect(stores[0]).toBe('[0] drains next: ftrace_update_ip = ftrace_call');
    expect(stores[1]).toBe('[1]: ftrace_update_target = target_b');
    const own = (await client.scope(1, 'Variables')).get('ftrace_update_target')!;
    expect(own.value).toMatch(/<target_b> \(in the store buffer of CPU0; memory holds 0\)$/);
    expect((await client.scope(2, 'Variables')).get('ftrace_update_target')!.value).toBe('0');
  });

  test('a struct opens into its members, which can be watched', async () => {
    const { variablesReference } = (await client.scope(2, 'Variables')).get('text_poke_array')!;
    const { variables } = (await client.variablesRequest({ variablesReference })).body;
    expect(variables.map((v) => v.name)).toContain('nr');
    const member = variables.find((v) => v.name === 'nr')!;
    expect(member.evaluateName).toBe('text_poke_array.nr');
    const info = await client.dataBreakpointInfoRequest({ variablesReference, name: 'nr' });
    expect(info.body.dataId).toMatch(/^0x[0-9a-f]+:4@1$/);
    await goto('@1');
    await expect(client.variablesRequest({ variablesReference })).rejects.toThrow(/the run has moved/);
  });
});

describe('text and memory', () => {
  test('the disassembly of a patched site shows memory, and what a core may still fetch', async () => {
    await goto('@4');
    expect((await disassemble('ftrace_call', 0, 1))[0]!.instruction).toMatch(/; CPU0, CPU1 may fetch e8/);
    // CPU0 has serialized in that step.
    await goto('@5');
    const [int3, tail, behind] = await disassemble('ftrace_call', 0, 3);
    expect(int3).toMatchObject({ instructionBytes: 'cc', symbol: 'ftrace_call' });
    expect(int3!.instruction).toMatch(/^int3 {2}; CPU1 may fetch e8( [0-9a-f]{2}){4} \(call ftrace_stub\), STALE$/);
    expect(tail!.instruction).toMatch(/^\.byte 0x[0-9a-f]{2}, /);
    expect(behind).toMatchObject({ symbol: 'ftrace_call+0x5', instruction: expect.stringMatching(/^pop/) });
    // After the SYNC it may not.
    await goto('@10');
    expect((await disassemble('ftrace_call', 0, 1))[0]!.instruction).toBe('int3');
    const fetch = (await client.scope(2, 'Fetch')).get('ftrace_call')!;
    expect(fetch.value).toBe('cc (int3)');
  });

  test('the fetch scope has what memory holds and each version that can be fetched', async () => {
    await goto('@24');
    const site = (await client.scope(2, 'Fetch')).get('ftrace_call')!;
    expect(site.value).toMatch(/^e8 ad e9 ff ff \(call target_b\) or cc \(int3\) STALE$/);
    const { variables } = (await client.variablesRequest({ variablesReference: site.variablesReference })).body;
    expect(variables.map((v) => [v.name, v.value.slice(0, 14)])).toEqual([
      ['memory', 'e8 ad e9 ff ff'],
      ['fetch 0', 'e8 ad e9 ff ff'],
      ['fetch 1', 'cc (int3) STAL'],
    ]);
  });

  test('instructions before an address are those that the functions have', async () => {
    const forward = await disassemble('victim_main', 0, 20);
    const [, , third] = forward;
    const around = await disassemble(third!.address, -2, 6);
    expect(around.map((i) => i.address)).toEqual(forward.slice(0, 6).map((i) => i.address));
    const last = forward.at(-1)!;
    expect((await disassemble(last.address, -19, 20)).map((i) => i.instruction)).toEqual(forward.map((i) => i.instruction));
    expect((await disassemble(last.address, -12, 5)).map((i) => i.address)).toEqual(forward.slice(7, 12).map((i) => i.address));
    // The count that was asked for, whatever is there.
    expect(await disassemble('0xffffffff81000740', -300, 400)).toHaveLength(400);
  });

  test('where there is no memory instructions are invalid and bytes unreadable', async () => {
    const lines = await disassemble('0x1000', -2, 4);
    expect(lines.map((l) => [l.address, l.presentationHint])).toEqual([
      ['0xffe', 'invalid'],
      ['0xfff', 'invalid'],
      ['0x1000', 'invalid'],
      ['0x1001', 'invalid'],
    ]);
    const read = (memoryReference: string, count: number, offset = 0): Promise<DebugProtocol.ReadMemoryResponse> =>
      client.customRequest('readMemory', { memoryReference, offset, count }) as Promise<DebugProtocol.ReadMemoryResponse>;
    expect((await read('0x1000', 16)).body).toEqual({ address: '0x1000', unreadableBytes: 16 });
    const { body } = await read('ftrace_call', 5);
    expect(Buffer.from(body!.data!, 'base64').toString('hex')).toBe('e8ade9ffff');
    // The page below a stack is not mapped.
    const guard = await read('0xffffc90000000ffc', 8);
    expect(guard.body!.unreadableBytes).toBe(4);
    expect(Buffer.from(guard.body!.data!, 'base64')).toHaveLength(4);
    await expect(read('0x1000', 1 << 30)).rejects.toThrow(/'count' of 'readMemory' must be a whole number from 0 to/);
  });

  test('expressions in hovers and watches', async () => {
    await goto('@23');
    const of = async (expression: string): Promise<string> => (await client.evaluateRequest({ expression, context: 'watch' })).body.result;
    expect(await of('modifying_ftrace_code')).toBe('0');
    expect(await of('u8(ftrace_call)')).toBe('0xe8 (232)');
    expect(await of('*ftrace_call & 0xff')).toBe('0xe8 (232)');
    expect(await of('$eax == ($rax & 0xffffffff) && 1')).toBe('1');
    expect(await of('ftrace_call + 5')).toMatch(/<ftrace_call\+0x5>/);
    expect(await of('text_poke_array.nr')).toBe('0');
    expect(await of('&modifying_ftrace_code')).toMatch(/<modifying_ftrace_code>$/);
    expect((await client.evaluateRequest({ expression: '$rip', format: { hex: true } } as never)).body.result).toMatch(/^0x[0-9a-f]+$/);
    await expect(of('modifying_ftrace_cod')).rejects.toThrow(/did you mean modifying_ftrace_code/);
    await expect(of('*0x1000')).rejects.toThrow(/has no memory at 0x1000/);
    await expect(of('1 / 0')).rejects.toThrow(/division by zero/);
    await expect(of('process.exit(1)')).rejects.toThrow(/there is no 'process.exit'/);
    await expect(of('(('.repeat(500))).rejects.toThrow(/nested too deeply/);
    expect((await client.evaluateRequest({ expression: '@20', context: 'hover' })).body.result).toMatch(/memory ftrace_call\[0\] = e8/);
  });
});

describe('sources', () => {
  test('a breakpoint in a line of C or assembly stops there; lines without code move on to the next', async () => {
    await goto('@23');
    const [frame] = await client.frames(2);
    const path = frame!.source!.path!;
    const { breakpoints } = (await client.breakpointLocationsRequestOf(path, 1, 400)).body!;
    const lines = breakpoints.map((b) => b.line);
    const gap = lines.find((line) => line > 1 && !lines.includes(line - 1))!;
    const set = await client.setBreakpointsRequest({
      source: { path },
      breakpoints: [{ line: gap - 1 }, { line: frame!.line }, { line: 9999 }],
    });
    expect(set.body.breakpoints.map((b) => [b.verified, b.line])).toEqual([
      [true, gap],
      [true, frame!.line],
      [false, undefined],
    ]);
    await goto('@0');
    const stopped = await client.stops(() => client.continueRequest({ threadId: 1 }));
    expect(stopped).toMatchObject({ reason: 'breakpoint', threadId: 2, hitBreakpointIds: [set.body.breakpoints[1]!.id] });
    expect((await client.frames(2))[0]).toMatchObject({ line: frame!.line, source: { path } });
    await client.setBreakpointsRequest({ source: { path }, breakpoints: [] });
    expect((await client.stops(() => client.continueRequest({ threadId: 1 }))).reason).toBe('exception');
  });

  test('a file that the image does not come from cannot have one', async () => {
    const { body } = await client.setBreakpointsRequest({ source: { path: '/elsewhere/main.c' }, breakpoints: [{ line: 1 }] });
    expect(body.breakpoints[0]).toMatchObject({ verified: false, message: expect.stringMatching(/comes from \/elsewhere\/main\.c/) });
  });

  test('sources are listed and can be read', async () => {
    const { sources } = (await client.customRequest('loadedSources')).body as { sources: DebugProtocol.Source[] };
    const source = sources.find((s) => s.name === 'actors.S')!;
    const { content } = (await client.sourceRequest({ source, sourceReference: 0 })).body;
    expect(content).toMatch(/ACTOR victim_main/);
    await expect(client.sourceRequest({ source: { path: '/etc/passwd' }, sourceReference: 0 })).rejects.toThrow(/the image has no source/);
  });
});
