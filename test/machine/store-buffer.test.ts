import { describe, expect, test } from 'vitest';
import type { World } from '../../src/explore/world.ts';
import { finalStates, guestImage } from './guest.ts';

/** What a thread leaves in its registers: read into these two, in this order. */
const REGISTERS = { a: 8, b: 9 } as const;
type Register = keyof typeof REGISTERS;

/** `[thread, register]` or the name of a variable. */
type Location = readonly [number, Register] | string;

interface Litmus {
  readonly name: string;
  readonly threads: readonly (readonly string[])[];
  readonly look: readonly Location[];
  readonly tso: readonly string[];
  readonly sc: readonly string[];
}

const W = (variable: string, value = 1): string => `movq $${value}, ${variable}(%rip)`;
const R = (register: Register, variable: string): string => `movq ${variable}(%rip), %r${REGISTERS[register]}`;
const X = (variable: string, value = 1): string => `movl $${value}, %eax\nxchgq %rax, ${variable}(%rip)`;

/** Sets by hand from the x86-TSO model: P. Sewell et al., "x86-TSO: A Rigorous and Usable Programmer's Model", CACM 2010. */
const TESTS: readonly Litmus[] = [
  {
    name: 'SB',
    threads: [
      [W('x'), R('a', 'y')],
      [W('y'), R('a', 'x')],
    ],
    look: [
      [0, 'a'],
      [1, 'a'],
    ],
    tso: ['0 0', '0 1', '1 0', '1 1'],
    sc: ['0 1', '1 0', '1 1'],
  },
  {
    name: 'SB+mfences',
    threads: [
      [W('x'), 'mfence', R('a', 'y')],
      [W('y'), 'mfence', R('a', 'x')],
    ],
    look: [
      [0, 'a'],
      [1, 'a'],
    ],
    tso: ['0 1', '1 0', '1 1'],
    sc: ['0 1', '1 0', '1 1'],
  },
  {
    name: 'SB+mfence+po',
    threads: [
      [W('x'), 'mfence', R('a', 'y')],
      [W('y'), R('a', 'x')],
    ],
    look: [
      [0, 'a'],
      [1, 'a'],
    ],
    tso: ['0 0', '0 1', '1 0', '1 1'],
    sc: ['0 1', '1 0', '1 1'],
  },
  {
    name: 'SB+lfences',
    threads: [
      [W('x'), 'lfence', R('a', 'y')],
      [W('y'), 'lfence', R('a', 'x')],
    ],
    look: [
      [0, 'a'],
      [1, 'a'],
    ],
    tso: ['0 0', '0 1', '1 0', '1 1'],
    sc: ['0 1', '1 0', '1 1'],
  },
  {
    name: 'SB+locked',
    threads: [
      [X('x'), R('a', 'y')],
      [X('y'), R('a', 'x')],
    ],
    look: [
      [0, 'a'],
      [1, 'a'],
    ],
    tso: ['0 1', '1 0', '1 1'],
    sc: ['0 1', '1 0', '1 1'],
  },
  {
    name: 'SB+failed cmpxchg',
    look: [
      [0, 'a'],
      [1, 'a'],
    ],
    threads: [
      [W('x'), 'movl $9, %eax\nlock cmpxchgq %rcx, z(%rip)', R('a', 'y')],
      [W('y'), 'movl $9, %eax\nlock cmpxchgq %rcx, z(%rip)', R('a', 'x')],
    ],
    tso: ['0 1', '1 0', '1 1'],
    sc: ['0 1', '1 0', '1 1'],
  },
  {
    name: 'SB+cpuid',
    threads: [
      [W('x'), 'xorl %eax, %eax\nxorl %ecx, %ecx\ncpuid', R('a', 'y')],
      [W('y'), 'xorl %eax, %eax\nxorl %ecx, %ecx\ncpuid', R('a', 'x')],
    ],
    look: [
      [0, 'a'],
      [1, 'a'],
    ],
    tso: ['0 1', '1 0', '1 1'],
    sc: ['0 1', '1 0', '1 1'],
  },
  {
    name: 'SB+forwarding',
    threads: [
      [W('x'), R('a', 'x'), R('b', 'y')],
      [W('y'), R('a', 'y'), R('b', 'x')],
    ],
    look: [
      [0, 'a'],
      [0, 'b'],
      [1, 'a'],
      [1, 'b'],
    ],
    tso: ['1 0 1 0', '1 0 1 1', '1 1 1 0', '1 1 1 1'],
    sc: ['1 0 1 1', '1 1 1 0', '1 1 1 1'],
  },
  {
    name: 'MP',
    threads: [
      [W('x'), W('y')],
      [R('a', 'y'), R('b', 'x')],
    ],
    look: [
      [1, 'a'],
      [1, 'b'],
    ],
    tso: ['0 0', '0 1', '1 1'],
    sc: ['0 0', '0 1', '1 1'],
  },
  {
    name: 'LB',
    threads: [
      [R('a', 'x'), W('y')],
      [R('a', 'y'), W('x')],
    ],
    look: [
      [0, 'a'],
      [1, 'a'],
    ],
    tso: ['0 0', '0 1', '1 0'],
    sc: ['0 0', '0 1', '1 0'],
  },
  {
    name: 'R',
    threads: [
      [W('x'), W('y')],
      [W('y', 2), R('a', 'x')],
    ],
    look: ['y', [1, 'a']],
    tso: ['1 0', '1 1', '2 0', '2 1'],
    sc: ['1 0', '1 1', '2 1'],
  },
  {
    name: 'S',
    threads: [
      [W('x', 2), W('y')],
      [R('a', 'y'), W('x')],
    ],
    look: ['x', [1, 'a']],
    tso: ['1 0', '1 1', '2 0'],
    sc: ['1 0', '1 1', '2 0'],
  },
  {
    name: '2+2W',
    threads: [
      [W('x'), W('y', 2)],
      [W('y'), W('x', 2)],
    ],
    look: ['x', 'y'],
    tso: ['1 2', '2 1', '2 2'],
    sc: ['1 2', '2 1', '2 2'],
  },
  {
    name: 'IRIW',
    threads: [[W('x')], [W('y')], [R('a', 'x'), R('b', 'y')], [R('a', 'y'), R('b', 'x')]],
    look: [
      [2, 'a'],
      [2, 'b'],
      [3, 'a'],
      [3, 'b'],
    ],
    tso: allBut('1 0 1 0'),
    sc: allBut('1 0 1 0'),
  },
  {
    name: 'SB with a load of the own store: behind MFENCE too the store may drain, and another one follow, before the load',
    threads: [
      ['movl $1, x(%rip)', 'mfence', 'movl $1, y(%rip)', R('a', 'y')],
      ['movl $2, y(%rip)', 'mfence', 'movl $2, x(%rip)', R('a', 'x')],
    ],
    look: [
      [0, 'a'],
      [1, 'a'],
    ],
    // '2 1' would need each store behind the other one.
    tso: ['1 1', '1 2', '2 2'],
    sc: ['1 1', '1 2', '2 2'],
  },
  {
    name: 'partial forwarding: a byte of the own buffer over memory',
    threads: [['movb $0x11, x(%rip)', R('a', 'x')], ['movq $0x2222, x(%rip)']],
    look: [[0, 'a'], 'x'],
    // 0x11 over 0x0000 or over 0x2222; a mixed read is final unless the byte was still in the buffer.
    tso: ['17 8721', '17 8738', '8721 8721', '8738 8738'],
    sc: ['17 8738', '8721 8721', '8738 8738'],
  },
];

/** All outcomes of two readers of two variables but one. */
function allBut(never: string): string[] {
  return Array.from({ length: 16 }, (_, n) => [n & 8, n & 4, n & 2, n & 1].map((b) => (b === 0 ? 0 : 1)).join(' ')).filter(
    (s) => s !== never,
  );
}

const program = (threads: Litmus['threads']): string => threads.map((lines, n) => `P${n}:\n${lines.join('\n')}\njmp cpu_idle\n`).join('');

function look(world: World, locations: readonly Location[]): string {
  return locations
    .map((l) => (typeof l === 'string' ? world.lab.readLong(0, world.lab.symbol(l)) : world.machine.cores[l[0]]!.gpr(REGISTERS[l[1]])))
    .join(' ');
}

const VARIABLES = { x: 0, y: 0, z: 0 } as const;

describe('the store buffer gives exactly the final states of x86-TSO, and those of SC without it', () => {
  test.each(TESTS)('$name', ({ threads, look: locations, tso, sc }) => {
    const image = guestImage(program(threads), VARIABLES);
    const run = (memory: 'sc' | 'tso'): string[] =>
      finalStates(
        image,
        threads.map((_, n) => `P${n}`),
        { memory, fetch: 'coherent' },
        (w) => look(w, locations),
      );
    expect(run('tso')).toEqual(tso);
    expect(run('sc')).toEqual(sc);
  });

  test('a store over two cache lines reaches memory in halves, in either order', () => {
    // The low half of x is on one line, the high half on the next.
    const image = guestImage('P0:\nmovq $-1, x(%rip)\njmp cpu_idle\nP1:\nmovq x(%rip), %r8\nmovq x(%rip), %r9\njmp cpu_idle\n', { x: 60 });
    const states = finalStates(image, ['P0', 'P1'], { memory: 'tso', fetch: 'coherent' }, (w) => {
      const core = w.machine.cores[1]!;
      return `${core.gpr(8).toString(16)} ${core.gpr(9).toString(16)}`;
    });
    const [none, low, high, all] = ['0', 'ffffffff', 'ffffffff00000000', 'ffffffffffffffff'];
    const orders = [
      [none, low, all],
      [none, high, all],
      [none, all],
    ];
    const expected = orders.flatMap((order) => order.flatMap((first, i) => order.slice(i).map((second) => `${first} ${second}`)));
    expect(states).toEqual([...new Set(expected)].sort());
  });
});
