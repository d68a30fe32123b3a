import { expect, test } from 'vitest';
import { BareTimeline } from '../../src/debug/timeline/bare-timeline.ts';
import { SerialLog } from '../../src/gdb/serial.ts';
import { bareOf } from '../kernel/bare.ts';

const GUEST = `
  lea text(%rip), %rsi
  mov $3, %ecx
  mov $0x3f8, %edx
  rep outsb
  mov $33, %al
  out %al, %dx
  mov $0xf4, %edx
  out %eax, %dx
text: .ascii "abc"
`;

test('what a guest writes is told once, wherever the run goes', () => {
  const log = new SerialLog();
  const timeline = new BareTimeline(bareOf(GUEST, { journal: true, serial: (_, byte, index) => log.byte(byte, index) }));
  let told = '';
  for (const at of [4, 0, 4, 3, 5, 6, 2, 6]) {
    timeline.goto({ at, inside: 0 });
    told += log.take();
  }
  timeline.play(undefined);
  told += log.take();
  timeline.goto({ at: 2, inside: 0 });
  timeline.play(undefined);
  told += log.take();
  expect(told).toBe('abc!');
  expect(timeline.bare.serialBytes).toBe(4);
  timeline.goto({ at: 0, inside: 0 });
  expect(timeline.bare.serialBytes).toBe(0);
});
