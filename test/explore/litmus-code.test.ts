import { describe, expect, test } from 'vitest';
import { TextpokeError } from '../../src/error.ts';
import { runPolicies } from '../../src/explore/litmus/policies.ts';
import { comparisonReport, litmusReport } from '../../src/explore/litmus/report.ts';
import { type LitmusOptions, runLitmus } from '../../src/explore/litmus/run.ts';
import { parseLitmus, usesCode } from '../../src/explore/litmus/syntax.ts';
import { loadAssembler } from '../../src/image/assembler/index.ts';
import { lab } from '../fixtures/lab.ts';

const assembler = await loadAssembler();
const parse = (text: string) => parseLitmus(text, 'test.litmus');
const run = (text: string, options: LitmusOptions = {}) => runLitmus(parse(text), lab, assembler, options);

const MP = `X86_64 MP
{ 0:rdi=alias(P1:S); 0:rax=instr:"movl $2, %ebx"; uint64_t flag; uint64_t 1:r8; uint32_t 1:rbx; }
P0                | P1               ;
movq %rax, (%rdi) | movq (flag), %r8 ;
movq $1, (flag)   | .p2align 6, 0x90 ;
                  | S: movl $1, %ebx ;
                  | .skip 3, 0x90    ;
exists (1:r8=1 /\\ 1:rbx=1)
`;

describe('a litmus test that writes code', () => {
  test('runs under one policy as herd7 reports it, with the flag of a code race', () => {
    expect(usesCode(parse(MP))).toBe(true);
    const report = litmusReport(run(MP, { fetch: 'intel-sdm' })).split('\n');
    expect(report).toContain('Flag code-race');
    expect(report).toContain('Observation MP Sometimes 1 3');
    expect(litmusReport(run(MP, { fetch: 'amd-apm' }))).not.toContain('Flag');
  });

  test('is compared under all of them', () => {
    expect(comparisonReport(runPolicies(parse(MP), lab, assembler))).toBe(
      [
        'Test MP Allowed',
        'States 4',
        '1:r8=0; 1:rbx=1;  coherent zen3 amd-apm intel-sdm strict',
        '1:r8=0; 1:rbx=2;  coherent zen3 amd-apm intel-sdm strict',
        '1:r8=1; 1:rbx=2;  coherent zen3 amd-apm intel-sdm strict',
        '1:r8=1; 1:rbx=1;  amd-apm intel-sdm strict',
        'Condition exists (1:r8=1 /\\ 1:rbx=1)',
        'Observation MP@coherent Never 0 3',
        'Observation MP@zen3 Never 0 3',
        'Observation MP@amd-apm Sometimes 1 3',
        'Observation MP@intel-sdm Sometimes 1 3 Flag code-race',
        'Observation MP@strict Sometimes 1 3 Flag code-race',
        '',
      ].join('\n'),
    );
    const cut = runPolicies(parse(MP), lab, assembler, { budget: { maxSteps: 3 } });
    expect(comparisonReport(cut)).toContain('Incomplete@strict: step budget of 3 spent');
  });

  test('reads and jumps to labels, and takes code for a number', () => {
    const text = `X86_64 labels
{ 0:rsi=P0:L; uint64_t p=P0:S; 0:rax=instr:"nop; ret"; uint64_t 0:rcx; uint64_t 0:rdx; }
P0                  ;
jmp *%rsi           ;
ud2                 ;
L: movq (P0:S),%rcx ;
movq 8(P0:S),%rdx   ;
jmp E               ;
S: .quad 7          ;
.quad 8             ;
E: nop              ;
forall (0:rcx=7 /\\ 0:rdx=8 /\\ 0:rax=${0x9090909090_90c390n})
`;
    expect(run(text)).toMatchObject({ positive: 1, negative: 0 });
  });

  test('goes on in the column for faults, or ends', () => {
    const text = (column: string, rest: string) => `X86_64 fault
{ uint32_t 0:rbx; }
P0${column} ;
movl $1,%ebx${rest} ;
int3 ;
movl $2,%ebx ;
exists (fault(P0,#BP) /\\ not fault(P0,#UD) /\\ 0:rbx=`;
    const ends = run(`${text('', '')}1)\n`);
    expect(ends).toMatchObject({ positive: 1, negative: 0 });
    expect(litmusReport(ends)).toContain('\nfault(P0,#BP)=1; fault(P0,#UD)=0; 0:rbx=1;\n');
    expect(run(`${text(' | P0.F', ' | addl $4,%ebx')}5)\n`)).toMatchObject({ positive: 1, negative: 0 });
  });

  test('an exception that it does not ask about is an error', () => {
    expect(() => run('X86_64 A\n{}\nP0;\nint3;\nexists (0:rax=0)')).toThrow(/cannot end.*int3/);
  });

  test('interrupts call their column', () => {
    const text = `X86_64 interrupt
{ uint64_t y; }
P0                  | P1   | P1.I              ;
movl $0x830, %ecx   | nop  | movq $1,%rbx      ;
xorl %edx, %edx     |      | movq %rbx,(y)     ;
movl $0xc00ec, %eax |      |                   ;
wrmsr               |      |                   ;
forall (y=1 /\\ 1:rbx=0)
`;
    expect(run(text)).toMatchObject({ positive: 1, negative: 0 });
  });

  test('SYNC keeps registers and makes every core serialize', () => {
    const text = MP.replace('movq $1, (flag)  ', 'SYNC             ').replace('exists', 'movq $1, (flag) | ;\nexists');
    expect(run(text, { fetch: 'strict' })).toMatchObject({ positive: 0 });
  });

  test('leaves the kernel and comes to its end', () => {
    const text = `X86_64 user
{ 0:rsi=user(P0:L); uint64_t 0:rax; uint64_t x=3; }
P0 ;
pushq $0x2b ;
pushq $0 ;
pushq $0x202 ;
pushq $0x33 ;
pushq %rsi ;
iretq ;
L: movl %cs, %eax ;
addq (x), %rax ;
forall (0:rax=0x36 /\\ not fault(P0))
`;
    expect(run(text)).toMatchObject({ positive: 1, negative: 0 });
  });
});

test.each([
  ['X86_64 A\n{}\nP0 | P2;\nNOP;\n', 'no threads'],
  ['X86_64 A\n{}\nP0 | P1.F;\nNOP;\n', 'no threads'],
  ['X86_64 A\n{}\nP0 | P0.X;\nNOP;\n', 'no threads'],
  ['X86_64 A\n{ 0:rax=P0:S; }\nP0;\nNOP;\n', 'no label S in P0'],
  ['X86_64 A\n{ 0:rax=alias(P0:S; }\nP0;\nS: NOP;\n', 'is no value'],
  ['X86_64 A\n{ 0:rax=instr:"movabsq $1, %rax"; }\nP0;\nNOP;\n', '10 bytes long'],
  ['X86_64 A\n{ 0:rax=instr:"nosuch"; }\nP0;\nNOP;\n', 'nosuch'],
  ['X86_64 A\n{}\nP0;\nNOP;\nexists fault(P1)', 'no thread 1'],
  ['X86_64 A\n{}\nP0;\nNOP;\nexists fault(P0,#XY)', 'no exception #XY'],
  ['X86_64 A\n{}\nP0;\nNOP;\nexists fault(0)', 'that of a thread'],
  ['X86_64 A\n{ 0:rax=P0:S; }\nP0;\n.skip 20000, 0x90;\nS: NOP;\n', 'more than 16384 bytes'],
])('%j is refused with what is wrong', (text, what) => {
  expect.assertions(2);
  try {
    run(text);
  } catch (error) {
    expect(error).toBeInstanceOf(TextpokeError);
    expect((error as TextpokeError).message).toContain(what);
  }
});
