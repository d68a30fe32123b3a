import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BareTimeline } from '../../src/debug/timeline/bare-timeline.ts';
import { openCell } from '../../src/debug/timeline/session.ts';
import { hexOfText, packet } from '../../src/gdb/packet.ts';
import { SerialLog } from '../../src/gdb/serial.ts';
import { bareTarget, scheduleTarget } from '../../src/gdb/targets.ts';
import { BareMachine } from '../../src/kernel/bare.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner, smokeCell } from '../../src/scenario/matrix.ts';
import { variantOf } from '../../src/scenario/scenario.ts';
import { builtFixture } from '../../tools/built-fixture.ts';
import { bareOf } from '../kernel/bare.ts';
import { Driven } from './driven.ts';

const runner = new CellRunner(builtFixture);
const scenario = scenarioOf('F1');
const session = openCell(runner, scenario, variantOf(scenario, 'no-final-sync'), smokeCell(scenario)).session;
const READS: string[] = [];
const schedule = scheduleTarget(session, {
  path: '/a/file.elf',
  sent: true,
  bytes: () => {
    READS.push('file');
    return Uint8Array.of(1, 2, 3);
  },
});
const serial = new SerialLog();
const bare = bareOf('1: inc %rax; mov %rax, 8(%rsp); call 2f; jmp 1b; 2: ret', {
  cores: 2,
  journal: true,
  serial: (_core, byte, index) => serial.byte(byte, index),
});
expect(bare).toBeInstanceOf(BareMachine);
const image = bareTarget(new BareTimeline(bare), serial, undefined);

const hex = fc.integer({ min: 0, max: 0xffff }).map((n) => n.toString(16));
const address = fc.oneof(
  hex,
  fc.constantFrom(
    'ffffffff81002c8e',
    'ffffffff81012600',
    'ffffffffffffffff',
    '8000000000000000',
    '400000',
    'fffffffffffffffffff',
    '-1',
    '',
  ),
);
const thread = fc.constantFrom('p1.1', 'p1.2', 'p1.3', 'p1.-1', 'p1.0', 'p0.0', 'p-1.-1', 'p2.1', '0', '-1', '1', 'p1.99', 'p', 'x');
const verb = fc.constantFrom(
  ...['pos', 'goto', 'until', 'catch', 'next', 'prev', 'icache', 'fetched', 'who-wrote', 'token', 'choices', 'take', 'restore', 'help'],
);
const word = fc.oneof(
  fc.constantFrom(
    '0',
    '5',
    '@7+1',
    'end',
    'off',
    'ftrace_call',
    '0xffffffff81002c8e',
    '0x',
    'stale',
    'drain',
    'cpu1',
    '#BP',
    'all',
    '99999999',
    '-1',
  ),
  fc.string({ maxLength: 8 }),
);

/** Packets that a client might send, well formed or nearly so. */
const body = fc.oneof(
  fc.constantFrom(
    '?',
    'g',
    'qC',
    'bs',
    'bc',
    'vCont?',
    'qfThreadInfo',
    'qsThreadInfo',
    '!',
    'qAttached',
    'c',
    's',
    'vCont;c',
    'vMustReplyEmpty',
  ),
  fc
    .tuple(fc.constantFrom('m', 'M', 'X', 'z0,', 'Z0,', 'Z1,', 'z1,', 'Z2,', 'z2,', 'Z3,', 'Z4,', 'z4,', 'Z9,'), address, hex)
    .map(([p, a, n]) => `${p}${a},${n}`),
  fc.tuple(fc.constantFrom('p', 'P', 'H', 'Hg', 'Hc', 'T', 'qThreadExtraInfo,'), fc.oneof(hex, thread)).map(([p, v]) => p + v),
  fc
    .tuple(fc.constantFrom('s', 'c', 'S05', 'C05', 'r0,ffffffff', 't', 'r', ''), thread, fc.constantFrom('', ';c', ';c:p1.-1', ';'))
    .map(([a, t, more]) => `vCont;${a}:${t}${more}`),
  fc.tuple(verb, fc.array(word, { maxLength: 3 })).map(([v, words]) => `qRcmd,${hexOfText([v, ...words].join(' '))}`),
  fc
    .tuple(fc.constantFrom('features', 'threads', 'memory-map', 'exec-file', 'auxv', ''), fc.string({ maxLength: 10 }), hex, hex)
    .map(([o, a, f, n]) => `qXfer:${o}:read:${a}:${f},${n}`),
  fc
    .tuple(
      fc.constantFrom('open', 'pread', 'pwrite', 'close', 'fstat', 'unlink', 'readlink', 'setfs', ''),
      fc.array(fc.oneof(hex, fc.constantFrom('2f612f66696c652e656c66', '2f6574632f706173737764', '3')), { maxLength: 3 }),
    )
    .map(([v, args]) => `vFile:${v}:${args.join(',')}`),
  fc.string({ maxLength: 40 }),
);
/** Bytes: packets, broken ones, noise. */
const piece = fc.oneof(
  { weight: 12, arbitrary: body.map((text) => packet(text)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }) },
  { weight: 1, arbitrary: body.map((text) => packet(text).subarray(0, -1)) },
  { weight: 1, arbitrary: body.map((text) => Uint8Array.from([...packet(text)].map((b, n) => (n === 3 ? b ^ 1 : b)))) },
  { weight: 1, arbitrary: fc.constantFrom(Uint8Array.of(3), Uint8Array.of(0x2b), Uint8Array.of(0x2d), packet('QStartNoAckMode')) },
);

describe.each([
  ['a schedule', schedule],
  ['an image alone', image],
])('%s', (_, target) => {
  test('whatever a client sends, each packet gets its answer and the next client is served', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const driven = new Driven(target);
        for (const bytes of pieces) driven.give(bytes);
        driven.stop();
        driven.close();
        // The next one: two packets, two answers.
        const next = new Driven(target);
        next.give(Uint8Array.from([...packet('?'), ...packet('g')]));
        expect(next.packets).toHaveLength(2);
        expect(next.packets[0]).toMatch(/^T05thread:p1\.[1-3];$/);
        expect(next.packets[1]).toMatch(/^([0-9a-f]{2})+$/);
        next.close();
        expect([...driven.log, ...next.log].filter((line) => /internal|TypeError|RangeError|undefined/.test(line))).toEqual([]);
      }),
      { seed: 5, numRuns: 150 },
    );
  });

  test('a packet that is well formed has one answer', () => {
    fc.assert(
      fc.property(
        body.filter((text) => !/^([bcsCSDkQRv]|qRcmd)/.test(text)),
        (text) => {
          const driven = new Driven(target);
          driven.give(packet(text));
          expect(driven.packets).toHaveLength(1);
          driven.close();
        },
      ),
      { seed: 9, numRuns: 300 },
    );
  });
});

test('a packet that comes again before its answer was acknowledged is answered once, and again when the answer was lost', () => {
  const driven = new Driven(image);
  driven.give(Uint8Array.from([...packet('qC'), ...packet('qC')]));
  expect(driven.packets).toEqual(['QCp1.1']);
  driven.give(Uint8Array.of(0x2d));
  expect(driven.packets).toEqual(['QCp1.1', 'QCp1.1']);
  driven.give(Uint8Array.from([0x2b, ...packet('qC')]));
  expect(driven.packets).toHaveLength(3);
  driven.close();
});

test('no packet has read a file but the one', () => {
  expect(READS.every((read) => read === 'file')).toBe(true);
});
