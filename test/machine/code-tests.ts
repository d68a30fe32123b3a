import { ALIAS, type CodeTest, type Final, NEW, OLD, SAME, storeImmediate, storeQuadword } from './code-litmus.ts';

/** Our family of cross-modifying-code tests as machine code. `A` allowed, `F` forbidden, `A+V` allowed and reported as a code race. */

const seesFlagRunsOld = (final: Final): boolean => final[1]!.r8 === 1 && final[1]!.r9 === OLD;
const torn = (value: number): boolean => value !== OLD && value !== NEW;

const PUBLISH = `${ALIAS}\n${storeQuadword('%rdi')}movq $1, flag(%rip)\n`;
const READ = 'movq flag(%rip), %r8\n';
const RUN = 'SITE\nmovq %rbx, %r9\nxorl %ebx, %ebx\n';
const CPUID = 'xorl %eax, %eax\nxorl %ecx, %ecx\ncpuid\n';
const IRET_TO_SELF = 'movq %rsp, %rax\npushq $0x18\npushq %rax\npushfq\npushq $0x10\nleaq 1f(%rip), %rcx\npushq %rcx\niretq\n1:\n';
/** Twice the same S, as a loop. */
const RUN_TWICE =
  'xorl %ebp, %ebp\n2:\nSITE\nmovq %r9, %r10\nmovq %rbx, %r9\nxorl %ebx, %ebx\nincl %ebp\ncmpl $2, %ebp\njne 2b\nxorl %ebp, %ebp\n';

const between = (name: string, code: string, verdicts: CodeTest['verdicts']): CodeTest => ({
  name,
  threads: [PUBLISH, `${READ}${code}${RUN}`],
  outcome: seesFlagRunsOld,
  verdicts,
});
const own = (name: string, code: string, verdicts: CodeTest['verdicts'], differs?: string): CodeTest => ({
  name,
  threads: [`${code}${RUN}`],
  outcome: (final) => final[0]!.r9 === OLD,
  verdicts,
  ...(differs === undefined ? {} : { differs }),
});
const tearing = (name: string, at: number, store: string, verdicts: CodeTest['verdicts'], differs?: string): CodeTest => ({
  name,
  at,
  threads: [`${ALIAS}\n${store}`, RUN],
  outcome: (final) => torn(final[1]!.r9),
  verdicts,
  ...(differs === undefined ? {} : { differs }),
});

const BYTES = [0, 1, 2, 3].map((n) => `movb $0x22, ${n + 1}(%rdi)\n`).join('');

const WIDE = 'a store over two quadwords is no case of asynchronous modification in the APM: besides being allowed it is reported';

export const CODE_TESTS: readonly CodeTest[] = [
  between('XMC.MP.RF', '', ['F', 'F', 'A', 'A+V', 'A+V']),
  between('XMC.MP.RF+cpuid', CPUID, ['F', 'F', 'F', 'F', 'F']),
  between('XMC.MP.RF+mfence', 'mfence\n', ['F', 'F', 'F', 'A+V', 'A+V']),
  between('XMC.MP.RF+lfence', 'lfence\n', ['F', 'F', 'A', 'A+V', 'A+V']),
  between('XMC.MP.RF+iret', IRET_TO_SELF, ['F', 'F', 'F', 'F', 'F']),
  between('XMC.MP.RF+serialize', 'serialize\n', ['F', 'F', 'F', 'F', 'F']),
  {
    name: 'XMC.MP.RF+lock',
    threads: [PUBLISH, `xorl %r8d, %r8d\nlock xaddq %r8, flag(%rip)\n${RUN}`],
    outcome: seesFlagRunsOld,
    verdicts: ['F', 'F', 'A', 'A+V', 'A+V'],
  },
  {
    name: 'XMC.MP.RF+serialize-before-flag',
    threads: [PUBLISH, `${CPUID}${READ}${RUN}`],
    outcome: seesFlagRunsOld,
    verdicts: ['F', 'F', 'A', 'A+V', 'A+V'],
  },
  {
    name: 'XMC.MP.FR',
    threads: [`movq $1, x(%rip)\n${ALIAS}\n${storeQuadword('%rdi')}`, `${RUN}movq x(%rip), %r8\n`],
    outcome: (final) => final[1]!.r9 === NEW && final[1]!.r8 === 0,
    verdicts: ['F', 'F', 'F', 'F', 'F'],
    differs: 'the table stores S before x, where new with x = 0 is what anybody expects; the forbidden outcome is that of x before S',
  },
  {
    name: 'XMC.CoFF',
    threads: [`${ALIAS}\n${storeQuadword('%rdi')}`, RUN_TWICE],
    outcome: (final) => final[1]!.r10 === NEW && final[1]!.r9 === OLD,
    verdicts: ['F', 'F', 'F', 'A+V', 'A+V'],
  },
  {
    name: 'XMC.CoRF',
    threads: [`${ALIAS}\n${storeQuadword('%rdi')}`, `movl 1+site(%rip), %r8d\n${RUN}`],
    outcome: (final) => final[1]!.r8 === NEW && final[1]!.r9 === OLD,
    verdicts: ['F', 'F', 'A', 'A+V', 'A+V'],
  },
  {
    name: 'XMC.CoFR',
    threads: [`${ALIAS}\n${storeQuadword('%rdi')}`, `${RUN}movl 1+site(%rip), %r8d\n`],
    outcome: (final) => final[1]!.r9 === NEW && final[1]!.r8 === OLD,
    verdicts: ['F', 'F', 'F', 'F', 'F'],
  },
  own(
    'XMC.SM',
    `${SAME}\n${storeQuadword('%rdi')}`,
    ['F', 'F', 'F', 'A+V', 'A+V'],
    'the table reports it under strict alone; the manual wants a jump or a serializing instruction here, and a fetch with two answers is reported whoever stored',
  ),
  own(
    'XMC.SM+jmp',
    `${SAME}\n${storeQuadword('%rdi')}jmp 1f\n1:\n`,
    ['F', 'F', 'F', 'A+V', 'A+V'],
    'the table forbids it under intel-sdm; a branch right behind the store and between the same two visible operations is not noticed, so more is allowed than the manual does',
  ),
  own('XMC.SM+cpuid', `${SAME}\n${storeQuadword('%rdi')}${CPUID}`, ['F', 'F', 'F', 'F', 'F']),
  own('XMC.SM.alias', `${ALIAS}\n${storeQuadword('%rdi')}`, ['F', 'F', 'A', 'A+V', 'A+V']),
  own('XMC.SM.alias+jmp', `${ALIAS}\n${storeQuadword('%rdi')}jmp 1f\n1:\n`, ['F', 'F', 'A', 'A+V', 'A+V']),
  own('XMC.SM.alias+cpuid', `${ALIAS}\n${storeQuadword('%rdi')}${CPUID}`, ['F', 'F', 'F', 'F', 'F']),
  tearing('XMC.TORN.8B', 0, storeQuadword('%rdi'), ['F', 'F', 'F', 'A+V', 'A+V']),
  tearing('XMC.TORN.8B at byte 3', 3, storeImmediate('%rdi'), ['F', 'F', 'F', 'A+V', 'A+V']),
  tearing('XMC.TORN.cross8', 5, storeImmediate('%rdi'), ['F', 'F', 'A+V', 'A+V', 'A+V'], WIDE),
  tearing('XMC.TORN.cross64', 61, storeImmediate('%rdi'), ['A', 'A', 'A+V', 'A+V', 'A+V'], WIDE),
  tearing('XMC.TORN.bytewise', 0, BYTES, ['A', 'A', 'A', 'A+V', 'A+V']),
];
