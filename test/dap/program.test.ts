import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadAssembler } from '../../src/image/assembler/index.ts';
import { haveTools } from '../image/gnu.ts';
import { TestClient } from './client.ts';

const assembler = await loadAssembler();
const folder = mkdtempSync(join(tmpdir(), 'dap-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A flat binary of assembled text at 0x400000. */
function binary(name: string, source: string): { program: string; base: string } {
  const path = join(folder, `${name}.bin`);
  writeFileSync(path, assembler.assemble(source, { address: 0x400000n, file: 'guest.s' }).bytes);
  return { program: path, base: '0x400000' };
}

describe('a program alone', () => {
  test('runs to its end with its serial output, each byte once, and back', async () => {
    const client = new TestClient();
    const stopped = await client.begin({ program: 'fixtures/run/hello.elf', cores: 2 });
    expect(stopped.reason).toBe('end');
    expect(client.output('stdout')).toBe('hello from core 0\nhello from core 1\n');
    expect(client.output('console')).toMatch(/core 0: exit 0, \d+ instructions\ncore 1: exit 0/);
    await client.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'main' }] });
    expect(await client.stops(() => client.reverseContinueRequest({ threadId: 1 }))).toMatchObject({
      reason: 'function breakpoint',
      threadId: 2,
    });
    expect(await client.stops(() => client.reverseContinueRequest({ threadId: 1 }))).toMatchObject({
      reason: 'function breakpoint',
      threadId: 1,
    });
    await client.setFunctionBreakpointsRequest({ breakpoints: [] });
    expect((await client.stops(() => client.continueRequest({ threadId: 1 }))).reason).toBe('end');
    expect(client.output('stdout')).toBe('hello from core 0\nhello from core 1\n');
  });

  test('steps by lines of C, and back through the same places', async () => {
    const client = new TestClient();
    await client.begin({ program: 'fixtures/run/hello.elf', entry: '_start', stopOnEntry: true }, () =>
      client.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'main' }] }),
    );
    await client.stops(() => client.continueRequest({ threadId: 1 }));
    const where = async (): Promise<string> => {
      const [frame] = await client.frames(1);
      return `${frame!.source?.name}:${frame!.line} ${await client.at()}`;
    };
    const places = [await where()];
    for (let n = 0; n < 8; n++) {
      expect((await client.stops(() => client.nextRequest({ threadId: 1 }))).reason).toBe('step');
      places.push(await where());
    }
    expect(places[0]).toBe('hello.c:7 @1');
    expect(new Set(places.map((p) => p.split(' ')[0])).size).toBeGreaterThan(3);
    const back: string[] = [places.at(-1)!];
    for (let n = 0; n < 8; n++) {
      await client.stops(() => client.stepBackRequest({ threadId: 1 }));
      back.push(await where());
    }
    expect(back.reverse()).toEqual(places);
  });

  test('a step back by lines goes back over a function that has returned, one by instructions into it', async () => {
    const client = new TestClient();
    await client.begin({ program: 'fixtures/run/counter.elf', stopOnEntry: true }, () =>
      client.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'put_decimal' }] }),
    );
    const functions = async (): Promise<string[]> => (await client.frames(1)).map((f) => f.name.replace(/\+.*/, ''));
    const at = async (): Promise<number> => Number((await client.at()).slice(1));
    expect((await client.stops(() => client.continueRequest({ threadId: 1 }))).reason).toBe('function breakpoint');
    expect(await functions()).toEqual(['put_decimal', 'main', '_start']);
    const entered = await at();
    await client.setFunctionBreakpointsRequest({ breakpoints: [] });
    await client.stops(() => client.stepOutRequest({ threadId: 1 }));
    expect(await functions()).toEqual(['main', '_start']);
    const left = await at();
    await client.stops(() => client.stepBackRequest({ threadId: 1 }));
    expect(await functions()).toEqual(['main', '_start']);
    expect(await at()).toBeLessThan(entered);
    // Forward over the call it comes behind the function again.
    for (let n = 0; n < 5 && (await at()) < left; n++) await client.stops(() => client.nextRequest({ threadId: 1 }));
    expect(await functions()).toEqual(['main', '_start']);
    expect(await at()).toBeGreaterThanOrEqual(left);
    await client.stops(() => client.says(`goto @${left}`));
    await client.stops(() => client.stepBackRequest({ threadId: 1, granularity: 'instruction' }));
    expect(await functions()).toEqual(['put_decimal', 'main', '_start']);
  });

  test('next goes over a call, stepIn into it, stepOut behind it', async () => {
    const client = new TestClient();
    const target = binary('call', 'start: nop\ncall work\nnop\nhlt\nwork: mov $7, %eax\nret\n');
    await client.begin({ ...target, stopOnEntry: true });
    const rip = async (): Promise<string> => (await client.frames(1))[0]!.instructionPointerReference!;
    const granularity = 'instruction';
    await client.stops(() => client.nextRequest({ threadId: 1, granularity }));
    expect(await rip()).toBe('0x400001');
    await client.stops(() => client.nextRequest({ threadId: 1, granularity }));
    expect(await rip()).toBe('0x400006');
    expect(await client.says('$eax')).toBe('7');
    await client.stops(() => client.says('goto @1'));
    await client.stops(() => client.stepInRequest({ threadId: 1, granularity }));
    expect(await rip()).toBe('0x400008');
    expect((await client.frames(1)).map((f) => f.instructionPointerReference)).toEqual(['0x400008', '0x400006']);
    await client.stops(() => client.stepOutRequest({ threadId: 1 }));
    expect(await rip()).toBe('0x400006');
    expect(await client.stops(() => client.stepInRequest({ threadId: 1, singleThread: true }))).toMatchObject({ reason: 'step' });
    expect(client.output()).toMatch(/cores of a program alone take turns/);
  });

  test.skipIf(!haveTools('gcc'))('a call that is the last instruction of its function keeps the name of that', async () => {
    const path = join(folder, 'last.elf');
    const source =
      'int spin; void work(void) { while (!spin); } void _start(void) { work(); __builtin_unreachable(); } void behind(void) {}';
    writeFileSync(join(folder, 'last.c'), source);
    const built = spawnSync('gcc', ['-O1', '-g', '-static', '-nostdlib', '-no-pie', '-fno-inline', '-o', path, join(folder, 'last.c')]);
    expect(built.status).toBe(0);
    const client = new TestClient();
    await client.begin({ program: path, stopOnEntry: true }, () =>
      client.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'work' }] }),
    );
    await client.stops(() => client.continueRequest({ threadId: 1 }));
    expect((await client.frames(1)).map((f) => f.name)).toEqual(['work', expect.stringMatching(/^_start\+0x/)]);
  });

  const LOOP =
    'mov $5, %ecx\n1: mov word(%rip), %rax\nadd $3, %rax\nmov %rax, word(%rip)\ndec %ecx\njnz 1b\nhlt\n.balign 8\nword: .quad 0\n';

  test('instruction breakpoints with conditions, and others that only log', async () => {
    const client = new TestClient();
    const target = binary('loop', LOOP);
    await client.begin({ ...target, stopOnEntry: true });
    const at = (offset: number, more: object): object => ({ instructionReference: '0x400005', offset, ...more });
    await client.customRequest('setInstructionBreakpoints', {
      breakpoints: [at(0, { condition: '$ecx == 2' }), at(7, { logMessage: 'rax is {$rax}' })],
    });
    const stopped = await client.stops(() => client.continueRequest({ threadId: 1 }));
    expect(stopped.reason).toBe('instruction breakpoint');
    expect(await client.says('$ecx')).toBe('2');
    expect(client.output('console').match(/rax is \w+/g)).toEqual(['rax is 0', 'rax is 3', 'rax is 6']);
    await client.customRequest('setInstructionBreakpoints', { breakpoints: [at(0, { condition: '$nothing' })] });
    await client.stops(() => client.continueRequest({ threadId: 1 }));
    expect(client.output('console')).toMatch(/condition \$nothing: there is no '\$nothing'/);
    const { body } = await client.customRequest('setInstructionBreakpoints', { breakpoints: [{ instructionReference: 'nowhere' }] });
    expect(body.breakpoints[0]).toMatchObject({ verified: false, message: expect.stringMatching(/there is no 'nowhere'/) });
  });

  test('data breakpoints on reads, and by address', async () => {
    const client = new TestClient();
    await client.begin({ ...binary('watched', LOOP), stopOnEntry: true });
    const { body } = await client.dataBreakpointInfoRequest({ name: '0x400020', asAddress: true, bytes: 4 } as never);
    expect(body.dataId).toBe('0x400020:4@0');
    await client.setDataBreakpointsRequest({ breakpoints: [{ dataId: body.dataId!, accessType: 'read' }] });
    for (let n = 0; n < 5; n++) expect((await client.stops(() => client.continueRequest({ threadId: 1 }))).reason).toBe('data breakpoint');
    expect((await client.stops(() => client.continueRequest({ threadId: 1 }))).reason).toBe('end');
    const bad = await client.setDataBreakpointsRequest({ breakpoints: [{ dataId: 'x' }] });
    expect(bad.body.breakpoints[0]).toMatchObject({ verified: false });
    expect((await client.dataBreakpointInfoRequest({ name: '$rax' })).body).toMatchObject({ dataId: null });
    expect((await client.dataBreakpointInfoRequest({ name: '*0xdead0000' })).body).toMatchObject({ dataId: null });
  });

  test('a run that never ends can be paused, forward and backward, with progress', async () => {
    const client = new TestClient();
    await client.initializeRequest({ adapterID: 'textpoke', supportsProgressReporting: true, linesStartAt1: true });
    const initialized = client.waitForEvent('initialized');
    await client.launchRequest({ ...binary('endless', 'nop\n1: inc %rax\njmp 1b\n'), stopOnEntry: true } as never);
    await initialized;
    await client.stops(() => client.configurationDoneRequest());
    for (const direction of ['forward', 'back'] as const) {
      const progress = client.waitForEvent('progressUpdate');
      if (direction === 'forward') await client.continueRequest({ threadId: 1 });
      else {
        await client.setFunctionBreakpointsRequest({ breakpoints: [{ name: '0x400000' }] });
        await client.reverseContinueRequest({ threadId: 1 });
      }
      await progress;
      await expect(client.stackTraceRequest({ threadId: 1 })).rejects.toThrow(/the run is going on.*pause it first/);
      const started = client.events.findLast((e) => e.event === 'progressStart')!;
      const stopped =
        direction === 'forward'
          ? await client.stops(() => client.pauseRequest({ threadId: 1 }))
          : await client.stops(() => client.customRequest('cancel', { progressId: started.body.progressId }));
      expect(stopped.reason).toBe('pause');
      expect(client.events.filter((e) => e.event === 'progressEnd')).toHaveLength(direction === 'forward' ? 1 : 2);
      expect((await client.frames(1))[0]!.name).toMatch(/^0x40000/);
    }
  });

  test('a run that goes on can be restarted, and ended', async () => {
    const client = new TestClient();
    await client.begin({ ...binary('long', 'nop\n1: inc %rax\njmp 1b\n'), stopOnEntry: true });
    await client.continueRequest({ threadId: 1 });
    const stopped = await client.stops(() => client.restartRequest({}));
    expect(stopped).toMatchObject({ reason: 'entry', text: '@0' });
    await client.continueRequest({ threadId: 1 });
    const events = client.events.length;
    await client.disconnectRequest();
    await new Promise((done) => setTimeout(done, 50));
    expect(client.events.slice(events).map((e) => e.event)).not.toContain('stopped');
  });

  test('without debugging it runs to its end and exits', async () => {
    const client = new TestClient();
    await client.initializeRequest();
    const initialized = client.waitForEvent('initialized');
    await client.launchRequest({ program: 'fixtures/run/fault.elf', noDebug: true } as never);
    await initialized;
    const exited = client.waitForEvent('exited');
    await client.configurationDoneRequest();
    expect((await exited).body.exitCode).toBe(1);
    expect(client.output('console')).toMatch(/core 0: #PF at 0x7ffffffff000/);
  });
});
