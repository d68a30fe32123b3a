import { describe, expect, test } from 'vitest';
import { RAX, RBX, RCX, RDX, RSP } from '../../src/isa/core-state.ts';
import { endText } from '../../src/kernel/bare-report.ts';
import { BARE_SLICE } from '../../src/kernel/bare-run.ts';
import { BASE, bareOf, IDT_DATA, ownIdt, runText } from './bare.ts';

const EXIT = 'out %al, $0xf4\n';
const ends = (run: ReturnType<typeof runText>): string[] => run.cores.map(({ end }) => endText(run.bare.image, end));

describe.each(['interpreter', 'reference'] as const)('under the %s', (engine) => {
  test('cores start with their number, their count and an aligned stack of their own', () => {
    const run = runText('mov %rsp, %rax\npush %rdi\nhlt', { cores: 3, engine });
    const { machine, layout } = run.bare;
    expect(machine.cores.map((c) => [c.gpr(7), c.gpr(6), c.gpr(RAX), c.gpr(RAX) & 15n])).toEqual(
      [0, 1, 2].map((n) => [BigInt(n), 3n, BigInt(layout.stackTop(n)), 0n]),
    );
    expect(machine.cores.map((c) => machine.readPhysical(Number(c.gpr(RSP)), 8))).toEqual([0n, 1n, 2n]);
    expect(ends(run)).toEqual(['halted', 'halted', 'halted']);
    expect(run.instructions).toBe(9);
  });

  test('an exit code, a halt and an exception, each by its core', () => {
    const run = runText(`cmp $1, %edi\nje 1f\nja 2f\nmov $7, %al\n${EXIT}1: hlt\n2: xor %ecx, %ecx\ndiv %ecx`, { cores: 3, engine });
    expect(ends(run)).toEqual(['exit 7', 'halted', '#DE at 0x40000e guest.s:8']);
    expect(run.cores.map((c) => c.instructions)).toEqual([5, 3, 5]);
  });

  test('turns are of a fixed length, and the run is the same each time', () => {
    const source =
      'cmp $0, %edi\nje 1f\n2: incq count(%rip)\njmp 2b\n1: mov count(%rip), %rax\nadd %rax, sum(%rip)\njmp 1b\n.balign 64\ncount: .quad 0\nsum: .quad 0';
    const once = () => {
      const run = runText(source, { cores: 2, engine }, { maxInstructions: 4 * BARE_SLICE + 100 });
      expect(run.cause).toBe('budget');
      expect(run.instructions).toBe(4 * BARE_SLICE + 100);
      const count = run.bare.image.symbol('count').address;
      return [
        run.cores.map((c) => c.instructions),
        run.bare.machine.readPhysical(Number(count), 8),
        run.bare.machine.readPhysical(Number(count) + 8, 8),
      ];
    };
    const first = once();
    expect(first[0]).toEqual([2 * BARE_SLICE + 100, 2 * BARE_SLICE]);
    expect(first[1]).toBe(BigInt((2 * BARE_SLICE - 2) / 2));
    expect(first[2]).toBeGreaterThan(0n);
    expect(once()).toEqual(first);
  });

  test('the vendor of the processor is the one that was asked for', () => {
    const first = (vendor?: string): bigint => {
      const { bare } = runText('xor %eax, %eax\ncpuid\nhlt', { engine, vendor });
      return bare.machine.cores[0]!.gpr(RBX);
    };
    expect([first(), first('GenuineIntel')]).toEqual([0x74786574n, 0x756e6547n]);
  });

  test('a store to code is what every core fetches next', () => {
    // Core 1 calls until the function, which core 0 rewrites in place, returns 2.
    const source = `cmp $0, %edi\njne 1f\nmov $100, %ecx\n2: dec %ecx\njnz 2b\nmovb $2, f+1(%rip)\nhlt
1: call f\ncmp $2, %eax\njne 1b\n${EXIT}\n.balign 64\nf: mov $1, %eax\nret`;
    expect(ends(runText(source, { cores: 2, engine }))).toEqual(['halted', 'exit 2']);
  });
});

describe('interrupts', () => {
  const x2apic = (register: number, value: string, destination = '0'): string =>
    `mov $0x${register.toString(16)}, %ecx\nmov $${value}, %eax\nmov $${destination}, %edx\nwrmsr\n`;

  test('an IPI wakes a core that waits with interrupts on', () => {
    const both = runText(
      `push %rdi\n${ownIdt('handler')}\npop %rdi\ncmp $0, %edi\nje sender\nsti\nhlt\nmov hits(%rip), %eax\n${EXIT}
sender: ${x2apic(0x830, '0x40', '1')}hlt
.balign 16\nhandler: incq hits(%rip)\n${x2apic(0x80b, '0')}iretq
.balign 8\nhits: .quad 0\n${IDT_DATA}`,
      { cores: 2 },
    );
    expect(ends(both)).toEqual(['halted', 'exit 1']);
  });

  test('what is pending is taken in the one instruction between STI and CLI', () => {
    const run = runText(
      `${ownIdt('handler')}\n${x2apic(0x830, '0x40', '0')}1: cli\nincl spins(%rip)\nsti\nnop\ncli\nmov hits(%rip), %eax\n${EXIT}
.balign 16\nhandler: incq hits(%rip)\niretq\n.balign 8\nhits: .quad 0\nspins: .long 0\n${IDT_DATA}`,
    );
    expect(ends(run)).toEqual(['exit 1']);
  });

  test('when all wait, virtual time goes to the timer', () => {
    const timer = (
      lvt: string,
    ): string => `${ownIdt('handler')}\n${x2apic(0x83e, '0xb')}${x2apic(0x832, lvt)}${x2apic(0x838, '5000000')}sti\nhlt\nrdtsc\nhlt
.balign 16\nhandler: iretq\n${IDT_DATA}`;
    const fired = runText(timer('0x50'));
    expect(ends(fired)).toEqual(['halted']);
    expect(fired.bare.machine.cores[0]!.gpr(RAX)).toBeGreaterThanOrEqual(5_000_000n);
    // Masked and periodic: it comes round for ever and wakes nobody.
    const masked = runText(timer('0x30050'));
    expect(ends(masked)).toEqual(['halted']);
    expect(masked.bare.machine.cores[0]!.gpr(RDX)).toBe(0n);
  });

  test('without a handler an interrupt is said, and INIT parks', () => {
    const run = runText(`cmp $0, %edi\nje 1f\nsti\n2: jmp 2b\n1: ${x2apic(0x830, '0x40', '1')}${x2apic(0x830, '0x4500', '2')}hlt`, {
      cores: 3,
    });
    expect(ends(run)).toEqual(['halted', 'interrupt 0x40 without a handler at 0x400006 guest.s:4', 'parked by INIT']);
  });
});

describe('traps', () => {
  test.each([
    ['ud2', '#UD at 0x400000 guest.s:1'],
    ['int3', '#BP at 0x400001'],
    ['mov $0x800000000000, %rax\nmov (%rax), %rax', '#GP at 0x40000a guest.s:2, error code 0x0'],
    ['mov 8, %rax', '#PF at 0x400000 guest.s:1, cr2 0x8 (read, page not present)'],
    ['mov $0x7fff0000, %eax\nmov %eax, (%rax)', '#PF at 0x400005 guest.s:2, cr2 0x7fff0000 (write, page not present)'],
    ['mov $0x5000, %eax\njmp *%rax', '#PF at 0x5000, cr2 0x5000 (instruction fetch, not permitted)'],
    ['mov $0xff, %al\nmov %rax, %cr8', '#GP at 0x400002 guest.s:2, error code 0x0'],
    ['vmcall', '#UD at 0x400000 guest.s:1: 0f 01 c1 (vmcall) needs VMX, which CPUID does not report'],
    [
      '.byte 0x62, 0xf1, 0x7c, 0x48, 0x58, 0xc0',
      '#UD at 0x400000 guest.s:1: 62 f1 7c 48 58 c0 (vaddps) needs AVX512F, which CPUID does not report',
    ],
    ['rdrand %eax', '#UD at 0x400000 guest.s:1: 0f c7 f0 (rdrand) needs RDRAND, which CPUID does not report'],
    ['ud2', '#UD at 0x400000 guest.s:1'],
    ['int $0x80', 'vector 0x80 at 0x400002'],
  ])('%s', (source, text) => {
    const run = runText(source);
    expect(ends(run)).toEqual([text]);
    expect(run.cause).toBe('ended');
  });

  test('a stack that runs over its end meets the guard page, and the exception is still reported', () => {
    const run = runText('1: push %rax\njmp 1b', {});
    const guard = run.bare.layout.guard(0);
    expect(ends(run)).toEqual([`#PF at 0x400000 guest.s:1, cr2 0x${(guard + 0xff8).toString(16)} (write, page not present)`]);
  });

  test('a triple fault', () => {
    expect(ends(runText(`lidt none(%rip)\nud2\nnone: .word 0\n.quad 0`))).toEqual([
      'triple fault at 0x400007 guest.s:2: fault 13 during the delivery of a double fault',
    ]);
  });

  test('handlers that fault for ever spend the budget', () => {
    // Every gate leads to a page that is not mapped, on a stack of its own: no instruction ever retires again.
    const source = `${ownIdt('handler').replace('lea handler(%rip), %rax', 'mov $0x7fff0000, %eax').replace('0x8e00', '0x8e01')}\nud2\n${IDT_DATA}`;
    const run = runText(source, {}, { maxInstructions: 20_000 });
    expect(run.cause).toBe('budget');
    expect(run.cores[0]!.end).toEqual({ kind: 'running', rip: 0x7fff0000n });
  });

  test('the stop callback ends a run', () => {
    let turns = 0;
    const run = runText('1: jmp 1b', {}, { stop: () => turns++ === 3, maxInstructions: 10_000_000 });
    expect(run.cause).toBe('stopped');
    expect(run.instructions).toBe(300_000);
  });

  test('a guest cannot leave its RAM', () => {
    // Page tables of its own that map linear 0 to the end of the physical address space.
    const source = `lea pml4(%rip), %rax\nlea pdpt(%rip), %rbx\nor $3, %rbx\nmov %rbx, (%rax)\nmov %rax, %cr3\nnop\n.balign 4096
pml4: .skip 4096\npdpt: .quad 0x8000000083\n.skip 4088`;
    expect(() => runText(source)).toThrow(/beyond RAM/);
    const read = `mov %cr3, %rax\nlea entry(%rip), %rbx\nmov (%rbx), %rbx\nmov (%rax), %rcx\nand $-4096, %rcx\nmov %rbx, 0x10(%rcx)\nmov $0x80000000, %ecx
mov (%rcx), %rax\nentry: .quad 0x8000000083`;
    expect(() => runText(read)).toThrow(/no memory at physical address 0x8000000000/);
  });
});

test('an instruction that is not there is named with its place', () => {
  // Its end plus its displacement does not fit the record.
  const far = '.byte 0x8b, 0x05, 0xff, 0xff, 0xff, 0x7f';
  expect(() => runText(`nop\nf: nop\n${far}`)).toThrow('unsupported instruction at f+0x1: 8b 05 ff ff ff 7f (mov with a RIP-relative');
  const bare = bareOf(far);
  expect(() => bare.machine.runCore(bare.machine.cores[0]!, 1)).toThrow(
    expect.objectContaining({ code: 'E_INSN', where: 'core 0 at 0x400000   guest.s:1' }),
  );
});

test('registers that a fault left are there to look at', () => {
  const run = runText('mov $1, %eax\nmov $2, %ebx\nmov $3, %ecx\nud2');
  const core = run.bare.machine.cores[0]!;
  expect([core.gpr(RAX), core.gpr(RBX), core.gpr(RCX)]).toEqual([1n, 2n, 3n]);
  expect(run.cores[0]!.end).toMatchObject({ kind: 'trapped', trap: { vector: 6, rip: BASE + 15n } });
});

test('code of more instructions than places are remembered runs as it stands', () => {
  // Zeros are `add %al, (%rax)`.
  const run = runText('mov $2, %ecx\n1: lea -64(%rsp), %rax\n.skip 140000, 0\ndec %ecx\njnz 1b\nhlt', {}, { maxInstructions: 200_000 });
  expect(ends(run)).toEqual(['halted']);
  expect(run.instructions).toBe(1 + 2 * 70_003 + 1);
});
