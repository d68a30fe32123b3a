/**
 * Writes docs/isa.md: what of the instruction set runs, and what stands behind it. tsx tools/isa-page.ts
 * A test compares the page with what this makes.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { byFeatures, type Coverage, coverage } from '../src/cli/isa-coverage.ts';
import type { CodeSize } from '../src/isa/mode.ts';
import { root } from './build-fixtures.ts';
import { VectorDirectory } from './silicon/vectors.ts';

export const PAGE = join(root, 'docs/isa.md');

/** How many committed vectors there are of each iced Code. */
function committedVectors(codeSize: CodeSize): ReadonlyMap<string, number> {
  const vectors = new VectorDirectory(join(root, 'fixtures/silicon'));
  const counts = new Map<string, number>();
  for (const name of vectors.classes.filter((c) => (/-(16|32)$/.exec(c)?.[1] ?? '64') === String(codeSize)))
    for (const { id } of vectors.read(name)) {
      const code = id.slice(0, id.lastIndexOf('/'));
      counts.set(code, (counts.get(code) ?? 0) + 1);
    }
  return counts;
}

const part = (some: number, all: number): string => (some === all ? String(all) : `${some} of ${all}`);
const engines = ({ run, regions, encodings }: Coverage): string =>
  run === 0 ? '**no**' : `${part(run, encodings)} | ${regions === 0 ? '-' : part(regions, encodings)}`;

/** What the other sizes of code have, in a paragraph each, and a table of what only they have. */
function otherSizes(only64: ReadonlySet<string>): string {
  const sizes = ([32, 16] as const).map((codeSize) => {
    const list = coverage(codeSize);
    const counts = committedVectors(codeSize);
    const vectorsOf = ({ codes }: Coverage): number => codes.reduce((sum, code) => sum + (counts.get(code) ?? 0), 0);
    return { codeSize, list, vectorsOf, counts };
  });
  const said = sizes.map(({ codeSize, list, counts }) => {
    const baseline = list.filter((entry) => entry.baseline);
    const [run, all] = [baseline.reduce((n, e) => n + e.run, 0), baseline.reduce((n, e) => n + e.encodings, 0)];
    const missing = baseline.filter((entry) => entry.run === 0).map(({ mnemonic }) => mnemonic);
    const vectors = [...counts.values()].reduce((a, b) => a + b, 0);
    const rest = missing.length === 0 ? 'no mnemonic is missing' : `not there: ${missing.join(', ')}`;
    return `* ${codeSize}-bit code: ${part(run, all)} encodings within x86-64-v3 run, ${rest}; ${vectors} vectors.`;
  });
  const names = [...new Set(sizes.flatMap(({ list }) => list.map(({ mnemonic }) => mnemonic)))].filter((name) => !only64.has(name)).sort();
  const rows = names.map((name) => {
    const cells = sizes.flatMap(({ list, vectorsOf }) => {
      const entries = list.filter(({ mnemonic }) => mnemonic === name);
      const [run, all] = [entries.reduce((n, e) => n + e.run, 0), entries.reduce((n, e) => n + e.encodings, 0)];
      return [all === 0 ? '-' : part(run, all), String(entries.reduce((n, e) => n + vectorsOf(e), 0) || '-')];
    });
    return `| ${name} | ${cells.join(' | ')} |`;
  });
  return `${said.join('\n')}

Mnemonics that 64-bit code does not have:

| mnemonic | run, 32 bits | vectors | run, 16 bits | vectors |
|---|---|---|---|---|
${rows.join('\n')}`;
}

/** The page as it should be. */
export function isaPage(): string {
  const vectors = committedVectors(64);
  const all = coverage();
  const vectorsOf = ({ codes }: Coverage): number => codes.reduce((sum, code) => sum + (vectors.get(code) ?? 0), 0);
  const baseline = all.filter((entry) => entry.baseline);
  const total = (list: readonly Coverage[], of: (entry: Coverage) => number): number => list.reduce((sum, entry) => sum + of(entry), 0);
  const missing = baseline.filter(({ run }) => run === 0).map(({ mnemonic }) => mnemonic);
  const sections = [...byFeatures(all)].map(([features, list]) =>
    [
      `### ${features}${list[0]!.baseline ? '' : ' (beyond x86-64-v3)'}`,
      '',
      '| mnemonic | run | regions | vectors |',
      '|---|---|---|---|',
      ...list.map((entry) => `| ${entry.mnemonic} | ${engines(entry)}${entry.run === 0 ? ' |' : ''} | ${vectorsOf(entry) || '-'} |`),
    ].join('\n'),
  );
  return `# The instruction set

Made by \`npx tsx tools/isa-page.ts\` from the decoder's tables: each mnemonic of 64-bit mode that an x86-64-v3 processor has, then what runs beyond that. \`textpoke doctor --isa\` says the
same of an installation, without vectors.

* *run*: how many of its encodings (legacy and VEX) the reference and the interpreter execute; they always execute the same ones. **no**: it stops with its bytes, address and name.
* *regions*: how many of these compiled regions hold; at the others a region ends and the interpreter goes on. System instructions are never part of one.
* Hints of features that CPUID does not report (ENDBR64, CLDEMOTE) are NOPs, as on such a processor.
* Not counted: near branches with a 66 prefix, which vendors read in two ways (here as Intel does), UD0, and x87 instructions with FWAIT, which are two.
* *vectors*: committed vectors of these encodings, recorded on a CPU (\`fixtures/silicon\`), which reference and interpreter pass. \`npm run record:silicon\` makes more.

Within x86-64-v3 ${part(
    total(baseline, (e) => e.run),
    total(baseline, (e) => e.encodings),
  )} encodings of ${new Set(baseline.map(({ mnemonic }) => mnemonic)).size} mnemonics run, ${total(baseline, (e) => e.regions)} also in regions; ${total(all, (e) => vectorsOf(e))} vectors on this page.
${missing.length === 0 ? 'None is missing.' : `Not there: ${missing.join(', ')}.`}

${sections.join('\n\n')}

## 32- and 16-bit code

Of real, protected and compatibility mode. Reference and interpreter run the same encodings; no region holds them.

${otherSizes(new Set(all.map(({ mnemonic }) => mnemonic)))}
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(PAGE, isaPage());
