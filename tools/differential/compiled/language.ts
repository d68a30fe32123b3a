import { pick, type Random } from '../chance.ts';
import type { Program } from './program.ts';

/** What languages have and loops do not: structures by value, bit fields, variable arguments, jumps out of functions, tables, atomics, wide integers, exceptions. */

const SCALARS = [
  'char',
  'unsigned char',
  'short',
  'unsigned short',
  'int',
  'unsigned',
  'long long',
  'unsigned long long',
  'float',
  'double',
  'long double',
  '_Bool',
];
/** What arguments of ... become, and how they are read. */
const VARIABLE = ['int', 'long long', 'double', 'unsigned', 'long double', 'void *'];
const ATOMIC = ['unsigned char', 'unsigned short', 'unsigned', 'unsigned long long', 'int'];

const HEAD = `#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
static uint64_t state = SEED, sum = 1469598103934665603u;
static uint64_t next(void) { state ^= state << 13; state ^= state >> 7; return state ^= state << 17; }
static void add(uint64_t value) { sum = (sum ^ value) * 1099511628211u; sum ^= sum >> 29; }
`;

const isReal = (type: string): boolean => /float|double/.test(type);
const randomOf = (type: string): string =>
  isReal(type) ? `(${type})((int)next() * 0x1p-12)` : type === 'void *' ? '(void *)(uintptr_t)(next() & 0xffff)' : `(${type})next()`;
const sumOf = (type: string, text: string): string =>
  isReal(type) ? `add((uint64_t)(int64_t)(${text} * 16));` : type === 'void *' ? `add((uintptr_t)${text});` : `add((uint64_t)${text});`;

type Part = (random: Random, n: number) => string;

/** A function that takes and gives structures, which lie in registers or in memory. */
const structures: Part = (random, n) => {
  const members = Array.from({ length: 1 + random(6) }, () => pick(random, [...SCALARS, 'field']));
  const texts = members.map((type, k) =>
    type === 'field'
      ? `${pick(random, ['int', 'unsigned', 'unsigned long long'])} m${k} : ${1 + random(31)};`
      : `${type} m${k}${random(6) === 0 ? '[3]' : ''};`,
  );
  const isArray = (k: number): boolean => texts[k]!.includes('[3]');
  const each = (make: (name: string, type: string) => string): string =>
    members.map((type, k) => make(`m${k}${isArray(k) ? '[1]' : ''}`, type === 'field' ? 'int' : type)).join(' ');
  const packed = random(4) === 0 ? '__attribute__((packed))' : '';
  return `struct ${packed} s${n} { ${texts.join(' ')} };
static __attribute__((noinline)) struct s${n} give${n}(int a, struct s${n} s, double b, struct s${n} t)
{
  ${each((name, type) => (type === '_Bool' ? `s.${name} = s.${name} != t.${name};` : `s.${name} ${pick(random, ['+=', '-=', '='])} t.${name} + (${type})(${isReal(type) ? 'b' : 'a'});`))}
  return s;
}
static void f${n}(void)
{
  struct s${n} s, t;
  ${each((name, type) => `s.${name} = ${randomOf(type)}; t.${name} = ${randomOf(type)};`)}
  s = give${n}((int)next() >> 8, s, (int)next() * 0x1p-20, t);
  ${each((name, type) => sumOf(type, `s.${name}`))}
}
`;
};

const arguments_: Part = (random, n) => {
  const types = Array.from({ length: 1 + random(14) }, () => pick(random, VARIABLE));
  const reads = types.map((type) => `{ ${type} v = va_arg(list, ${type}); ${sumOf(type, 'v')} }`);
  return `static __attribute__((noinline)) void read${n}(int count, ...)
{
  va_list list, again;
  va_start(list, count);
  va_copy(again, list);
  ${reads.join('\n  ')}
  va_end(list);
  ${sumOf(types[0]!, `va_arg(again, ${types[0]})`)}
  va_end(again);
}
static void f${n}(void) { read${n}(${[types.length, ...types.map(randomOf)].join(', ')}); }
`;
};

const tables: Part = (random, n) => {
  const cases = [...new Set(Array.from({ length: 4 + random(20) }, () => random(random(3) === 0 ? 300 : 32)))];
  const action = (): string =>
    pick(random, ['x += 3;', 'x ^= y;', 'x *= 5; break;', 'y = x >> 2; break;', 'break;', 'x -= y; continue;', 'goto out;']);
  const labels = Array.from({ length: 3 + random(5) }, (_, k) => k);
  return `static __attribute__((noinline)) unsigned choose${n}(unsigned x, unsigned y)
{
  for (int i = 0; i < 40; i++) {
    switch ((x >> (i & 7)) & ${pick(random, [31, 63, 255])}) { ${cases.map((value) => `case ${value}: ${action()}`).join(' ')} default: x = x * 69069 + 1; }
    y += x;
  }
out:
  return x + y;
}
static __attribute__((noinline)) unsigned walk${n}(const unsigned char *code)
{
  static void *const table[] = { ${labels.map((k) => `&&l${k}`).join(', ')}, &&end };
  unsigned x = 1, steps = 0;
#define GO do { if (++steps > 100) goto end; goto *table[*code++ % ${labels.length + 1}]; } while (0)
  GO;
  ${labels.map((k) => `l${k}: ${pick(random, ['x += 7', 'x ^= x << 3', 'x = x >> 1 | x << 31', 'x *= 9', 'x = ~x'])}; GO;`).join('\n  ')}
end:
#undef GO
  return x + steps;
}
static void f${n}(void)
{
  unsigned char code[128];
  for (int i = 0; i < 128; i++) code[i] = next() >> 9;
  add(choose${n}(next(), next()));
  add(walk${n}(code));
}
`;
};

const jumps: Part = (random, n) => `static jmp_buf back${n};
static __attribute__((noinline)) int deep${n}(int depth, int to)
{
  volatile char room[${1 + random(200)}];
  room[0] = depth;
  if (depth == to) longjmp(back${n}, depth + 1);
  return deep${n}(depth + 1, to) + room[0];
}
static __attribute__((noinline)) int size${n}(int length)
{
  int list[length + 1], total = 0;
  char *more = __builtin_alloca(length * 3 + ${random(40)});
  for (int i = 0; i <= length; i++) list[i] = i * i;
  memset(more, length, length * 3);
  for (int i = 0; i < length; i++) total += list[i] ^ more[i];
  return total;
}
static void f${n}(void)
{
  double d = (int)next() * 0.5;
  int code = setjmp(back${n});
  add(code);
  if (code == 0) deep${n}(0, ${random(20)});
  add((int64_t)d);
  add(size${n}(next() % 100));
}
`;

const atomics: Part = (random, n) => {
  const type = pick(random, ATOMIC);
  const order = pick(random, ['__ATOMIC_SEQ_CST', '__ATOMIC_RELAXED', '__ATOMIC_ACQ_REL']);
  const lines = Array.from({ length: 3 + random(8) }, () => {
    const name = pick(random, ['add', 'sub', 'and', 'or', 'xor', 'nand']);
    return pick(random, [
      `add(__atomic_fetch_${name}(&word, (${type})next(), ${order}));`,
      `add(__atomic_${name}_fetch(&word, (${type})next(), ${order}));`,
      `add(__atomic_exchange_n(&word, (${type})next(), ${order}));`,
      `if (__atomic_fetch_${name}(&word, ${1 + random(4)}, ${order}) == ${random(4)}) add(7);`,
      `expected = next() & 1 ? word : 3; add(__atomic_compare_exchange_n(&word, &expected, (${type})next(), 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)); add(expected);`,
      `if (__atomic_fetch_${pick(random, ['or', 'and', 'xor'])}(&word, ${1 << random(7)}, ${order}) & ${1 << random(7)}) add(9);`,
      `__atomic_store_n(&word, (${type})next(), __ATOMIC_SEQ_CST); __atomic_thread_fence(__ATOMIC_SEQ_CST); add(__atomic_load_n(&word, __ATOMIC_SEQ_CST));`,
    ]);
  });
  return `static __thread unsigned own${n} = ${random(1000)};
static void f${n}(void)
{
  static ${type} word = ${random(100)};
  ${type} expected = 0;
  ${lines.join('\n  ')}
  add(expected + (own${n} += word));
}
`;
};

const wide: Part = (random, n) => {
  const lines = Array.from({ length: 6 + random(10) }, () => {
    const [x, y] = [pick(random, 'abcd'.split('')), pick(random, 'abcd'.split(''))];
    return pick(random, [
      `${x} = ${x} ${pick(random, ['+', '-', '*', '^', '|', '&'])} ${y};`,
      `if (${y} != 0 && ${y} != -1) ${x} = ${x} ${pick(random, ['/', '%'])} ${y};`,
      `${x} = ${pick(random, ['(unsigned wide)', ''])}${x} ${pick(random, ['<<', '>>'])} (${y} & (8 * sizeof(wide) - 1));`,
      `${x} = ${x} ${pick(random, ['<', '>', '=='])} ${y} ? ${y} : ${x};`,
      `overflow += __builtin_${pick(random, ['add', 'sub', 'mul'])}_overflow(${x}, ${y}, &${pick(random, 'abcd'.split(''))});`,
      `${x} += (wide)(${pick(random, ['double', 'float', 'long double'])})(int64_t)${y};`,
    ]);
  });
  return `static __attribute__((noinline)) void f${n}(void)
{
  wide a = next(), b = (int)next(), c = (wide)next() << (8 * sizeof(wide) / 2 - 1), d = 3;
  int overflow = 0;
  a = a * b;
  ${lines.join('\n  ')}
  add(a); add(a >> (8 * sizeof a - 8)); add(b); add(b >> (8 * sizeof b - 8)); add(c); add(c >> (8 * sizeof c - 8)); add(d); add(overflow); add((int)((double)a * 1e-40)); add((float)d > (long double)c);
}
`;
};

const WIDE = `#ifdef __SIZEOF_INT128__
#define wide __int128
#else
#define wide long long
#endif
`;

const CPP = `#include <algorithm>
#include <complex>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>
struct Counter { static int live; int id; explicit Counter(int n) : id(n) { live++; } Counter(const Counter &c) : id(c.id) { live++; } ~Counter() { live--; } };
int Counter::live = 0;
struct Shape { virtual ~Shape() {} virtual double area() const = 0; };
struct Square : Shape { double a; explicit Square(double x) : a(x) {} double area() const override { return a * a; } };
struct Other { virtual int other(int n) { return n; } };
struct Round : Other, Shape { double r; explicit Round(double x) : r(x) {} double area() const override { return r * r * 3; } int other(int n) override { return n + (int)r; } };
`;

const classes: Part = (random, n) => `static __attribute__((noinline)) int thrower${n}(int depth)
{
  Counter c(depth);
  if (depth == ${random(12)}) throw std::out_of_range("depth " + std::to_string(depth));
  if (depth == ${random(12)}) throw depth;
  if (depth > 12) throw std::string(${1 + random(30)}, 'x');
  try { return thrower${n}(depth + 1) + c.id; } catch (int value) { if (value & 1) throw; return value * ${1 + random(9)}; }
}
static void f${n}()
{
  try { std::cout << thrower${n}(${random(14)}) << "\\n"; } catch (const std::exception &e) { std::cout << e.what() << "\\n"; } catch (const std::string &s) { std::cout << s.size() << "\\n"; } catch (...) { std::cout << "other\\n"; }
  std::vector<std::unique_ptr<Shape>> shapes;
  for (int i = 0; i < 20; i++) if (next() & 1) shapes.push_back(std::make_unique<Square>(i * 0.25)); else shapes.push_back(std::make_unique<Round>(i));
  double area = 0;
  for (auto &s : shapes) { area += s->area(); if (auto *r = dynamic_cast<Other *>(s.get())) area += r->other(${random(9)}); }
  std::map<std::string, int> words;
  std::unordered_map<int, double> table;
  for (int i = 0; i < ${20 + random(200)}; i++) { words[std::to_string(next() % ${3 + random(40)})]++; table[next() % 50] += i * 0.5; }
  std::vector<double> v;
  for (auto &[key, value] : words) v.push_back(value / ${2 + random(9)}.0 + table[std::stoi(key)]);
  ${pick(random, ['std::sort(v.begin(), v.end());', 'std::stable_sort(v.begin(), v.end(), std::greater<>());', 'std::nth_element(v.begin(), v.begin() + v.size() / 2, v.end());', 'std::reverse(v.begin(), v.end());'])}
  std::complex<double> z(1, 0.5);
  for (double x : v) z = z * std::complex<double>(0.5, 0.25) + x;
  std::ostringstream out;
  out << std::hex << next() << ' ' << std::fixed << area << ' ' << std::accumulate(v.begin(), v.end(), 0.0) << ' ' << z << ' ' << Counter::live;
  std::cout << out.str() << "\\n";
  for (char c : out.str()) add(c);
}
`;

export function languageProgram(random: Random): Program {
  const isCpp = random(4) === 0;
  const parts: Part[] = isCpp ? [classes, structures, atomics] : [structures, structures, arguments_, tables, jumps, atomics, wide];
  const functions = Array.from({ length: isCpp ? 3 : 5 + random(10) }, (_, n) => pick(random, parts)(random, n));
  const calls = functions.map((_, n) => `    f${n}(); printf("%d ${n} %016llx\\n", round, (unsigned long long)sum);`);
  const text = `${HEAD.replace('SEED', `${1 + random(2 ** 31)}u`)}${WIDE}${isCpp ? CPP : ''}${functions.join('')}int main()
{
  for (int round = 0; round < ${isCpp ? 2 : 8}; round++) {
${calls.join('\n')}
    fflush(stdout);
  }
  return 0;
}
`;
  // _Bool is C's.
  return {
    kind: 'language',
    language: isCpp ? 'c++' : 'c',
    text: isCpp ? text.replaceAll('_Bool', 'bool') : text,
    flags: ['-fwrapv', ...(isCpp ? ['-std=c++17'] : [])],
    has32: true,
  };
}
