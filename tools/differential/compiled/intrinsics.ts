import { spawnSync } from 'node:child_process';
import { pick, type Random } from '../chance.ts';
import type { Program } from './program.ts';

/** Straight runs of intrinsics of immintrin.h, as gcc's own headers declare them: whatever this processor has is among them. */

interface Intrinsic {
  readonly name: string;
  readonly result: string;
  readonly parameters: readonly string[];
}

const FEATURES = ['-maes', '-mpclmul', '-msha', '-madx', '-mmovbe'];
const HEADER = '#include <immintrin.h>\n';
/** Types that variables have here; all others are pointers, or what nobody can make at random. */
const TYPES: Readonly<Record<string, string>> = {
  __m128: 'x',
  __m128d: 'xd',
  __m128i: 'xi',
  __m256: 'y',
  __m256d: 'yd',
  __m256i: 'yi',
  char: 'c',
  short: 's',
  int: 'n',
  unsigned: 'u',
  'unsigned char': 'uc',
  'unsigned short': 'us',
  'unsigned int': 'u',
  'long long': 'l',
  'unsigned long long': 'ul',
  float: 'f',
  double: 'd',
};
/** Not the same each time, or with effects beyond their values; estimates, in which processors differ; values that are not defined; addresses from values. */
const LEFT_OUT =
  /rdrand|rdseed|rdtsc|rdpmc|rdpid|save|xrstor|xgetbv|xsetbv|sbase|monitor|mwait|wbinvd|csr|_MM_|flags|gather|rcp|rsqrt|undefined|cast\w+128_\w+256|malloc|free|pkru|invpcid|xbegin|xtest|xabort|xend|bnd|setssp|ssp|wrss/;
/** With an immediate of 8 bits; others are small numbers. */
const BYTES =
  /shuffle_(epi32|ps)$|shufflehi|shufflelo|alignr|slli|srli|srai|permute4x64|mpsadbw|_dp_p|clmul|keygen|bslli|bsrli|blend_epi(16|32)/;

const parameterTypes = (text: string): string[] =>
  text
    .split(',')
    .map((one) => one.trim().replace(/\s*\b__\w+$/, ''))
    .filter((type) => type !== 'void' && type !== '');

/** Text outside of any `#pragma GCC target` that turns on what these flags do not. */
function usable(text: string): string {
  const stack: boolean[] = [];
  const lines = text.split('\n').filter((line) => {
    if (line.startsWith('#pragma GCC push_options')) stack.push(stack.at(-1) ?? true);
    else if (line.startsWith('#pragma GCC pop_options')) stack.pop();
    else if (line.startsWith('#pragma GCC target') && !line.includes('general-regs-only')) stack.splice(-1, 1, false);
    return stack.at(-1) ?? true;
  });
  return lines.join('\n');
}

function declared(text: string): Intrinsic[] {
  const all = usable(text).matchAll(/extern __inline ([\w ]+?)\s+__attribute__ ?\(\([^)]*\)\)\s+(_mm\w+|__?\w+) \(([^)]*)\)\s*\{/g);
  return [...all].flatMap(([, result, name, parameters]) => {
    if (LEFT_OUT.test(name!)) return [];
    const types = parameterTypes(parameters!);
    const known = (type: string): boolean => type.includes('*') || type.startsWith('const ') || type in TYPES;
    const gives = result! in TYPES || (result === 'void' && types.some((type) => type.includes('*')));
    return gives && types.every(known) ? [{ name: name!, result: result!, parameters: types }] : [];
  });
}

let list: readonly Intrinsic[] | undefined;

function readHeaders(): Intrinsic[] {
  const args = ['-march=x86-64-v3', ...FEATURES, '-O2', '-E', '-x', 'c', '-'];
  const { stdout } = spawnSync('gcc', args, { input: HEADER, encoding: 'utf8', maxBuffer: 1 << 27 });
  return declared(stdout ?? '');
}

/** None where there is no gcc. */
function intrinsics(): readonly Intrinsic[] {
  list ??= readHeaders();
  return list;
}

const POOL = 2048;

function argument(random: Random, name: string, type: string): string {
  if (type.includes('*')) return `(void *)(pool + ${64 * random(POOL / 64)})`;
  if (type.startsWith('const ')) return `${BYTES.test(name) ? random(256) : random(2)}`;
  return `${TYPES[type]}${random(3)}`;
}

function functionText(random: Random, name: string): string {
  const variables = Object.entries(TYPES).filter(([type]) => type !== 'unsigned');
  const begin = variables.flatMap(([type, v]) =>
    [0, 1, 2].map((n) => `${type} ${v}${n}; memcpy(&${v}${n}, pool + ${random(POOL - 64)}, sizeof ${v}${n});`),
  );
  const lines = Array.from({ length: 12 + random(30) }, () => {
    const { name: call, result, parameters } = pick(random, intrinsics());
    const value = `${call}(${parameters.map((type) => argument(random, call, type)).join(', ')});`;
    return result === 'void' ? value : `${TYPES[result]}${random(3)} = ${value}`;
  });
  const end = variables.flatMap(([, v]) => [0, 1, 2].map((n) => `add(&${v}${n}, sizeof ${v}${n});`));
  return `static __attribute__((noinline)) void ${name}(void)\n{\n  ${[...begin, ...lines, ...end].join('\n  ')}\n}\n`;
}

export function intrinsicsProgram(random: Random): Program | undefined {
  if (intrinsics().length === 0) return undefined;
  const count = 4 + random(8);
  const functions = Array.from({ length: count }, (_, n) => functionText(random, `f${n}`));
  const calls = functions.map((_, n) => `    f${n}(); printf("%d %d %016llx\\n", round, ${n}, sum);`);
  const text = `${HEADER}#include <stdio.h>
#include <string.h>
static unsigned char pool[${POOL}] __attribute__((aligned(64)));
static unsigned long long sum = 14695981039346656037u, state = ${1 + random(2 ** 31)}u;
static __attribute__((noinline)) void add(const void *data, int size)
{
  for (int at = 0; at < size; at++) sum = (sum ^ ((const unsigned char *)data)[at]) * 1099511628211u;
}
static __attribute__((noinline)) void fill(int round)
{
  for (int at = 0; at < ${POOL}; at++) {
    state ^= state << 13; state ^= state >> 7; state ^= state << 17;
    pool[at] = state >> 32;
  }
  for (int at = 0; at < ${POOL}; at += 64)
    for (int n = 0; n < 16; n++) {
      float f = (int)(state >> n) * 0x1p-20f;
      double d = (int)(state >> n) * 0x1p-10;
      if (round % 3 == 1) memcpy(pool + at + 4 * n, &f, 4);
      if (round % 3 == 2 && n < 8) memcpy(pool + at + 8 * n, &d, 8);
    }
}
${functions.join('')}int main(void)
{
  for (int round = 0; round < 12; round++) {
    fill(round);
${calls.join('\n')}
    add(pool, sizeof pool);
  }
  printf("%016llx\\n", sum);
  return 0;
}
`;
  return {
    kind: 'intrinsics',
    language: 'c',
    text,
    flags: FEATURES,
    has32: false,
    optimised: true,
    march: ['x86-64-v3', 'haswell'],
    compiler: 'gcc',
  };
}
