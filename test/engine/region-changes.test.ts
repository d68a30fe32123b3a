import { expect, test } from 'vitest';
import { loadAssembler } from '../../src/image/assembler/index.ts';
import { Activity } from '../../src/isa/core-state.ts';
import { GuestMachine, LOAD_AT } from '../../tools/bench/guest-machine.ts';

const assembler = await loadAssembler();

interface Outcome {
  readonly states: string[];
  readonly regions: number;
  /** How often the machine had to look. */
  readonly entries: number;
}

/** What a program leaves behind in slices of an odd size, and how many regions it took. */
function run(source: string, engine: 'interpreter' | 'region', journal: boolean, slice = 997): Outcome {
  const { bytes } = assembler.assemble(source, { address: BigInt(LOAD_AT), file: 'changes.s' });
  const guest = new GuestMachine(bytes, { engine, journal });
  const core = guest.machine.cores[0]!;
  guest.start();
  let entries = 0;
  const enter = guest.machine.engine.run.bind(guest.machine.engine);
  guest.machine.engine.run = (...all) => {
    entries++;
    return enter(...all);
  };
  const states: string[] = [];
  while (core.activity === Activity.running) {
    guest.machine.runCore(core, slice);
    states.push([core.rip, core.rflags, guest.machine.left, ...Array.from({ length: 16 }, (_, n) => core.gpr(n))].join());
  }
  states.push(Buffer.from(guest.machine.peek(LOAD_AT, 0x8000)).toString('base64'));
  const regions = guest.machine.engine.regionsCompiled;
  Reflect.deleteProperty(guest.machine.engine, 'run');
  guest.machine.release();
  return { states, regions, entries };
}

/** A loop in which `change` is done each 16 rounds to what is at `patched`. */
const loop = (patched: string, change: string): string => `
  mov $40000, %r15d
again:
  test $15, %r15d
  jnz 1f
  ${change}
1: add %r15, %rsi
patched: ${patched}
  lea 3(%rax,%rdx), %rdx
target: xor %rdx, %rax
  mov %rax, data(%rip)
  dec %r15d
  jnz again
  hlt
.balign 4096
data: .fill 64, 1, 0
`;

const PROGRAMS = {
  'an immediate that changes': loop('add $5, %eax', 'mov %r15b, patched+2(%rip)'),
  'a jump that becomes a comparison and a jump again': loop('jmp target', 'xorb $0xd7, patched(%rip)'),
  'an instruction that regions do not take in the place of one that they do': loop('xor %ecx, %ebx', 'xorw $0x693e, patched(%rip)'),
  'an instruction that grows into the next one': loop('add $5, %al\n  nop\n  nop\n  nop', 'xorb $1, patched(%rip)'),
  'registers that change': loop('mov %ecx, %ebx', 'xorw $0x1200, patched(%rip)'),
  'stores that begin in front of code and reach into it': loop(
    'add $5, %eax',
    'mov patched(%rip), %r8\n  add $0x10000, %r8\n  mov %r8, patched(%rip)',
  ),
  'data in the quadword of code': `
  mov $40000, %r15d
again: add %r15, %rax
  incb data(%rip)
  movzbl data(%rip), %ecx
  add %rcx, %rax
  jmp 1f
data: .byte 0
1: dec %r15d
  jnz again
  hlt
`,
};

for (const [name, source] of Object.entries(PROGRAMS)) {
  test.each([true, false])(`${name} is the same in regions, which are not made again each time (journal %s)`, (journal) => {
    const region = run(source, 'region', journal);
    expect(region.states).toEqual(run(source, 'interpreter', journal).states);
    expect(region.regions).toBeGreaterThan(0);
    expect(region.regions).toBeLessThan(20);
  });
}

test('functions at the same offset of many pages do not take each other the entry', () => {
  const functions = Array.from({ length: 6 }, (_, n) => `.balign 4096\nf${n}: lea ${n}(%rax,%rax), %rax\n  ret\n`);
  const source = `
  mov $40000, %r15d
again: ${functions.map((_, n) => `call f${n}`).join('\n  ')}
  dec %r15d
  jnz again
  hlt
${functions.join('')}`;
  const region = run(source, 'region', false, 2_000_000);
  expect(region.states).toEqual(run(source, 'interpreter', false, 2_000_000).states);
  expect(region.regions).toBeLessThan(30);
  // From a region to that of another page nothing but WebAssembly runs: 480,000 times.
  expect(region.entries).toBeLessThan(2000);
});
