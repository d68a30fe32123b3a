import { expect, test } from 'vitest';
import { Knowledge } from '../../src/explore/knowledge.ts';
import { litmusProgram } from '../../src/explore/litmus/program.ts';
import { runLitmus } from '../../src/explore/litmus/run.ts';
import { sharedVariables } from '../../src/explore/litmus/shared.ts';
import { parseLitmus } from '../../src/explore/litmus/syntax.ts';
import { loadAssembler } from '../../src/image/assembler/index.ts';
import { KERNEL_BASE } from '../../src/kernel/layout.ts';
import { lab } from '../fixtures/lab.ts';

const assembler = await loadAssembler();

/** Names of the variables that the text of a test says to be shared, with the number of a quadword in an array. */
function guessed(text: string): string[] {
  const parsed = parseLitmus(text, 'test.litmus');
  const program = litmusProgram(parsed, lab, assembler);
  const { visible } = sharedVariables(parsed, program).beyond(new Knowledge());
  return visible.map((quadword) => {
    const at = BigInt(quadword) + KERNEL_BASE;
    const v = program.variables.findLast(({ name }) => program.image.symbol(name).address <= at)!;
    return `${v.name}${Number(at - program.image.symbol(v.name).address) / 8}`;
  });
}

test.each([
  ['named by two', 'X86_64 t\n{}\nP0|P1;\nmovq $1,(x)|movq (x),%rax;\nmovq $1,(y)|;\nexists (x=1)', ['x0']],
  ['one has the address', 'X86_64 t\n{ 1:rbx=x; }\nP0|P1;\nmovq $1,(x)|movq (%rbx),%rax;\nexists (x=1)', ['x0']],
  ['a pointer that anybody may load', 'X86_64 t\n{ p=x; q=y; }\nP0|P1;\nmovq (p),%rax|movq $1,(z);\nexists (x=1)', ['x0', 'y0']],
  ['an array', 'X86_64 t\n{ int32_t a[4]={1,2,3,4}; }\nP0|P1;\nmovl $1,(a)|movl 4(a),%eax;\nexists (a=1)', ['a0', 'a1']],
])('%s', (_, text, shared) => {
  expect(guessed(text)).toEqual(shared);
});

test('what the text does not say is learned', () => {
  // P1 reaches y, which is in the line behind that of x.
  const text = (load: string): string =>
    `X86_64 t\n{ 1:rbx=x; }\nP0|P1;\nmovq $1,(y)|movq $1,(%rbx);\nmovq (x),%rax|${load};\nexists (0:rax=0 /\\ 1:rcx=0)`;
  expect(guessed(text('movq 64(%rbx),%rcx'))).toEqual(['x0']);
  const [hidden, plain] = ['movq 64(%rbx),%rcx', 'movq (y),%rcx'].map((load) =>
    runLitmus(parseLitmus(text(load), 'test.litmus'), lab, assembler),
  );
  expect(hidden).toMatchObject({ positive: 1, negative: 3, stopped: undefined });
  expect(hidden?.states).toEqual(plain?.states);
  expect(hidden?.counts).toEqual(plain?.counts);
});
