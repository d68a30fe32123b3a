import fc from 'fast-check';
import type { World } from '../../src/explore/world.ts';
import type { Image } from '../../src/image/image.ts';
import { icachePolicy } from '../../src/machine/policy/icache.ts';
import type { AnyFetchPolicy } from '../../src/machine/policy/policy.ts';
import { alias, collector, guestImage, guestWorld, wholeGraph } from './guest.ts';

/** A program that writes code: a text for each thread. */
export type CodeProgram = readonly string[];

const SITES = 3;
/** Site n is `mov $0x11, %bl` in a line of its own; what it gave is appended to r9. */
const site = (n: number): string => `.p2align 6, 0x90\nsite${n}:\nmovb $0x11, %bl\nshlq $8, %r9\nmovb %bl, %r9b\n`;

/** Stores to a site: the new value or another one, through the write alias or where it is executed. */
const STORES: Readonly<Record<string, (n: number) => string>> = {
  W: (n) => `${alias(`site${n}`, '%rdi', '%rsi')}\nmovb $0x22, 1(%rdi)\n`,
  X: (n) => `${alias(`site${n}`, '%rdi', '%rsi')}\nmovb $0x33, 1(%rdi)\n`,
  O: (n) => `movb $0x22, 1+site${n}(%rip)\n`,
};

/** A line is a statement: `W0`, `S1`, or assembly as it is. A site can be executed at one place only. `7:` is the start of the thread. */
function assembly(text: string, thread: number): string {
  const lines = text
    .trim()
    .split('\n')
    .map((line) => {
      const [what, n] = [line[0] as string, Number(line[1])];
      if (/^[WXO]\d$/.test(line)) return (STORES[what] as (n: number) => string)(n);
      return /^S\d$/.test(line) ? site(n) : `${line}\n`;
    });
  return `P${thread}:\nxorl %ebp, %ebp\n7:\n${lines.join('')}jmp cpu_idle\n`;
}

/** Sites that no thread executes are behind the last one. */
export function programImage(program: CodeProgram): Image {
  const unused = Array.from({ length: SITES }, (_, n) => n).filter((n) => !program.some((text) => text.includes(`S${n}`)));
  return guestImage(program.map(assembly).join('') + unused.map(site).join(''), { flag: 0, x: 0 });
}

/** All final values of r8 and r9 of a program. `spoil` may break a world before it begins. */
export function endsOf(
  program: CodeProgram,
  fetch: string | AnyFetchPolicy,
  memory: 'sc' | 'tso' = 'tso',
  spoil: (world: World) => void = () => {},
): string[] {
  const image = programImage(program);
  const found = new Set<string>();
  const { outcome } = wholeGraph(
    () => {
      const world = guestWorld(image, program.length, { memory, fetch });
      world.checkers.push(collector(found, (w) => w.machine.cores.map((c) => `${c.gpr(8)} ${c.gpr(9).toString(16)}`).join(', ')));
      program.forEach((_, core) => world.add({ core, entry: `P${core}` }));
      spoil(world);
      return world;
    },
    {},
    () => found.clear(),
  );
  // A cache that keeps filling and dropping lines is a livelock.
  if (found.size === 0 || outcome.violations.length > 0) throw new Error('not every run comes to its end');
  return [...found].sort();
}

/** The default, one set that three sites crowd, sets of one way, and a cache without a window. */
export const CACHES: readonly AnyFetchPolicy[] = [
  icachePolicy({ sets: 2, ways: 2, prefetch: 1 }),
  icachePolicy({ sets: 1, ways: 2, prefetch: 2 }),
  icachePolicy({ sets: 2, ways: 1, prefetch: 1 }),
  icachePolicy({ sets: 4, ways: 4, prefetch: 0 }),
];

const CPUID = 'xorl %eax, %eax\nxorl %ecx, %ecx\ncpuid';
const statement = fc.constantFrom('movq $1, flag(%rip)', 'movq flag(%rip), %r8', 'mfence', CPUID, CPUID, 'jmp 9f\n9:');
const store = fc.tuple(fc.constantFrom('W', 'X', 'O'), fc.nat({ max: SITES - 1 })).map(([how, n]) => `${how}${n}`);
/** `again`: the whole thread a second time. */
const thread = (parts: readonly string[], again: boolean): string =>
  [...parts, ...(again ? ['incl %ebp\ncmpl $2, %ebp\njne 7b\nxorl %ebp, %ebp'] : [])].join('\n');

const writer = fc
  .tuple(fc.array(statement, { maxLength: 1 }), store, fc.array(fc.oneof(store, statement), { maxLength: 2 }))
  .map(([before, first, after]) => thread([...before, first, ...after], false));
const runner = fc
  .tuple(
    fc.array(statement, { maxLength: 2 }),
    fc.uniqueArray(fc.constantFrom('S0', 'S1', 'S2'), { minLength: 1, maxLength: 3 }),
    fc.array(fc.oneof(statement, store), { maxLength: 3 }),
    fc.boolean(),
  )
  .map(([before, [first, ...more], between, again]) => thread([...before, first as string, ...between, ...more], again));

/** A writer and a core that executes what it writes. */
export const codePrograms = fc.tuple(writer, runner);
