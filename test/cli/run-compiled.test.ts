import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { textpoke } from './recording-io.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

function hasGcc(): boolean {
  try {
    return execFileSync('gcc', ['-dumpmachine'], { encoding: 'utf8' }).startsWith('x86_64');
  } catch {
    return false;
  }
}

/** The host must have what the programs are compiled for. */
const canCompare = existsSync('/proc/cpuinfo') && /\bavx2\b/.test(readFileSync('/proc/cpuinfo', 'utf8')) && hasGcc();

/** A program that prints 64-bit numbers through `put`: on the host by write(2), on the machine to the serial port. */
const PROGRAM = `
typedef unsigned long u64;
static char text[4096];
static int used;
static void put(u64 value) {
  for (int n = 60; n >= 0; n -= 4) text[used++] = "0123456789abcdef"[(value >> n) & 15];
  text[used++] = '\\n';
}
union number { double d; u64 u; float f[2]; };
static void put_double(double d) { union number n = { .d = d }; put(n.u); }
static double a[64], b[64];
static void work(volatile double *seed) {
  long double sum = 0;
  float least = 1e30f;
  for (int n = 0; n < 64; n++) { a[n] = *seed * (n + 1) / 3; b[n] = __builtin_sqrt(a[n]) - n; }
  for (int n = 0; n < 64; n++) { double t = a[n] * b[63 - n] + b[n]; b[n] = t < 0 ? -t : t; if ((float)t < least) least = (float)t; }
  for (int n = 0; n < 64; n++) { sum += (long double)a[n] / b[n]; if (n % 8 == 0) put_double(b[n]); }
  put_double((double)sum); put_double(least);
  put((u64)(sum * 1000)); put((u64)(long)(a[5] * -1e6)); put((u64)(unsigned)(float)a[7]);
  put_double((double)(long)(sum * 7)); put_double((double)(u64)0xfedcba9876543210);
  for (int n = 0; n < 4; n++) put_double((double)(long)(b[n] * 100) / (double)(int)(b[n + 1] + 2));
}
#ifdef HOST
#include <unistd.h>
int main(void) { volatile double seed = 0.7; work(&seed); return write(1, text, used) != used; }
#else
unsigned main(u64 core, u64 cores) {
  volatile double seed = 0.7;
  (void)core; (void)cores;
  work(&seed);
  for (int n = 0; n < used; n++) __asm__ volatile("outb %0, %1" : : "a"(text[n]), "Nd"((unsigned short)0x3f8));
  return 0;
}
#endif
`;

describe.skipIf(!canCompare)('compiled programs print what they print on the host', () => {
  const folder = canCompare ? mkdtempSync(join(tmpdir(), 'textpoke-compiled-')) : '';
  afterAll(() => {
    if (folder !== '') rmSync(folder, { recursive: true });
  });

  test.each([['-O0'], ['-O2'], ['-O3', '-march=x86-64-v3'], ['-O3', '-march=x86-64-v3', '-ffast-math'], ['-O2', '-mfpmath=387']])(
    '%s %s %s',
    async (...flags) => {
      const at = (name: string): string => join(folder, name);
      const gcc = (...args: readonly string[]): unknown => execFileSync('gcc', args, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
      const own = [
        '-std=gnu11',
        '-fno-pic',
        '-fno-math-errno',
        '-fno-stack-protector',
        '-mno-red-zone',
        ...flags.filter((flag) => flag !== undefined),
      ];
      writeFileSync(at('program.c'), PROGRAM);
      gcc(...own, '-DHOST', '-no-pie', '-o', at('host'), at('program.c'));
      const expected = execFileSync(at('host'), { encoding: 'utf8' });
      gcc(...own, '-ffreestanding', '-c', '-o', at('program.o'), at('program.c'));
      gcc('-c', '-o', at('start.o'), 'fixtures/run/start.S');
      const link = [
        '-static',
        '-nostdlib',
        '--no-warn-rwx-segments',
        '-T',
        'fixtures/run/run.lds',
        '-o',
        at('guest'),
        at('start.o'),
        at('program.o'),
      ];
      execFileSync('ld', link, { cwd: root });
      const { exit, stdout } = await textpoke(['run', 'guest.elf', '--quiet'], { files: { 'guest.elf': readFileSync(at('guest')) } });
      expect(stdout()).toBe(expected);
      expect(exit).toBe(0);
      expect(expected.split('\n').length).toBeGreaterThan(15);
    },
  );
});
