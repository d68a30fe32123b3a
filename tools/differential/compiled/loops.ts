import { pick, type Random } from '../chance.ts';
import type { Program } from './program.ts';

/**
 * Loops over arrays of every type of number, as compilers make vector code of them, and operations on vectors as GNU C has them. Nothing that a program
 * computes depends on where it lies; what C leaves undefined (a float that fits no integer) is what its instructions do.
 */

const INTEGERS = ['i8', 'u8', 'i16', 'u16', 'i32', 'u32', 'i64', 'u64'];
const FLOATS = ['f32', 'f64', 'f32', 'f64', 'f16'];
const WIDE = ['f80', 'i128', 'u128'];
const isFloat = (type: string): boolean => type.startsWith('f');

const HEAD = `#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <math.h>
#include <fenv.h>
typedef int8_t i8; typedef uint8_t u8; typedef int16_t i16; typedef uint16_t u16;
typedef int32_t i32; typedef uint32_t u32; typedef int64_t i64; typedef uint64_t u64;
typedef float f32; typedef double f64; typedef long double f80;
#ifdef __FLT16_MAX__
typedef _Float16 f16;
#else
typedef float f16;
#endif
#ifdef __SIZEOF_INT128__
typedef __int128 i128; typedef unsigned __int128 u128;
#else
typedef int64_t i128; typedef uint64_t u128;
#endif
#define DIV(a, b) ((b) == 0 || (b) == (__typeof__(b))-1 ? (a) : (a) / (b))
#define MOD(a, b) ((b) == 0 || (b) == (__typeof__(b))-1 ? (a) : (a) % (b))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define ABS(a) ((a) < 0 ? -(a) : (a))
#define ROL(a, n) ((a) << ((n) & (sizeof(a) * 8 - 1)) | (a) >> (-(n) & (sizeof(a) * 8 - 1)))
static u64 state = SEED;
static u64 next(void) { state ^= state << 13; state ^= state >> 7; return state ^= state << 17; }
static u64 sum = 14695981039346656037u;
static __attribute__((noinline)) void add(const void *data, u64 size, u64 stride, u64 used)
{
  for (u64 at = 0; at < size; at++)
    if (at % stride < used) sum = (sum ^ ((const u8 *)data)[at]) * 1099511628211u;
}
static __attribute__((noinline)) void fill(void *data, u64 size)
{
  for (u64 at = 0; at < size; at++) ((u8 *)data)[at] = next() >> 32;
}
static __attribute__((noinline)) f64 number(void)
{
  u64 r = next() >> 20;
  switch (r & 15) {
  case 0: return (i32)(r >> 8) * 0x1p-16;
  case 1: return (i64)r * 0x1p30;
  case 2: return (r & 16 ? 1 : -1) * 0x1p-1060 * (r >> 30);
  case 3: return r & 16 ? INFINITY : r & 32 ? NAN : -0.0;
  case 4: case 5: case 6: return (i8)(r >> 4);
  case 7: return 1 / (1.0 + (r >> 4 & 0xff));
  default: return ((i32)(r >> 4) & 0xfffff) * (1 / 1024.0) - 300;
  }
}
`;

interface Arrays {
  readonly name: string;
  readonly type: string;
  readonly length: number;
}

class Generator {
  readonly #random: Random;
  readonly #fast: boolean;
  readonly #arrays: Arrays[] = [];

  constructor(random: Random) {
    this.#random = random;
    this.#fast = random(3) > 0;
  }

  #types(): readonly string[] {
    return this.#random(8) === 0 ? WIDE : this.#random(5) < 2 ? FLOATS : INTEGERS;
  }

  /** An expression of numbers at \`index\`: of what type C says. */
  #value(depth: number, index: string, floats: boolean, arrays: readonly Arrays[]): string {
    const random = this.#random;
    const sub = (): string => this.#value(depth - 1, index, floats, arrays);
    if (depth <= 0) {
      const array = pick(random, arrays);
      switch (random(8)) {
        case 0:
          return floats
            ? pick(random, ['0.5', '3.0f', '-1.25', '1e10'])
            : pick(random, ['1', '7', '255', '-3', '100000', '0x1234567890ll']);
        case 1:
          return `(${array.type})i`;
        case 2:
          return `${array.name}[${index} + ${1 + random(3)}]`;
        default:
          return `${array.name}[${index}]`;
      }
    }
    if (random(6) === 0) return `(${pick(random, floats ? [...INTEGERS, ...FLOATS] : INTEGERS)})(${sub()})`;
    if (random(8) === 0) return `(${sub()} ${pick(random, ['<', '<=', '==', '!=', '>'])} ${sub()} ? ${sub()} : ${sub()})`;
    if (floats) {
      switch (random(12)) {
        case 0:
          return `${pick(random, ['sqrt', 'sqrtf', 'floor', 'ceilf', 'trunc', 'rint', 'nearbyintf', 'fabs', 'round', 'sqrtl', 'rintl'])}(${sub()})`;
        case 1:
          return `${pick(random, ['fmin', 'fmaxf', 'copysign', 'copysignf', 'fmaxl'])}(${sub()}, ${sub()})`;
        case 2:
          return `${pick(random, ['fma', 'fmaf'])}(${sub()}, ${sub()}, ${sub()})`;
        case 3:
          return `${pick(random, ['MIN', 'MAX'])}(${sub()}, ${sub()})`;
        case 4:
          return `(${pick(random, INTEGERS)})${pick(random, ['lrint', 'lround', 'llrintf', ''])}(${sub()})`;
        default:
          return `(${sub()} ${pick(random, ['+', '-', '*', '*', '/'])} ${sub()})`;
      }
    }
    switch (random(16)) {
      case 0:
        return `DIV(${sub()}, ${sub()})`;
      case 1:
        return `MOD(${sub()}, ${sub()})`;
      case 2:
        return `(${sub()} ${pick(random, ['/', '%'])} ${pick(random, ['3', '7u', '10', '-5', '1000', '641u', '16'])})`;
      case 3:
        return `(${sub()} << (${sub()} & 7))`;
      case 4:
        return `(${sub()} >> (${sub()} & 15))`;
      case 5:
        return `${pick(random, ['MIN', 'MAX'])}(${sub()}, ${sub()})`;
      case 6:
        return `ABS(${sub()})`;
      case 7:
        return `ROL((${pick(random, ['u8', 'u16', 'u32', 'u64'])})(${sub()}), ${1 + random(31)})`;
      case 8:
        return `(${pick(random, ['__builtin_popcountll(', '__builtin_ctzll(1 | ', '__builtin_clz(1 | (u32)', '__builtin_parityll(', '__builtin_bswap32(', '__builtin_bswap64(', '__builtin_ffsll('])}(${sub()})))`;
      case 9:
        return `(((i64)(${sub()}) * (${sub()})) >> ${pick(random, ['16', '32', '15', '8'])})`;
      case 10:
        return `~${sub()}`;
      default:
        return `(${sub()} ${pick(random, ['+', '-', '*', '&', '|', '^'])} ${sub()})`;
    }
  }

  #array(types: readonly string[]): Arrays {
    const array = { name: `a${this.#arrays.length}`, type: pick(this.#random, types), length: 24 + this.#random(300) };
    this.#arrays.push(array);
    return array;
  }

  #loop(name: string): string {
    const random = this.#random;
    const types = this.#types();
    const from = [pick(random, this.#arrays), pick(random, this.#arrays), this.#array(types)];
    const to = random(3) === 0 ? pick(random, this.#arrays) : this.#array(this.#types());
    const floats = from.some(({ type }) => isFloat(type));
    const length = Math.min(...[...from, to].map((array) => array.length)) - 4;
    const value = (index = 'i', depth = 1 + random(3)): string => this.#value(depth, index, floats, from);
    const head = `static __attribute__((noinline)) void ${name}(void)\n{\n`;
    const over = (body: string, count: string | number = length): string => `  for (int i = 0; i < ${count}; i++) ${body}\n`;
    const type = to.type;
    const lines: Record<string, () => string> = {
      map: () => over(`${to.name}[i] = ${value()};`),
      masked: () => over(`if (${value('i', 1)} > ${value('i', 1)}) ${to.name}[i] = ${value()};`),
      sum: () => `  ${type} s = 0;\n${over(`s ${pick(random, ['+=', '-=', '+=', '*='])} ${value()};`)}  ${to.name}[0] = s;\n`,
      most: () => {
        const less = pick(random, ['<', '>']);
        return `  ${type} s = ${from[0]!.name}[0];\n${over(`{ ${type} v = ${value('i', 1)}; s = v ${less} s ? v : s; }`)}  ${to.name}[1] = s;\n`;
      },
      pairs: () =>
        over(`{ ${to.name}[2 * i] = ${value('2 * i')}; ${to.name}[2 * i + 1] = ${value('2 * i + 1')}; }`, Math.floor(length / 2) - 2),
      strided: () => over(`${to.name}[i] = ${value(`${2 + random(3)} * i`, 1)};`, Math.floor(length / 4) - 4),
      threes: () =>
        over(
          `{ ${[0, 1, 2].map((k) => `${to.name}[3 * i + ${k}] = ${value(`3 * i + ${2 - k}`, 1)};`).join(' ')} }`,
          Math.floor(length / 3) - 2,
        ),
      gather: () => over(`${to.name}[i] = ${value('(where[i] & 15)', 1)};`),
      scatter: () => over(`${to.name}[where[i] & 15] = ${value('i', 1)};`),
      backwards: () => over(`${to.name}[${length} - i] = ${value()};`),
      recurrence: () => over(`${to.name}[i + 1] = ${to.name}[i] ${pick(random, ['+', '-', '*'])} ${value('i', 1)};`),
      search: () =>
        `  int at = 0;\n  while (at < ${length} && !(${value('at', 1).replaceAll(/\bi\b/g, 'at')} > ${from[0]!.name}[at])) at++;\n  ${to.name}[2] = at;\n`,
      nest: () =>
        `  for (int k = 0; k < 8; k++)\n    for (int j = 0; j < 8; j++) {\n      ${type} s = 0;\n      for (int i = 0; i < 8; i++) s += ${from[0]!.name}[k + i] * ${from[1]!.name}[i + j];\n      ${to.name}[k + j] ${pick(random, ['=', '+=', '-='])} s;\n    }\n`,
      choose: () =>
        over(
          `switch ((u32)(where[i] ${pick(random, ['% 9', '& 7', '% 13 * 5'])})) { ${[0, 1, 2, 3, 5, 8].map((k) => `case ${k}: ${to.name}[i] = ${value('i', 1)}; break;`).join(' ')} default: ${to.name}[i] ^= 1; }`.replace(
            '^= 1',
            '+= 1',
          ),
        ),
    };
    const body = lines[pick(random, Object.keys(lines))]!();
    return `${head}${body}}\n`;
  }

  /** Operations on vectors of 16 or 32 bytes. */
  #vector(name: string): string {
    const random = this.#random;
    const bytes = pick(random, [16, 32]);
    const [type, size] = pick(random, [
      ['i8', 1],
      ['u8', 1],
      ['i16', 2],
      ['u16', 2],
      ['i32', 4],
      ['u32', 4],
      ['i64', 8],
      ['u64', 8],
      ['f32', 4],
      ['f64', 8],
    ] as const);
    const floats = isFloat(type);
    const lanes = bytes / size;
    const mask = `i${size * 8}`;
    const operators = floats ? ['+', '-', '*', '/'] : ['+', '-', '*', '&', '|', '^'];
    const lines = Array.from({ length: 4 + random(8) }, () => {
      const [x, y, z] = [0, 0, 0].map(() => `v${random(4)}`);
      switch (random(7)) {
        case 0:
          return `${x} = __builtin_shufflevector(${y}, ${z}, ${Array.from({ length: lanes }, () => random(2 * lanes)).join(', ')});`;
        case 1:
          return `${x} = (V)(${y} ${pick(random, ['<', '>', '==', '<=', '!='])} ${z});`;
        case 2: {
          const other = pick(
            random,
            (size === 4 ? ['i32', 'u32', 'f32'] : size === 8 ? ['i64', 'u64', 'f64'] : size === 2 ? ['i16', 'u16'] : ['i8', 'u8']).filter(
              (t) => t !== type,
            ),
          );
          return `{ typedef ${other} W __attribute__((vector_size(${bytes}))); W w = __builtin_convertvector(${y}, W); w = w + w; ${x} = __builtin_convertvector(w, V); }`;
        }
        case 3:
          return floats ? `${x} = -${y};` : `${x} = ${y} ${pick(random, ['<<', '>>'])} (${z} & ${size * 8 - 1});`;
        case 4:
          return floats ? `${x} = ${y} * ${z} + ${x};` : `${x} = ${y} ${pick(random, ['<<', '>>'])} ${random(size * 8)};`;
        case 5:
          return `{ M m = ${x} > ${z}; ${y} = (V)(((M)${x} & m) | ((M)${y} & ~m)); }`;
        default:
          return `${x} = ${y} ${pick(random, operators)} ${z};`;
      }
    });
    return `typedef ${type} V __attribute__((vector_size(${bytes}), aligned(1)));
typedef ${mask} M __attribute__((vector_size(${bytes})));
static __attribute__((noinline)) void ${name}(void)
{
  for (int n = 0; n + ${4 * bytes} <= (int)sizeof bytes; n += ${3 * bytes}) {
    V v0, v1, v2, v3;
    memcpy(&v0, bytes + n, sizeof v0); memcpy(&v1, bytes + n + ${bytes}, sizeof v1);
    memcpy(&v2, bytes + n + ${2 * bytes}, sizeof v2); memcpy(&v3, bytes + n + ${3 * bytes}, sizeof v3);
    ${lines.join('\n    ')}
    add(&v0, sizeof v0, 1, 1); add(&v1, sizeof v1, 1, 1); add(&v2, sizeof v2, 1, 1); add(&v3, sizeof v3, 1, 1);
  }
}
`.replaceAll(/\b([VM])\b/g, `$1${name}`);
  }

  text(): string {
    const random = this.#random;
    this.#array(INTEGERS);
    this.#array(FLOATS);
    const count = 3 + random(6);
    const functions = Array.from({ length: count }, (_, n) => (random(4) === 0 ? this.#vector(`f${n}`) : this.#loop(`f${n}`)));
    const arrays = this.#arrays.map(({ name, type, length }) => `static ${type} ${name}[${length}];`);
    const begin = this.#arrays.map(({ name, type, length }) =>
      isFloat(type)
        ? `  for (int i = 0; i < ${length}; i++) ${name}[i] = number();`
        : `  fill(${name}, sizeof ${name});${random(3) === 0 ? `\n  for (int i = 0; i < ${length}; i++) ${name}[i] = (i8)next() % 17;` : ''}`,
    );
    const sums = this.#arrays.map(({ name, type }) =>
      type === 'f80' ? `  add(${name}, sizeof ${name}, sizeof *${name}, 10);` : `  add(${name}, sizeof ${name}, 1, 1);`,
    );
    const rounding = pick(random, ['FE_TONEAREST', 'FE_TONEAREST', 'FE_TONEAREST', 'FE_UPWARD', 'FE_DOWNWARD', 'FE_TOWARDZERO']);
    return `${HEAD.replace('SEED', `${1 + random(2 ** 31)}u`)}static u16 where[400];
static u8 bytes[1000];
${arrays.join('\n')}
${functions.join('')}int main(void)
{
  fill(where, sizeof where);
  fill(bytes, sizeof bytes);
${begin.join('\n')}
  fesetround(${rounding});
  for (int round = 0; round < ${this.#fast ? 3 : 12}; round++) {
${functions.map((_, n) => `    f${n}();\n    printf("%d %d %016llx\\n", round, ${n}, (unsigned long long)sum);`).join('\n')}
${sums.map((line) => `  ${line}`).join('\n')}
    printf("%016llx %x\\n", (unsigned long long)sum, fetestexcept(FE_ALL_EXCEPT));
  }
  return sum & 63;
}
`;
  }
}

/** A program of a few such functions. */
export const loopProgram = (random: Random): Program => ({
  kind: 'loops',
  language: 'c',
  text: new Generator(random).text(),
  flags: ['-fwrapv', '-Wno-psabi'],
  has32: true,
});
