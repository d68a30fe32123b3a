import { pick, type Random } from '../chance.ts';
import type { Program } from './program.ts';

/**
 * Random calls of the C library: mathematics in every width, conversions to and from text, memory and strings. What comes out is printed exactly. Functions that are transcendental
 * instructions of the x87 somewhere (long double, all of them in 32-bit libraries) are left out there: processors differ in their last bit.
 */

const INEXACT =
  'sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh exp exp2 exp10 expm1 log log2 log10 log1p cbrt erf erfc tgamma lgamma j0 j1 y0'.split(
    ' ',
  );
const ONE = 'sqrt floor ceil trunc rint nearbyint round logb fabs'.split(' ');
const INEXACT_TWO = ['pow', 'atan2'];
const TWO = 'fmod remainder fdim nextafter fmin fmax copysign hypot'.split(' ');
const INTEGER = 'lrint llrint lround llround ilogb'.split(' ');
const COMPLEX = 'csqrt cexp clog csin ctanh cacos'.split(' ');
const WIDTHS = [
  { type: 'float', suffix: 'f', format: '%a' },
  { type: 'double', suffix: '', format: '%a' },
  { type: 'long double', suffix: 'l', format: '%La' },
];

const HEAD = `#define _GNU_SOURCE
#include <complex.h>
#include <fenv.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static uint64_t state = SEED;
static uint64_t next(void) { state ^= state << 13; state ^= state >> 7; return state ^= state << 17; }
static double number(void)
{
  uint64_t r = next() >> 20;
  double d;
  switch (r & 15) {
  case 0: r = next(); memcpy(&d, &r, sizeof d); return d;
  case 1: return (int64_t)r * 0x1p-36;
  case 2: return r & 16 ? INFINITY : r & 32 ? NAN : r & 64 ? -0.0 : 1.0;
  case 3: return (r >> 4 & 0xff) * 0.25;
  case 4: return ((int)(r >> 4 & 0xfff) - 2048) * M_PI / 8;
  case 5: return (int64_t)next();
  default: return ((int)(r >> 4 & 0xfffff) - 0x80000) * 0x1p-16;
  }
}
static int compare(const void *a, const void *b) { return *(const int *)a < *(const int *)b ? -1 : *(const int *)a > *(const int *)b; }
static char text[4096], other[4096];
`;

function mathLine(random: Random, has32: boolean): string {
  const { type, suffix, format } = pick(random, WIDTHS);
  const exact = has32 || suffix === 'l';
  const x = `(${type})number()`;
  switch (random(8)) {
    case 0:
    case 1: {
      const name = pick(random, exact ? TWO : [...TWO, ...INEXACT_TWO, ...INEXACT_TWO]);
      return `{ ${type} a = ${x}, b = ${x}; printf("${name}${suffix} ${format}\\n", ${name}${suffix}(a, b)); }`;
    }
    case 2: {
      const name = pick(random, INTEGER);
      return `printf("${name}${suffix} %lld\\n", (long long)${name}${suffix}(${x}));`;
    }
    case 3: {
      const name = exact ? 'conj' : pick(random, COMPLEX);
      return `{ ${type} complex z = ${x}; z += ${x} * I; z = z * z / (${name}${suffix}(z) + 1); printf("${name}${suffix} ${format} ${format}\\n", creal${suffix}(z), cimag${suffix}(z)); }`;
    }
    case 4:
      return `{ int e; ${type} a = frexp${suffix}(${x}, &e), b, c; a = scalbn${suffix}(a, e / ${1 + random(3)}); c = modf${suffix}(a, &b); printf("${format} ${format} %d\\n", c, b, e); }`;
    case 5:
      return `{ ${type} a = ${x}, b = ${x}, c = ${x}; printf("fma${suffix} ${format}\\n", fma${suffix}(a, b, c)); }`;
    default: {
      const name = pick(random, exact ? ONE : [...ONE, ...INEXACT, ...INEXACT]);
      return `printf("${name}${suffix} ${format}\\n", ${name}${suffix}(${x}));`;
    }
  }
}

function textLine(random: Random): string {
  const flags = pick(random, ['', '-', '+', '0', ' ', '#']) + pick(random, ['', '12', '30']);
  switch (random(6)) {
    case 0:
      return `printf("%${flags}.${random(25)}${pick(random, ['e', 'f', 'g', 'a'])}\\n", number());`;
    case 1:
      return `printf("%${flags}.${random(25)}L${pick(random, ['e', 'g', 'a'])}\\n", number() * 1.1L);`;
    case 2:
      return `printf("%${flags}ll${pick(random, ['d', 'u', 'x', 'o'])} %hhd %hu\\n", (long long)next(), (int)state, (int)(state >> 9));`;
    case 3:
      return `{ char *end; snprintf(text, sizeof text, "%.${random(30)}g", number()); ${pick(random, ['float f = strtof', 'double f = strtod', 'long double f = strtold'])}(text, &end); printf("%s %La %d\\n", text, (long double)f, (int)(end - text)); }`;
    case 4:
      return `{ snprintf(text, sizeof text, "%lld", (long long)(next() >> ${random(60)})); printf("%lld %lu\\n", strtoll(text, 0, ${pick(random, ['10', '0', '16'])}), strtoul(text, 0, 8)); }`;
    default:
      return `{ int n[64]; for (int i = 0; i < 64; i++) n[i] = next() % ${2 + random(1000)}; qsort(n, ${1 + random(64)}, sizeof *n, compare); for (int i = 0; i < 64; i += ${1 + random(9)}) printf("%d ", n[i]); puts(""); }`;
  }
}

function memoryLine(random: Random): string {
  const [at, to, size] = [random(70), random(70), pick(random, [random(20), random(300), random(3000)])];
  const letter = `'${String.fromCharCode(97 + random(26))}'`;
  const fill = `for (int i = 0; i < 4095; i++) text[i] = 'a' + next() % ${2 + random(25)};`;
  const sum =
    '{ unsigned s = 0; for (int i = 0; i < 4096; i++) s = s * 31 + (unsigned char)text[i] + 7 * (unsigned char)other[i]; printf("%u\\n", s); }';
  switch (random(9)) {
    case 0:
      return `memcpy(other + ${to}, text + ${at}, ${size}); ${sum}`;
    case 1:
      return `memmove(text + ${to}, text + ${at}, ${size}); ${sum}`;
    case 2:
      return `memset(other + ${to}, ${letter}, ${size}); ${sum}`;
    case 3:
      return `{ ${fill} text[${at + size}] = 0; printf("%zu ", strlen(text + ${at})); char *p = strchr(text + ${at}, ${letter}); printf("%d ", p ? (int)(p - text) : -1); p = strrchr(text + ${at}, ${letter}); printf("%d\\n", p ? (int)(p - text) : -1); }`;
    case 4:
      return `{ memcpy(other + ${to}, text + ${at}, ${size}); other[${to + random(size + 1)}]++; int c = memcmp(other + ${to}, text + ${at}, ${size}); printf("%d\\n", (c > 0) - (c < 0)); }`;
    case 5:
      return `{ ${fill} text[${at + size}] = 0; strcpy(other + ${to}, text + ${at}); strcat(other, "tail"); int c = strcmp(other + ${to}, text + ${at}); printf("%d %d\\n", (c > 0) - (c < 0), strncmp(other + ${to}, text + ${at}, ${random(size + 1)})); ${sum} }`;
    case 6:
      return `{ ${fill} text[4000] = 0; char *p = strstr(text + ${at}, "aba"); printf("%d %zu %zu\\n", p ? (int)(p - text) : -1, strspn(text, "abc"), strcspn(text, "xyz")); }`;
    case 7:
      return `{ char *p = memchr(text + ${at}, ${letter}, ${size}), *q = memrchr(text + ${at}, ${letter}, ${size}), *r = memmem(text, ${size}, "ba", 2); printf("%d %d %d\\n", p ? (int)(p - text) : -1, q ? (int)(q - text) : -1, r ? (int)(r - text) : -1); }`;
    default:
      return `{ char *p = malloc(${1 + size * 7}), *q = calloc(${1 + at}, 9); p[0] = q[3]; p = realloc(p, ${1 + size * 20}); printf("%d\\n", p[0]); free(q); free(p); }`;
  }
}

export function libraryProgram(random: Random): Program {
  const has32 = random(3) === 0;
  const lines = Array.from({ length: 30 + random(40) }, () => pick(random, [mathLine, mathLine, textLine, memoryLine])(random, has32));
  const rounding = pick(random, ['FE_TONEAREST', 'FE_TONEAREST', 'FE_UPWARD', 'FE_TOWARDZERO']);
  const body = `  fesetround(${rounding});\n  for (int turn = 0; turn < 4; turn++) {\n    ${lines.join('\n    ')}\n    printf("%x\\n", fetestexcept(FE_ALL_EXCEPT));\n  }\n`;
  const text = `${HEAD.replace('SEED', `${1 + random(2 ** 31)}u`)}int main(void)\n{\n${body}  return 0;\n}\n`;
  return { kind: 'library', language: 'c', text, flags: ['-fno-builtin'], has32 };
}
