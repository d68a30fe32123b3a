import { beforeAll, describe, expect, test } from 'vitest';
import { openRun, type Run } from '../../src/dap/run.ts';
import { host, TestClient } from './client.ts';

/** A client on F1, and the run itself to compare hashes. */
async function onRace(at = '@0'): Promise<{ client: TestClient; run: Run }> {
  const run = await openRun(host, {
    what: {
      kind: 'scenario',
      scenario: 'F1',
      variant: 'no-final-sync',
      victims: 1,
      fetch: 'intel-sdm',
      memory: 'tso',
      sites: undefined,
      calls: undefined,
      maxSteps: undefined,
    },
    engine: undefined,
    scenarios: undefined,
  });
  const client = new TestClient({ attached: async () => run });
  await client.initializeRequest();
  const initialized = client.waitForEvent('initialized');
  await client.attachRequest({ at } as never);
  await initialized;
  await client.stops(() => client.configurationDoneRequest());
  return { client, run };
}

const hashOf = (run: Run): string => run.timeline.machine.hash();

describe('going forward and back', () => {
  test('from the violation back to the store that caused it, by a data breakpoint', async () => {
    const { client, run } = await onRace();
    await client.stops(() => client.continueRequest({ threadId: 2 }));
    const info = (await client.dataBreakpointInfoRequest({ name: 'modifying_ftrace_code' })).body;
    expect(info).toMatchObject({ description: 'modifying_ftrace_code, 4 bytes', accessTypes: ['write', 'read', 'readWrite'] });
    const set = await client.setDataBreakpointsRequest({ breakpoints: [{ dataId: info.dataId!, accessType: 'write' }] });
    const stopped = await client.stops(() => client.reverseContinueRequest({ threadId: 2 }));
    expect(stopped).toMatchObject({ reason: 'data breakpoint', threadId: 1, hitBreakpointIds: [set.body.breakpoints[0]!.id] });
    expect(stopped.text).toMatch(/modifying_ftrace_code is still 01 00 00 00, before what CPU0 does next/);
    // It stands before the step that clears it: the next thing that happens.
    const step = run.trace()!.steps[run.timeline.position.at]!;
    expect(step.happened).toContainEqual(expect.objectContaining({ access: 'locked store', name: 'modifying_ftrace_code', value: 0n }));
    expect((await client.says('modifying_ftrace_code', undefined)).trim()).toBe('1');
    // And once more, to the store that set it; then there is nothing before.
    await client.stops(() => client.reverseContinueRequest({ threadId: 2 }));
    expect(run.trace()!.steps[run.timeline.position.at]!.happened).toContainEqual(
      expect.objectContaining({ access: 'locked store', name: 'modifying_ftrace_code', value: 1n }),
    );
    const start = await client.stops(() => client.reverseContinueRequest({ threadId: 2 }));
    expect(start).toMatchObject({ reason: 'entry', text: 'nothing comes before @0' });
  });

  test('steps back lead through the same states as the steps forward', async () => {
    const { client, run } = await onRace('@17');
    const states: string[] = [hashOf(run)];
    const places: string[] = [run.place];
    const granularity = 'instruction';
    for (let n = 0; n < 12; n++) {
      expect((await client.stops(() => client.stepInRequest({ threadId: 2, granularity }))).reason).toBe('step');
      states.push(hashOf(run));
      places.push(run.place);
    }
    expect(new Set(states).size).toBe(13);
    expect(places.some((p) => p.includes('+'))).toBe(true);
    for (let n = 12; n > 0; n--) {
      expect(hashOf(run)).toBe(states[n]);
      await client.stops(() => client.stepBackRequest({ threadId: 2, granularity }));
      expect(run.place).toBe(places[n - 1]);
    }
    expect(hashOf(run)).toBe(states[0]);
  });

  test('a step of one core lets the others follow the schedule, a step of it alone does not', async () => {
    const { client, run } = await onRace();
    const granularity = 'instruction';
    const token = await client.says('token');
    const patcher = run.core(0).rip;
    const sent = run.core(0).gpr(0);
    for (let n = 0; n < 4; n++) {
      const stopped = await client.stops(() => client.nextRequest({ threadId: 2, granularity, singleThread: true }));
      expect(stopped).toMatchObject({ reason: 'step', threadId: 2 });
    }
    expect([run.core(0).rip, run.core(0).gpr(0)]).toEqual([patcher, sent]);
    expect(await client.says('token')).not.toBe(token);
    // The run that was opened can be had back; in it CPU0 goes first.
    await client.stops(() => client.says('restore'));
    expect(await client.says('token')).toBe(token);
    await client.stops(() => client.nextRequest({ threadId: 2, granularity }));
    expect(run.timeline.position.at).toBeGreaterThanOrEqual(8);
  });

  test('a core that cannot go on alone says so', async () => {
    const { client, run } = await onRace();
    let stopped = await client.stops(() => client.continueRequest({ threadId: 2, singleThread: true }));
    expect(stopped).toMatchObject({ reason: 'blocked', threadId: 2 });
    expect(stopped.description).toMatch(/CPU1 cannot go on alone/);
    expect(run.core(0).get('activity')).toBe(0n);
    stopped = await client.stops(() => client.continueRequest({ threadId: 2 }));
    expect(stopped.reason).not.toBe('blocked');
  });

  test('stepping out goes back to the caller, over an interrupt frame, too', async () => {
    const { client, run } = await onRace();
    await client.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'ftrace_int3_handler' }] });
    expect((await client.stops(() => client.continueRequest({ threadId: 2 }))).reason).toBe('function breakpoint');
    await client.setFunctionBreakpointsRequest({ breakpoints: [] });
    const names = async (): Promise<string[]> => (await client.frames(2)).map((f) => f.name.replace(/\+.*| .*/, ''));
    expect(await names()).toEqual(['ftrace_int3_handler', 'exc_int3', 'asm_exc_int3', 'ftrace_call', 'traced_by_a', 'victim_main']);
    const stopped = await client.stops(() => client.stepOutRequest({ threadId: 2, singleThread: true }));
    expect(stopped.reason).toBe('step');
    expect((await names())[0]).toBe('exc_int3');
    await client.stops(() => client.stepOutRequest({ threadId: 2, singleThread: true }));
    expect((await names())[0]).toBe('asm_exc_int3');
    await client.stops(() => client.stepOutRequest({ threadId: 2, singleThread: true }));
    expect((await names())[0]).not.toMatch(/int3/);
    expect(run.core(1).rip).not.toBe(0n);
    await expect(client.stepOutRequest({ threadId: 1 })).rejects.toThrow(/nothing called what CPU0 executes/);
  });

  test('exception filters stop behind the exception, both ways', async () => {
    const { client, run } = await onRace();
    await client.setExceptionBreakpointsRequest({ filters: ['#BP'] });
    const forward = await client.stops(() => client.continueRequest({ threadId: 1 }));
    expect(forward).toMatchObject({ reason: 'exception', threadId: 2, text: '#BP' });
    expect((await client.frames(2))[0]!.name).toBe('asm_exc_int3');
    expect((await client.exceptionInfoRequest({ threadId: 2 })).body).toMatchObject({ exceptionId: '#BP' });
    const there = run.place;
    await client.stops(() => client.continueRequest({ threadId: 1 }));
    const back = await client.stops(() => client.reverseContinueRequest({ threadId: 1 }));
    expect(back).toMatchObject({ reason: 'exception', text: '#BP' });
    // Backwards it is undone.
    expect((await client.frames(2))[0]!.name).toBe('ftrace_call');
    expect(run.place).not.toBe(there);
    const { body } = await client.setExceptionBreakpointsRequest({ filters: ['#XX'] });
    expect(body!.breakpoints![0]).toMatchObject({ verified: false, message: expect.stringMatching(/no filter '#XX'/) });
  });

  test('goto targets are the steps that begin in a line', async () => {
    const { client, run } = await onRace();
    await client.stops(() => client.says('goto @18'));
    const [frame] = await client.frames(2);
    const { targets } = (await client.gotoTargetsRequest({ source: frame!.source!, line: frame!.line })).body;
    expect(targets.map((t) => t.label)).toContain('@18 CPU1 ftrace_call');
    await client.stops(() => client.says('goto @0'));
    const stopped = await client.stops(() =>
      client.gotoRequest({ threadId: 2, targetId: targets.find((t) => t.label.startsWith('@18 '))!.id }),
    );
    expect(stopped).toMatchObject({ reason: 'goto', threadId: 2 });
    expect(run.place).toBe('@18');
  });
});

describe('the debug console', () => {
  let client: TestClient;
  let run: Run;
  beforeAll(async () => {
    ({ client, run } = await onRace());
  });

  test('pos, goto and the step at hand', async () => {
    expect(await client.says('pos')).toBe('@0 of @0 to @24');
    expect((await client.stops(() => client.says('goto @18'))).reason).toBe('goto');
    expect(await client.says('step')).toMatch(/^@18 +CPU1 +step +ftrace_call[\s\S]*#BP pushed rip ftrace_call\+1/);
    expect(await client.says('@20')).toMatch(/memory ftrace_call\[0\] = e8/);
    await client.stops(() => client.says('monitor goto @18+2'));
    expect(run.place).toBe('@18+2');
    await expect(client.says('choices')).rejects.toThrow(/lies inside a step.*goto @18 or goto @19/);
    await expect(client.says('goto @900')).rejects.toThrow(/the run has no @900/);
    await expect(client.says('goto nowhere')).rejects.toThrow(/is no position/);
  });

  test('who-wrote and who-fetched know stores, drains and versions', async () => {
    await client.stops(() => client.says('goto @20'));
    expect(await client.says('who-wrote ftrace_call')).toBe(
      [
        'ftrace_call = cc: CPU0 in patcher_stub @2, in memory since @3',
        'ftrace_call+1 and 3 more = ad e9 ff ff: CPU0 in patcher_stub @10, in memory since @11',
        'ftrace_call = e8: CPU0 in patcher_stub @19, WAITS in its store buffer',
      ].join('\n'),
    );
    expect(await client.says('who-fetched ftrace_call')).toBe('@18 CPU1 ftrace_call: cc (int3)');
    expect(await client.says('who-wrote bp_int3_addr')).toMatch(/nobody wrote it/);
  });

  test('choices and take: another run from here, with a token of its own', async () => {
    await client.stops(() => client.says('goto @18'));
    const choices = await client.says('choices');
    expect(choices).toMatch(/^\* 1 {2}CPU1 step: fetches ftrace_call: cc \(int3\)\n {2}2 {2}CPU0 step/);
    const token = await client.says('token');
    await expect(client.says('take 0')).rejects.toThrow(/take wants a choice from 1 to/);
    expect((await client.stops(() => client.says('take 2'))).text).toBe('@19');
    expect(await client.says('token')).not.toBe(token);
    await expect(client.says('take 99')).rejects.toThrow(/take wants a choice from 1 to/);
    await client.stops(() => client.says('restore'));
    expect(await client.says('token')).toBe(token);
  });

  test('next and previous go from event to event', async () => {
    const places: string[] = [];
    for (let n = 0; n < 3; n++) {
      await client.stops(() => client.says('next drain CPU0'));
      places.push(run.place);
    }
    expect(places).toEqual(['@1', '@3', '@5']);
    await client.stops(() => client.says('next exception'));
    expect(run.place).toBe('@18');
    await client.stops(() => client.says('previous ipi'));
    expect(run.place).toBe('@15');
    expect(await client.says('next shutdown').catch((e: Error) => e.message)).toMatch(/next wants one of exception/);
    expect(await client.says('previous violation')).toMatch(/no violation before/);
  });

  test('the diagram of the run', async () => {
    expect(await client.says('diagram')).toMatch(
      /^ +CPU0 \(patcher\) +CPU1 \(runs ftrace_call\)[\s\S]*~~> int3 at ftrace_call claimed by\s+nobody/,
    );
  });

  test('help names every verb, completions know verbs, registers and symbols', async () => {
    expect(await client.says('help')).toMatch(/^help[\s\S]*who-wrote EXPRESSION/);
    const labels = async (text: string): Promise<string[]> =>
      (await client.completionsRequest({ text, column: text.length + 1 })).body.targets.map((t) => t.label);
    expect(await labels('who-')).toEqual(['who-wrote', 'who-fetched']);
    expect(await labels('who-wrote modifying')).toEqual(['modifying_ftrace_code']);
    expect(await labels('$r1')).toEqual(['$r10', '$r11', '$r12', '$r13', '$r14', '$r15']);
  });
});
