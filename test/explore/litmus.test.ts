import { describe, expect, test } from 'vitest';
import { TextpokeError } from '../../src/error.ts';
import { litmusReport } from '../../src/explore/litmus/report.ts';
import { type LitmusOptions, runLitmus } from '../../src/explore/litmus/run.ts';
import { parseLitmus } from '../../src/explore/litmus/syntax.ts';
import { loadAssembler } from '../../src/image/assembler/index.ts';
import { lab } from '../fixtures/lab.ts';

const assembler = await loadAssembler();
const run = (text: string, options: LitmusOptions = {}) => runLitmus(parseLitmus(text, 'test.litmus'), lab, assembler, options);

const SB = `X86_64 SB
"a comment (* with another *) of herd"
(* a comment (* in a comment *) *)
{ x=0; uint64_t 1:rbx; }
 P0           | P1           ;
 movq $1,(x)  | movq $1,(y)  ;
 movq (y),%rax | movq (x),%rbx ;
exists (0:rax=0 /\\ 1:rbx=0)
`;

describe('a litmus test', () => {
  test('is reported as herd7 does', () => {
    expect(litmusReport(run(SB))).toBe(
      [
        'Test SB Allowed',
        'States 4',
        '0:rax=0; 1:rbx=0;',
        '0:rax=0; 1:rbx=1;',
        '0:rax=1; 1:rbx=0;',
        '0:rax=1; 1:rbx=1;',
        'Ok',
        'Witnesses',
        'Positive: 1 Negative: 3',
        'Condition exists (0:rax=0 /\\ 1:rbx=0)',
        'Observation SB Sometimes 1 3',
        '',
      ].join('\n'),
    );
  });

  test('knows both memory models', () => {
    expect(run(SB, { memory: 'sc' })).toMatchObject({ positive: 0, negative: 3, stopped: undefined });
  });

  test.each([
    ['~exists (x=1)', 'Forbidden', 'No'],
    ['forall (x=1)', 'Required', 'Ok'],
    ['forall (x=2 \\/ not (x=3) /\\ [x]=1)', 'Required', 'Ok'],
    ['exists (x=2 => false)', 'Allowed', 'Ok'],
    ['exists (x <> 1)', 'Allowed', 'No'],
  ])('%s', (question, kind, answer) => {
    const report = litmusReport(run(`X86_64 one\n{}\nP0;\nmovl $1,(x);\n${question}\n`)).split('\n');
    expect([report[0], report.includes(answer)]).toEqual([`Test one ${kind}`, true]);
  });

  test('has addresses, arrays, types and labels, which each thread has for itself', () => {
    const text = `X86_64 many
{ int64_t t[2]={1,-1}; 0:rax=t; 0:rbx=1; 1:rdx=y; int8_t b=-3; }
P0                       | P1               ;
movq 0(%rax,%rbx,8),%rcx | L0: cmpq $1,(y)  ;
movq $1,(y)              | jne L0           ;
L0:                      | movb (%rdx),%sil ;
forall (0:rcx=-1 /\\ b=-3 /\\ t[1]=-1 /\\ 1:rsi=1)
`;
    // P1 spins for as long as it takes: every order ends, none is cut off.
    expect(run(text)).toMatchObject({ negative: 0, positive: 1, stopped: undefined });
  });

  test.each([
    ['NOP', 1],
    ['MFENCE', 0],
  ])('of 32 bits writes the destination first: R with %s', (fence, positive) => {
    const text = `X86 R
{}
P0         | P1          ;
MOV [x],$1 | MOV [y],$2  ;
MOV [y],$1 | ${fence}    ;
           | MOV EAX,[x] ;
exists (y=2 /\\ 1:EAX=0)
`;
    expect(run(text)).toMatchObject({ positive });
  });

  test('counts only states of the search that knew from its start what is shared', () => {
    const text = `X86_64 W+RR+WW+RR
{ uint64_t x; uint64_t y; }
P0          | P1            | P2          | P3            ;
movq $1,(x) | movq (x),%rax | movq $2,(x) | movq (y),%rax ;
            | movq (x),%rbx | movq $1,(y) | movq (x),%rbx ;
exists (x=2 /\\ 3:rax=1 /\\ 3:rbx=1)
`;
    // Who has seen y sees x=2, unless P0 wrote over it.
    expect(run(text)).toMatchObject({ positive: 0, stopped: undefined });
  });

  test('counts the states that its filter leaves', () => {
    expect(run(SB.replace('exists', 'filter (1:rbx=1)\nexists')).states).toEqual([
      [0n, 1n],
      [1n, 1n],
    ]);
  });
});

test.each([
  ['AArch64 A\n{}\nP0;\nNOP;\n', 'for AArch64'],
  ['X86_64 A\nP0;\nNOP;\n', 'no litmus test'],
  ['X86_64 A\n{ x=0;\nP0;\n', 'no end'],
  ['X86_64 A\n{ 3=x; }\nP0;\nNOP;\n', "what is '3=x'"],
  ['X86_64 A\n{}\nQ0;\nNOP;\n', 'no threads'],
  ['X86_64 A\n{}\nP0;\nNOP;\nexists (x=1', "')' is missing"],
  ['X86_64 A\n{}\nP0;\nNOP;\nexists (7=1)', 'missing'],
  ['X86_64 A\n{}\nP0;\nnosuch %rax;\n', 'nosuch'],
  ['X86_64 A\n{}\nP0;\nNOP;\nexists (0:rip=0)', 'rip is no data register'],
  ['X86_64 A\n{}\nP0;\nNOP;\nexists (4:rax=0)', 'no thread 4'],
  ['X86_64 A\n{}\nP0;\nNOP;\nexists (z=0)', 'no location z'],
  ['X86_64 A\n{}\nP0;\nud2;\nexists (0:rax=0)', 'cannot end'],
])('%j is refused with what is wrong', (text, what) => {
  expect.assertions(2);
  try {
    run(text);
  } catch (error) {
    expect(error).toBeInstanceOf(TextpokeError);
    expect((error as TextpokeError).message).toContain(what);
  }
});
