import { loadAssembler } from '../../src/image/assembler/index.ts';
import { GuestMachine, LOAD_AT } from './guest-machine.ts';
import { cpuSeconds, median, type Row } from './measure.ts';

const ROUNDS = 200_000;
const FAR = 0x4000;

/** A loop of plain stores and loads. `at` is where its data lies: beside the code, or on a page of its own. */
const beside = (at: string): string => `
  mov $${ROUNDS}, %ecx
  lea ${at}, %rbx
1: add %rcx, (%rbx)
  mov (%rbx), %rax
  lea 7(%rax,%rcx), %rdx
  mov %rdx, 8(%rbx)
  imul %rdx, %rax
  xor %rax, %rdx
  mov %rdx, 16(%rbx)
  add $1, %rax
  dec %ecx
  jnz 1b
  hlt
.balign 256
data: .fill 64, 1, 0
`;

/** A loop that changes the immediate of one of its own instructions every so many rounds; with 0 it stores elsewhere as often. */
const selfModifying = (every: number): string => `
  mov $${ROUNDS}, %ecx
  xor %eax, %eax
  lea ${FAR}+start(%rip), %rbx
start:
1: test $${every - 1}, %ecx
  jnz 2f
  mov %cl, patched+2(%rip)
2:
patched: add $5, %eax
  lea 3(%rax,%rax), %rdx
  xor %rdx, %rax
  mov %rax, (%rbx)
  dec %ecx
  jnz 1b
  hlt
`;

const assembler = await loadAssembler();

function secondsOf(source: string, engine: 'interpreter' | 'region', rounds: number): number {
  const { bytes } = assembler.assemble(source, { address: BigInt(LOAD_AT), file: 'cliff.s' });
  const guest = new GuestMachine(bytes, { engine });
  guest.run();
  return median(Array.from({ length: rounds }, () => cpuSeconds(() => guest.run()).seconds));
}

/** Code beside data, and code that changes itself, against the same work without: other translators fall off a cliff there. */
export function cliffRows(rounds: number): Row[] {
  return (['interpreter', 'region'] as const).flatMap((engine) => {
    const plain = secondsOf(beside(`${FAR}+data(%rip)`), engine, rounds);
    const same = secondsOf(beside('data(%rip)'), engine, rounds);
    const still = secondsOf(selfModifying(1 << 30), engine, rounds);
    const changing = secondsOf(selfModifying(1024), engine, rounds);
    const row = (name: string, without: number, seconds: number): Row => ({
      group: 'cliff',
      name: `${engine}: ${name}`,
      values: { 'ms without': without * 1e3, ms: seconds * 1e3, times: seconds / without },
      goal: { value: 'times', atMost: 3 },
    });
    return [row('data on the page of the code', plain, same), row('a store into the loop each 1024 rounds', still, changing)];
  });
}
