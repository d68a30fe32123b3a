import { describe, expect, test } from 'vitest';
import { BareTimeline } from '../../../src/debug/timeline/bare-timeline.ts';
import type { BareMachine } from '../../../src/kernel/bare.ts';
import { runBare } from '../../../src/kernel/bare-run.ts';
import { bareOf, ownIdt } from '../../kernel/bare.ts';

/** Two cores that count in shared memory, move strings, and take exceptions of their own; core 0 sends the other one an IPI and ends the run. */
const GUEST = `
  mov %edi, %r15d
  ${ownIdt('handler')}
  xor %r14d, %r14d
  mov $40, %r13d
  sti
again:
  lock incq counter(%rip)
  int3
  lea source(%rip), %rsi
  lea target(%rip), %rdi
  mov $37, %ecx
  rep movsb
  push %r13
  pop %rax
  cmp $20, %r13d
  jne 2f
  test %r15d, %r15d
  jnz 2f
  mov $0x830, %ecx
  mov $0xc4031, %eax
  xor %edx, %edx
  wrmsr
2:
  dec %r13d
  jnz again
  mov %r15d, %eax
  mov $0xf4, %edx
  out %eax, %dx
handler:
  add $1, %r14d
  push %rax
  push %rcx
  push %rdx
  mov $0x80b, %ecx
  xor %eax, %eax
  xor %edx, %edx
  wrmsr
  pop %rdx
  pop %rcx
  pop %rax
  iretq
.balign 8
counter: .quad 0
source: .fill 40, 1, 0x5a
target: .fill 40, 1, 0
idtr: .word 0xfff
.quad idt
.balign 16
idt: .fill 4096, 1, 0
`;

const guest = (journal = true): BareMachine => bareOf(GUEST, { cores: 2, journal });

/** Numbers that look like chance and are the same each time. */
function chance(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const registers = ({ machine }: BareMachine): string =>
  machine.cores.map((c) => `${c.rip} ${c.rflags} ${Array.from({ length: 16 }, (_, n) => c.gpr(n)).join(' ')}`).join('\n');

describe('a timeline of an image alone', () => {
  test('ends where the run by turns ends', () => {
    const plain = guest(false);
    const result = runBare(plain, { maxInstructions: 1_000_000 });
    expect(result.cores.map((c) => c.end.kind)).toEqual(['exited', 'exited']);
    const timeline = new BareTimeline(guest());
    expect(timeline.play(undefined)).toBe('end');
    expect(registers(timeline.bare)).toBe(registers(plain));
    expect(timeline.position.at).toBe(result.instructions);
    const watched = new BareTimeline(guest());
    watched.play(undefined, () => false);
    expect(registers(watched.bare)).toBe(registers(plain));
    expect(watched.machine.hash()).toBe(timeline.machine.hash());
  });

  test('each place is the same state however one comes to it', () => {
    const timeline = new BareTimeline(guest(), 700);
    const places: { readonly at: number; readonly inside: number; readonly state: string }[] = [];
    const state = (): string => `${timeline.machine.hash()} ${timeline.machine.ticks}\n${registers(timeline.bare)}`;
    const kinds = new Set<number | undefined>();
    timeline.play(undefined, ({ exception }) => {
      kinds.add(exception);
      places.push({ ...timeline.position, state: '' });
      return false;
    });
    expect([...kinds].sort()).toEqual([3, undefined]);
    const random = chance(3);
    const chosen = places.filter(() => random(25) === 0);
    const seen = new Map<string, string>();
    const forward = new BareTimeline(guest(), 700);
    for (const p of chosen) {
      forward.goto(p);
      seen.set(`${p.at}+${p.inside}`, `${forward.machine.hash()} ${forward.machine.ticks}\n${registers(forward.bare)}`);
    }
    expect(chosen.length).toBeGreaterThan(100);
    for (let n = 0; n < 300; n++) {
      const p = chosen[random(chosen.length)]!;
      timeline.goto(p);
      expect(state(), `@${p.at}+${p.inside}`).toBe(seen.get(`${p.at}+${p.inside}`));
    }
  });

  test('a position behind the end is an error that says where it is', () => {
    const timeline = new BareTimeline(guest());
    expect(() => timeline.goto({ at: 10_000_000, inside: 0 })).toThrow(/no @10000000/);
    timeline.goto({ at: 5, inside: 0 });
    expect(timeline.position).toEqual({ at: 5, inside: 0 });
  });
});
