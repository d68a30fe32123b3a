import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { finalStates, guestImage } from './guest.ts';

/** Litmus tests with their complete sets of final states, kept beside the project and not in it. */
const DIRECTORY = fileURLToPath(new URL('../../../shared/data/litmus/', import.meta.url));
/** Families and how many of each are taken: every `step`th test in the order of the oracle. */
const FAMILIES: readonly { readonly directory: string; readonly step: number }[] = [
  { directory: 'gen-hand/', step: 1 },
  { directory: 'gen-diy/', step: 4 },
  { directory: 'gen-random/', step: 4 },
];

interface OracleRecord {
  readonly test: string;
  readonly file: string;
  readonly locations: readonly string[];
  readonly states: readonly Readonly<Record<string, string>>[];
  readonly operational_agrees?: boolean;
  readonly flag_nt?: boolean;
  readonly loop_truncated?: boolean;
}

const NUMBERS = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'];

interface LitmusProgram {
  readonly threads: readonly (readonly string[])[];
  readonly variables: Readonly<Record<string, number>>;
}

/** A line as GNU as has it: `lock;` is a prefix, CMPXCHG names its source first, variables are addressed by RIP. */
const asGnu = (line: string): string =>
  line
    .replace(/^lock;/, 'lock')
    .replace(/(cmpxchg[bwlq]) ([^%]\S*),(%\w+)$/, '$1 $3,$2')
    .replaceAll(/\((?!%)(\w+)\)/g, '$1(%rip)');

/** Threads and variables of a test in herdtools7's format; undefined where it does more than this reader knows (values before the run). */
function parseLitmus(text: string): LitmusProgram | undefined {
  const [head = '', ...rest] = text.split(/^\}\s*$/m);
  // Declarations without a value are zeros; a register may start with the address of a variable.
  const starts = new Map<number, string[]>();
  const pointed: string[] = [];
  for (const statement of head
    .slice(head.indexOf('{') + 1)
    .split(';')
    .map((l) => l.trim())
    .filter((l) => l.includes('='))) {
    const [, thread, register, variable] = /^(\d+):(\w+)\s*=\s*([a-z]\w*)$/.exec(statement) ?? [];
    if (thread === undefined || variable === undefined) return undefined;
    pointed.push(variable);
    starts.set(Number(thread), [...(starts.get(Number(thread)) ?? []), `leaq ${variable}(%rip), %${register}`]);
  }
  const rows = rest
    .join('')
    .split('\n')
    .map((l) => l.trim())
    .filter((l) => l.endsWith(';'))
    .map((l) =>
      l
        .slice(0, -1)
        .split('|')
        .map((c) => c.trim()),
    );
  const [names, ...lines] = rows;
  if (names === undefined) return undefined;
  const code = names.map((_, n) => lines.map((row) => row[n] ?? '').filter((c) => c !== ''));
  const named = code.flat().flatMap((line) => [...line.matchAll(/\((\w+)\)/g)].map((m) => m[1] as string));
  const threads = code.map((own, n) => [...(starts.get(n) ?? []), ...own.map(asGnu)]);
  return { threads, variables: Object.fromEntries([...new Set([...named, ...pointed])].sort().map((v) => [v, 0])) };
}

const available = existsSync(`${DIRECTORY}oracle.json`);
if (!available) console.warn('litmus oracle: no data beside the project, the comparison is skipped');

test.skipIf(!available)('final states of generated litmus tests are those of the oracle', { timeout: 120_000 }, () => {
  const { tests } = JSON.parse(readFileSync(`${DIRECTORY}oracle.json`, 'utf8')) as { tests: OracleRecord[] };
  const exact = tests.filter((t) => t.operational_agrees === true && t.flag_nt !== true && t.loop_truncated !== true);
  const chosen = FAMILIES.flatMap(({ directory, step }) =>
    exact.filter((t) => t.file.startsWith(directory)).filter((_, n) => n % step === 0),
  );
  const different: string[] = [];
  const unsupported: string[] = [];
  let equal = 0;
  for (const record of chosen) {
    const program = parseLitmus(readFileSync(`${DIRECTORY}tests/${record.file}`, 'utf8'));
    if (program === undefined) {
      unsupported.push(record.file);
      continue;
    }
    const unnamed = Object.fromEntries(record.locations.filter((l) => !l.includes(':')).map((l) => [l, 0]));
    const source = program.threads.map((lines, n) => `P${n}:\n${lines.join('\n')}\njmp cpu_idle\n`).join('');
    const image = guestImage(source, { ...unnamed, ...program.variables });
    const found = finalStates(
      image,
      program.threads.map((_, n) => `P${n}`),
      { memory: 'tso', fetch: 'coherent' },
      (world) =>
        record.locations
          .map((location) => {
            const [core, register] = location.split(':');
            return register === undefined
              ? world.lab.readLong(0, world.lab.symbol(location))
              : world.machine.cores[Number(core)]!.gpr(NUMBERS.indexOf(register));
          })
          .join(' '),
    );
    const wanted = record.states.map((state) => record.locations.map((l) => state[l] ?? '0').join(' ')).sort();
    if (found.join() === wanted.join()) equal++;
    else different.push(`${record.file}: found ${found.join(', ')}; wanted ${wanted.join(', ')}`);
  }
  console.info(`litmus oracle: ${equal} equal, ${different.length} different, ${unsupported.length} unsupported of ${chosen.length}`);
  expect(different).toEqual([]);
  expect(unsupported).toEqual([]);
  expect(equal).toBeGreaterThan(100);
});
