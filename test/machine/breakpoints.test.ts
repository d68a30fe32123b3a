import { describe, expect, test } from 'vitest';
import type { EngineName } from '../../src/machine/machine.ts';
import { guestImage, guestWorld } from './guest.ts';

/** Bits of DR7 for breakpoint 0: on, for writes or for reads and writes, of four bytes; for execution. */
const WRITE_4 = 0xd0002;
const READ_WRITE_4 = 0xf0002;
const EXECUTE = 0x2;

const SETUP = (address: string, dr7: number): string =>
  `P0:\nleaq ${address}(%rip), %rax\nmovq %rax, %dr0\nmovl $0x${dr7.toString(16)}, %eax\nmovq %rax, %dr7\nleaq watched(%rip), %rdi\n`;
const END = 'end:\nmovl $0, %eax\nmovq %rax, %dr7\njmp cpu_idle\n';
/** #DB: leaves DR6 in r15, and RF set, so that an instruction breakpoint does not come back. */
const HANDLER = 'db:\nmovq %dr6, %r15\nmovl $0xffff0ff0, %r14d\nmovq %r14, %dr6\norq $0x10000, 16(%rsp)\niretq\n';

/** Where #DBs came from (labels) and what DR6 said, of a program of one core. */
function debugExceptions(body: string, address: string, dr7: number, engine: EngineName): { at: string[]; dr6: number } {
  const image = guestImage(`${SETUP(address, dr7)}${body}${END}${HANDLER}`, { watched: 8, other: 8 });
  const world = guestWorld(image, 1, { memory: 'tso', fetch: 'coherent', engine });
  const at: string[] = [];
  world.lab.setGate(1, 'db', { type: 'interrupt' });
  world.checkers.push({
    name: 'where',
    onEvent(event) {
      if (event.kind === 'exception') at.push(`${event.vector} ${world.lab.image.describe(event.rip)}`);
    },
  });
  world.add({ core: 0, entry: 'P0' });
  world.begin();
  return { at, dr6: Number(world.machine.cores[0]!.gpr(15) & 0xe00fn) };
}

describe.each<EngineName>(['interpreter', 'reference'])('hardware breakpoints under the %s', (engine) => {
  test('a write to the watched bytes traps behind the instruction, a read does not', () => {
    const body = 'movl (%rdi), %ebx\nmovl $1, (%rdi)\nbehind:\nnop\n';
    expect(debugExceptions(body, 'watched', WRITE_4, engine)).toEqual({ at: ['1 behind'], dr6: 1 });
  });

  test('with R/W 3 a read does too, and a write once for each instruction', () => {
    const body = 'movl (%rdi), %ebx\na:\naddl $1, (%rdi)\nb:\nnop\n';
    expect(debugExceptions(body, 'watched', READ_WRITE_4, engine).at).toEqual(['1 a', '1 b']);
  });

  test('an access that overlaps the range by one byte counts, one beside it does not', () => {
    const body = 'movl $1, 4(%rdi)\nmovl $1, -4(%rdi)\nmovl $1, 3(%rdi)\na:\nmovq $1, -7(%rdi)\nb:\nmovb $1, -1(%rdi)\nnop\n';
    expect(debugExceptions(body, 'watched', WRITE_4, engine).at).toEqual(['1 a', '1 b']);
  });

  test('pushes and locked instructions are writes as well', () => {
    const body = 'lock incl (%rdi)\na:\nleaq -8(%rsp), %rax\nmovq %rax, %dr0\npushq %rcx\nb:\nnop\n';
    expect(debugExceptions(body, 'watched', WRITE_4, engine).at).toEqual(['1 a', '1 b']);
  });

  test('an instruction breakpoint comes before the instruction, and once where the handler sets RF', () => {
    const body = 'nop\nhere:\nmovl $1, %ebx\nnop\n';
    expect(debugExceptions(body, 'here', EXECUTE, engine)).toEqual({ at: ['1 here'], dr6: 1 });
  });

  test('a breakpoint that is not on does nothing', () => {
    expect(debugExceptions('movl $1, (%rdi)\nnop\n', 'watched', WRITE_4 & ~2, engine).at).toEqual([]);
  });

  test('MOV SS holds the trap back for one instruction', () => {
    const body = 'movw $0x18, (%rdi)\na:\nmovw (%rdi), %ss\nb:\nnop\nc:\nnop\n';
    expect(debugExceptions(body, 'watched', READ_WRITE_4, engine).at).toEqual(['1 a', '1 c']);
  });
});
