import { describe, expect, test } from 'vitest';
import { cellOf } from '../../src/cli/actions/explore.ts';
import { Fields } from '../../src/dap/fields.ts';
import { openRun } from '../../src/dap/run.ts';
import { readTarget } from '../../src/dap/target.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { host, TestClient } from './client.ts';

const launchFails = async (configuration: object, message: RegExp): Promise<void> => {
  const client = new TestClient();
  await client.initializeRequest();
  await expect(client.launchRequest(configuration)).rejects.toThrow(message);
};

describe('launching', () => {
  test('initialize tells what there is: reverse execution, disassembly, filters for violations and exceptions', async () => {
    const { body } = await new TestClient().initializeRequest();
    expect(body).toMatchObject({ supportsStepBack: true, supportsDisassembleRequest: true, supportsSingleThreadExecutionRequests: true });
    expect(body!.exceptionBreakpointFilters!.map((f) => f.filter)).toEqual(expect.arrayContaining(['violation', '#BP', '#UD', '#PF']));
  });

  test('a scenario runs into its violation, which is an exception, with the steps that led there', async () => {
    const client = new TestClient();
    const stopped = await client.begin({ scenario: 'F1', variant: 'no-final-sync', cores: 2 });
    expect(stopped).toMatchObject({ reason: 'exception', threadId: 2, allThreadsStopped: true });
    expect(stopped.description).toMatch(/^violation I1: CPU1: int3 at ftrace_call claimed by nobody/);
    expect(client.output('console')).toMatch(/fetch ftrace_call: cc \(int3\)/);
    expect(client.output('important')).toMatch(/^VIOLATION I1/);
    const { body } = await client.exceptionInfoRequest({ threadId: 2 });
    expect(body).toMatchObject({ exceptionId: 'I1', description: stopped.description });
  });

  test('a token opens the same run, and stops at its start when asked', async () => {
    const first = new TestClient();
    await first.begin({ scenario: 'ftrace/late-handler', stopOnEntry: true });
    const token = await first.says('token');
    const client = new TestClient();
    expect(await client.begin({ token, stopOnEntry: true })).toMatchObject({ reason: 'entry', description: 'the run stands at @0' });
    expect(await client.says('token')).toBe(token);
    expect((await client.stops(() => client.continueRequest({ threadId: 1 }))).reason).toBe('exception');
    await client.disconnectRequest();
    await first.disconnectRequest();
  });

  test('"at" begins in the middle, and restart comes back there', async () => {
    const client = new TestClient();
    expect(await client.begin({ scenario: 'F1', variant: 'no-final-sync', cores: 2, at: '@12' })).toMatchObject({
      reason: 'entry',
      text: '@12',
    });
    await client.stops(() => client.continueRequest({ threadId: 1 }));
    expect(await client.at()).toBe('@24');
    expect((await client.stops(() => client.restartRequest({}))).text).toBe('@12');
  });

  test('without the filter a violation is the end of the run, and nothing comes behind it', async () => {
    const client = new TestClient();
    const stopped = await client.begin({ scenario: 'F1', variant: 'no-final-sync', cores: 2 }, () =>
      client.setExceptionBreakpointsRequest({ filters: [] }),
    );
    expect(stopped.reason).toBe('end');
    expect((await client.stops(() => client.continueRequest({ threadId: 1 }))).reason).toBe('end');
    await expect(client.exceptionInfoRequest({ threadId: 1 })).rejects.toThrow(/did not stop at an exception/);
  });

  test('the engine changes nothing that is seen', async () => {
    const seen = await Promise.all(
      ['reference', 'interpreter', 'region'].map(async (engine) => {
        const client = new TestClient();
        const first = await client.begin({ scenario: 'F1', variant: 'no-final-sync', cores: 2, engine, at: '@3' });
        const places = [await client.frames(2)];
        for (let n = 0; n < 3; n++) {
          await client.stops(() => client.stepInRequest({ threadId: 2 }));
          places.push(await client.frames(2));
        }
        const last = await client.stops(() => client.continueRequest({ threadId: 1 }));
        return { first, places, last, at: await client.at(), rip: await client.says('$rip') };
      }),
    );
    expect(seen[0]!.last.reason).toBe('exception');
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[2]).toEqual(seen[0]);
  });

  test('a sound variant runs to its end', async () => {
    const client = new TestClient();
    expect(await client.begin({ scenario: 'F1', variant: 'final-sync', cores: 2 })).toMatchObject({ reason: 'end' });
    expect(client.output('important')).toBe('');
  });

  test('an argument that cannot be is refused with what, where and what next', async () => {
    await launchFails({}, /nothing says what to debug.*give one of "program"/);
    await launchFails({ program: 'a.elf', token: 'tp1_x' }, /'program' and 'token' cannot both be debugged/);
    await launchFails({ scenario: 'F1', variant: 'no-final-sink' }, /no variant 'no-final-sink'.*did you mean no-final-sync/);
    await launchFails({ scenario: 'ftrace/late-handlr' }, /late-handl.*did you mean/);
    await launchFails({ scenario: 'F1', variants: 'x' }, /no launch argument 'variants'.*did you mean variant\?/);
    await launchFails({ program: 'fixtures/run/absent.elf' }, /cannot read|ENOENT|no such file/);
    await launchFails({ program: 'package.json' }, /package\.json/);
    await launchFails({ token: 'tp1_AAAA' }, /token/);
    await launchFails({ scenario: 'F1', cores: 'two' }, /'cores' of 'launch' must be a whole number from 1 to 13, not "two"/);
    await launchFails({ scenario: 'F1', fetch: 'zen4' }, /'fetch' of 'launch' must be .*did you mean zen3\?/);
    await launchFails({ scenario: 'F1', variant: 'no-final-sync', cores: 2, at: '@999' }, /the run has no @999.*it goes from @0 to @24/);
    await launchFails({ program: 'fixtures/run/hello.elf', fetch: 'strict' }, /'fetch' does not fit here/);
    await launchFails({ program: 'fixtures/run/hello.elf', base: '0x1000' }, /says itself where it is loaded/);
    await launchFails({ program: 'fixtures/run/hello.elf', entry: 'mein' }, /there is no symbol 'mein'.*did you mean main/);
  });

  test('a launch that failed may be tried again in the same session, a second one may not', async () => {
    const client = new TestClient();
    await client.initializeRequest();
    await expect(client.launchRequest({ token: 'no' } as never)).rejects.toThrow(/no token/);
    const initialized = client.waitForEvent('initialized');
    await client.launchRequest({ scenario: 'F1', stopOnEntry: true } as never);
    await initialized;
    await expect(client.launchRequest({ scenario: 'F1' } as never)).rejects.toThrow(/something is being debugged already/);
  });

  test('attach looks at a run that is there, and leaves it where it is', async () => {
    const run = openRun(host, {
      what: {
        kind: 'scenario',
        scenario: 'F1',
        variant: 'no-final-sync',
        victims: undefined,
        fetch: undefined,
        memory: undefined,
        sites: undefined,
        calls: undefined,
        maxSteps: undefined,
      },
      engine: undefined,
      scenarios: undefined,
    });
    const attached = (): typeof run => run;
    for (const expected of ['@0', '@5']) {
      const client = new TestClient({ attached });
      await client.initializeRequest();
      const initialized = client.waitForEvent('initialized');
      await client.attachRequest({});
      await initialized;
      expect((await client.stops(() => client.configurationDoneRequest())).text).toBe(expected);
      await client.stops(() => client.says('goto @5'));
      await client.disconnectRequest();
    }
    (await run).release();
    await expect(new TestClient().attachRequest({})).rejects.toThrow(/no run to attach to/);
  });

  test('of a scenario alone it is the run that explore and the other debuggers have', async () => {
    const scenario = scenarioOf('F1');
    const run = await openRun(host, readTarget(new Fields({ scenario: 'F1', variant: 'no-final-sync' }, 'test')));
    expect(run.session?.cell).toEqual(cellOf(scenario, {}));
    expect(run.session?.cell).toEqual({ victims: 2, fetch: 'intel-sdm', memory: 'tso' });
    run.release();
  });

  test('terminate ends with an event; whatever needs a run is refused before there is one', async () => {
    const client = new TestClient();
    await client.initializeRequest();
    expect((await client.threadsRequest()).body.threads).toEqual([]);
    await expect(client.continueRequest({ threadId: 1 })).rejects.toThrow(/nothing is being debugged.*launch or attach first/);
    await expect(client.customRequest('frobnicate')).rejects.toThrow(/there is no request 'frobnicate'/);
    const terminated = client.waitForEvent('terminated');
    await client.terminateRequest();
    await terminated;
  });
});
