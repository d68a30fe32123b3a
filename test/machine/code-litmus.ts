import { siteChecker } from '../../src/explore/checkers/site.ts';
import type { Site } from '../../src/explore/site.ts';
import type { World } from '../../src/explore/world.ts';
import type { Image } from '../../src/image/image.ts';
import type { FetchPolicyName } from '../../src/machine/policy/policy.ts';
import { alias, collector, type GuestModels, guestImage, guestWorld, wholeGraph } from './guest.ts';

/** What a policy says of an outcome: forbidden, allowed, allowed and reported. */
export type Verdict = 'F' | 'A' | 'A+V';

/** A test of cross-modifying code: the site S is `mov $imm32, %ebx` with the old immediate, or the new one. */
export interface CodeTest {
  readonly name: string;
  /** Threads as assembly; `SITE` stands for S and may occur once. Each leaves what it saw in r8 (data), r9 and r10 (executed). */
  readonly threads: readonly string[];
  /** The outcome in question. */
  readonly outcome: (final: Final) => boolean;
  /** In the order of `POLICIES`. */
  readonly verdicts: readonly [Verdict, Verdict, Verdict, Verdict, Verdict];
  /** Byte of S in its cache line; default 0. */
  readonly at?: number;
  /** Where a verdict is not that of the family's table: why. */
  readonly differs?: string;
}

/** r8, r9, r10 of each thread, as numbers. */
export type Final = readonly { readonly r8: number; readonly r9: number; readonly r10: number }[];

export const POLICIES: readonly FetchPolicyName[] = ['coherent', 'zen3', 'amd-apm', 'intel-sdm', 'strict'];

export const OLD = 0x11111111;
export const NEW = 0x22222222;
/** `mov $imm32, %ebx` is 5 bytes: BB and the immediate. */
const instruction = (immediate: number): Uint8Array => Uint8Array.of(0xbb, ...[0, 8, 16, 24].map((s) => (immediate >>> s) & 0xff));

/** S at byte `at` of its cache line, in straight line. */
const site = (at: number): string => `.p2align 6, 0x90\n.fill ${at}, 1, 0x90\nsite:\nmovl $0x${OLD.toString(16)}, %ebx\n`;

/** One aligned eight-byte store of the new instruction (S at byte 0 to 3 of its quadword) to the address in `register`. */
export const storeQuadword = (register: string): string =>
  `movq (${register}), %rcx\nmovabsq $0xffffff00000000ff, %rdx\nandq %rdx, %rcx\nmovabsq $0x${(BigInt(NEW) << 8n).toString(16)}, %rdx\norq %rdx, %rcx\nmovq %rcx, (${register})\n`;

/** The immediate alone in one store of four bytes, wherever it lies. */
export const storeImmediate = (register: string): string => `movl $0x${NEW.toString(16)}, 1(${register})\n`;

export const ALIAS = alias('site', '%rdi', '%rsi');
export const SAME = 'leaq site(%rip), %rdi';

export function codeImage(test: CodeTest): Image {
  const source = test.threads.map((text, n) => `P${n}:\n${text.replace('SITE', site(test.at ?? 0))}\njmp cpu_idle\n`).join('');
  return guestImage(source, { flag: 0, x: 0 });
}

const siteOf = (world: World): Site => ({
  name: 'S',
  address: world.lab.symbol('site'),
  versions: [instruction(OLD), instruction(NEW)],
  final: 1,
});

function world(image: Image, test: CodeTest, models: GuestModels): World {
  const made = guestWorld(image, test.threads.length, models);
  made.sites.push(siteOf(made));
  test.threads.forEach((_, core) => made.add({ core, entry: `P${core}` }));
  return made;
}

/** All final register values of a test, one line each. */
export function outcomesOf(test: CodeTest, models: GuestModels): string[] {
  const image = codeImage(test);
  const found = new Set<string>();
  const done = wholeGraph(
    () => {
      const made = world(image, test, models);
      made.checkers.push(
        collector(found, (w) =>
          JSON.stringify(w.machine.cores.map((c) => ({ r8: Number(c.gpr(8)), r9: Number(c.gpr(9)), r10: Number(c.gpr(10)) }))),
        ),
      );
      return made;
    },
    {},
    () => found.clear(),
  );
  done.world.release();
  // A search that finishes no run would forbid everything.
  if (found.size === 0) throw new Error(`${test.name}: no run comes to its end`);
  return [...found].sort();
}

/** Whether the code-race sanitizer decides against a run of the test. */
function reported(test: CodeTest, models: GuestModels): boolean {
  const image = codeImage(test);
  const done = wholeGraph(() => {
    const made = world(image, test, models);
    made.checkers.push(siteChecker());
    return made;
  });
  done.world.release();
  return done.outcome.violations.some((v) => v.check === 'code-race');
}

/** What the machine says of a test under some models. */
export function verdictOf(test: CodeTest, models: GuestModels): Verdict {
  const allowed = outcomesOf(test, models).some((line) => test.outcome(JSON.parse(line) as Final));
  if (!allowed) return 'F';
  return reported(test, models) ? 'A+V' : 'A';
}
