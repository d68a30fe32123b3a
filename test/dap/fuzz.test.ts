import { describe, expect, test } from 'vitest';
import { TestClient } from './client.ts';

/** A small generator of numbers, the same each time. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const COMMANDS = [
  'threads',
  'stackTrace',
  'scopes',
  'variables',
  'disassemble',
  'readMemory',
  'evaluate',
  'completions',
  'setBreakpoints',
  'setFunctionBreakpoints',
  'setInstructionBreakpoints',
  'setDataBreakpoints',
  'dataBreakpointInfo',
  'setExceptionBreakpoints',
  'breakpointLocations',
  'gotoTargets',
  'goto',
  'exceptionInfo',
  'source',
  'loadedSources',
  'cancel',
  'attach',
  'constructor',
  '__proto__',
  'toString',
  '',
];
const NAMES = [
  'threadId',
  'frameId',
  'variablesReference',
  'memoryReference',
  'offset',
  'count',
  'instructionCount',
  'instructionOffset',
  'expression',
  'context',
  'breakpoints',
  'source',
  'name',
  'dataId',
  'filters',
  'line',
  'targetId',
  'text',
  'column',
  'instructionReference',
  'progressId',
  'path',
  '__proto__',
];
const WORDS = [
  '1',
  '$rip',
  '*0',
  'ftrace_call',
  'goto @3',
  'take 1',
  'next drain',
  'who-wrote 0',
  '@1',
  '((',
  '0x',
  'a[1',
  '\u0000',
  '💥',
  'help',
  '%',
  '-1',
  'step @',
  'views',
];

function anything(next: (below: number) => number, depth = 0): unknown {
  switch (next(depth > 2 ? 5 : 8)) {
    case 0:
      return next(5) - 2;
    case 1:
      return [1e308, -1, 0.5, 2 ** 53, 1001, 2000][next(6)];
    case 2:
      return WORDS[next(WORDS.length)];
    case 3:
      return [null, true, false][next(3)];
    case 4:
      return '';
    case 5:
      return Array.from({ length: next(3) }, () => anything(next, depth + 1));
    default:
      return Object.fromEntries(Array.from({ length: next(5) }, () => [NAMES[next(NAMES.length)], anything(next, depth + 1)]));
  }
}

describe('whatever a client sends', () => {
  test('bytes that are no message are passed over', async () => {
    const client = new TestClient();
    const send = (body: string): boolean => client.wire.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    for (const body of [
      'null',
      '[]',
      '7',
      '"x"',
      '{',
      '{"type":"request"}',
      '{"type":"response","request_seq":1}',
      '{"type":"event"}',
      '\u0000',
    ])
      send(body);
    client.wire.write('Content-Length: nothing\r\n\r\n');
    client.wire.write('Content-Length: -3\r\n\r\n');
    client.wire.write('X: y\r\n\r\n');
    client.wire.write('\r\n\r\n\r\n\r\n');
    send('{"type":"request","seq":"one","command":7,"arguments":3}');
    send('{"type":"request","seq":900,"command":"__proto__","arguments":{"__proto__":1}}');
    expect((await client.initializeRequest()).success).toBe(true);
  });

  test('requests with arguments of every kind are answered, each once, and the run still works behind them', async () => {
    const client = new TestClient();
    await client.begin({ scenario: 'F1', variant: 'no-final-sync', cores: 2, stopOnEntry: true });
    const next = numbers(1);
    let [fine, refused] = [0, 0];
    for (let n = 0; n < 1500; n++) {
      const command = COMMANDS[next(COMMANDS.length)]!;
      const base =
        next(2) === 0
          ? {
              threadId: 1,
              frameId: 2000,
              memoryReference: 'ftrace_call',
              instructionCount: 3,
              count: 4,
              expression: WORDS[next(WORDS.length)],
              context: 'repl',
              line: 3,
            }
          : {};
      const more = anything(next);
      const args = typeof more === 'object' && !Array.isArray(more) ? { ...base, ...more } : next(3) === 0 ? more : base;
      await client.customRequest(command, args).then(
        () => fine++,
        (error: Error) => {
          refused++;
          expect(error.message).not.toMatch(/defect of textpoke/);
          expect(error.message).not.toBe('');
        },
      );
    }
    expect(fine).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(100);
    await client.setFunctionBreakpointsRequest({ breakpoints: [] });
    await client.customRequest('setInstructionBreakpoints', { breakpoints: [] });
    await client.setDataBreakpointsRequest({ breakpoints: [] });
    await client.setExceptionBreakpointsRequest({ filters: ['violation'] });
    await client.stops(() => client.says('restore'));
    expect((await client.stops(() => client.continueRequest({ threadId: 1 }))).reason).toBe('exception');
  });

  test('however one moves, the run that was opened comes back the same', async () => {
    const client = new TestClient();
    await client.begin({ scenario: 'F1', variant: 'no-final-sync', cores: 2 });
    const { run } = client.adapter;
    const end = run!.timeline.machine.hash();
    const token = await client.says('token');
    await client.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'ftrace_call' }, { name: 'exc_int3' }] });
    const next = numbers(7);
    for (let n = 0; n < 150; n++) {
      const threadId = 1 + next(2);
      const singleThread = next(4) === 0;
      const granularity = next(2) === 0 ? 'instruction' : 'line';
      const moves: (() => Promise<unknown>)[] = [
        () => client.stepInRequest({ threadId, granularity, singleThread }),
        () => client.nextRequest({ threadId, granularity, singleThread }),
        () => client.stepBackRequest({ threadId, granularity }),
        () => client.continueRequest({ threadId, singleThread }),
        () => client.reverseContinueRequest({ threadId }),
        () => client.says(`goto @${next(run!.timeline.end.at + 1)}`),
        () => client.says(`take ${1 + next(2)}`),
      ];
      const move = moves[next(moves.length)]!;
      const stopped = client.waitForEvent('stopped');
      // `take` is refused inside a step and behind the end.
      const done = await move().then(
        () => true,
        () => false,
      );
      if (done) await stopped;
      else stopped.catch(() => {});
      expect(client.output('stderr')).toBe('');
    }
    await client.setFunctionBreakpointsRequest({ breakpoints: [] });
    await client.stops(() => client.says('restore'));
    expect(await client.says('token')).toBe(token);
    await client.stops(() => client.continueRequest({ threadId: 1 }));
    expect(run!.timeline.machine.hash()).toBe(end);
  });
});
