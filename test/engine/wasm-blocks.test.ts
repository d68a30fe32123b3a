import { expect, test } from 'vitest';
import { loadAssembler } from '../../src/image/assembler/index.ts';
import { Activity, ymmOffset } from '../../src/isa/core-state.ts';
import { GuestMachine, LOAD_AT } from '../../tools/bench/guest-machine.ts';

const assembler = await loadAssembler();

/** Forms of an instruction with an immediate `N`; what each makes in XMM4 or YMM4 goes into a polynomial in YMM3, whose base is in YMM6. */
const IMMEDIATES: Readonly<Record<string, string>> = {
  pshufd: 'pshufd $N, %xmm1, %xmm4',
  vpshufd: 'vpshufd $N, %ymm1, %ymm4',
  pshuflw: 'pshuflw $N, %xmm1, %xmm4',
  vpshufhw: 'vpshufhw $N, %ymm1, %ymm4',
  vshufps: 'vshufps $N, %ymm2, %ymm1, %ymm4',
  vshufpd: 'vshufpd $N, %ymm2, %ymm1, %ymm4',
  palignr: 'movdqa %xmm1, %xmm4\n palignr $N, %xmm2, %xmm4',
  vpalignr: 'vpalignr $N, %ymm2, %ymm1, %ymm4',
  vpblendw: 'vpblendw $N, %ymm2, %ymm1, %ymm4',
  vblendps: 'vblendps $N, %ymm2, %ymm1, %ymm4',
  vblendpd: 'vblendpd $N, %ymm2, %ymm1, %ymm4',
  vpblendd: 'vpblendd $N, %ymm2, %ymm1, %ymm4',
  vpermilps: 'vpermilps $N, %ymm1, %ymm4',
  vpermilpd: 'vpermilpd $N, %ymm1, %ymm4',
  vpermq: 'vpermq $N, %ymm1, %ymm4',
  vperm2i128: 'vperm2i128 $N, %ymm2, %ymm1, %ymm4',
  vpslldq: 'vpslldq $N, %ymm1, %ymm4',
  vpsrldq: 'vpsrldq $N, %ymm1, %ymm4',
  vpsllw: 'vpsllw $N, %ymm1, %ymm4',
  vpsrld: 'vpsrld $N, %ymm1, %ymm4',
  vpsrlq: 'vpsrlq $N, %ymm1, %ymm4',
  vpsraw: 'vpsraw $N, %ymm1, %ymm4',
  vpsrad: 'vpsrad $N, %ymm1, %ymm4',
  // The count in a register, known to nobody before.
  'vpsllw by a register': 'mov $N, %eax\n vmovd %eax, %xmm5\n vpsllw %xmm5, %ymm1, %ymm4',
  'vpsrlq by a register': 'mov $N, %eax\n vmovd %eax, %xmm5\n vpsrlq %xmm5, %ymm1, %ymm4',
  'vpsrad by a register': 'mov $N, %eax\n vmovd %eax, %xmm5\n vpsrad %xmm5, %ymm1, %ymm4',
};

/** Odd, so that nothing is lost. */
const BASE = 0x1000193;

/** All 256 immediates in four loops, each in a page of its own and run often enough to be compiled. */
function program(form: string): string {
  const step = (n: number): string => `${form.replace('N', String(n))}\n vpmulld %ymm6, %ymm3, %ymm3\n vpaddd %ymm4, %ymm3, %ymm3\n`;
  const part = (from: number): string =>
    `.balign 4096\n mov $4, %ecx\n${from}: ${Array.from({ length: 64 }, (_, n) => step(from + n)).join('')} dec %ecx\n jnz ${from}b\n jmp ${from + 1}f\n`;
  const parts = [0, 64, 128, 192].map((from) => `${from === 0 ? '' : `.balign 4096\n${from - 63}:`}${part(from)}`).join('');
  return `vmovdqu bytes(%rip), %ymm1\n vmovdqu bytes+32(%rip), %ymm2\n mov $${BASE}, %eax\n vmovd %eax, %xmm6\n vpbroadcastd %xmm6, %ymm6\n${parts}.balign 4096\n193: hlt\n.balign 64\nbytes: .byte ${Array.from(
    { length: 64 },
    (_, n) => (n * 167 + 91) & 0xff,
  ).join()}\n`;
}

function run(source: string, engine: 'reference' | 'interpreter' | 'region'): { ymm3: string; regions: number } {
  const { bytes } = assembler.assemble(source, { address: BigInt(LOAD_AT), file: 'blocks.s' });
  const guest = new GuestMachine(bytes, { engine });
  const { engine: inside, cores } = guest.machine;
  const core = cores[0]!;
  guest.start();
  if (engine === 'region') inside.compileSoon();
  while (core.activity === Activity.running) guest.machine.runCore(core, 100_000);
  const ymm3 = [0, 8, 16, 24].map((at) => core.rawLong(ymmOffset(3) + at).toString(16)).join(' ');
  const regions = inside.regionsCompiled;
  guest.machine.release();
  return { ymm3, regions };
}

test.each(Object.entries(IMMEDIATES))('%s with each immediate, whose value compiled code knows', (_name, form) => {
  const source = program(form);
  const judge = run(source, 'reference');
  expect(run(source, 'interpreter').ymm3).toBe(judge.ymm3);
  const compiled = run(source, 'region');
  expect(compiled.ymm3).toBe(judge.ymm3);
  expect(compiled.regions).toBeGreaterThan(3);
});
