// Checks the order of the layers and what must not be reached for in a deterministic one (globals such as Date are Biome's part).
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folders of src/, from the ground up: a file imports its own folder and the folders before it. */
const LAYERS: readonly string[] = [
  'isa',
  'engine',
  'machine',
  'image',
  'patch',
  'kernel',
  'explore',
  'scenario',
  'debug',
  'gdb',
  'dap',
  'campaign',
  'vitest',
  'cli',
  'web',
];

const LAST_DETERMINISTIC = LAYERS.indexOf('scenario');
/** Files directly in src/ that every layer may use. */
const FREE_FILES = ['error.ts', 'suggest.ts'];
/** Packages that a deterministic layer may use, and where. They compute; they do no I/O of their own. */
const PURE_PACKAGES: Record<string, readonly string[]> = {
  'iced-x86': ['isa', 'engine', 'machine', 'image', 'patch', 'kernel', 'explore', 'scenario'],
  '@defasm/core': ['image'],
  'keystone-wasm': ['image'],
};

/** One broken rule. `file` is relative to src/, `line` counts from 1, `what` is the import or the expression. */
export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly what: string;
  readonly rule: string;
}

const IMPORT = /\b(?:from|import)\s*\(?\s*(['"])([^'"\s,]+)\1/g;
const CHANCE = /\bMath\s*(?:\.\s*|\[\s*['"])random\b/g;
const COMMENT = /\/\*[\s\S]*?\*\/|(?<=^|[\s;{}(),])\/\/[^\n]*/g;

/** Checks one file. `file` is its path relative to src/ with forward slashes. Pure. */
export function checkFile(file: string, source: string): Finding[] {
  const findings: Finding[] = [];
  const folder = file.includes('/') ? file.slice(0, file.indexOf('/')) : '';
  const layer = LAYERS.indexOf(folder);
  const deterministic = layer >= 0 && layer <= LAST_DETERMINISTIC;
  // Blank comments out, keeping the line breaks, so that prose about an import is not one.
  const code = source.replace(COMMENT, (comment) => comment.replace(/[^\n]/g, ' '));
  const report = (at: number, what: string, rule: string): void => {
    findings.push({ file, line: code.slice(0, at).split('\n').length, what, rule });
  };
  if (folder !== '' && layer < 0) report(0, file, `src/${folder} is not a layer: ${LAYERS.join(', ')}`);

  for (const match of code.matchAll(IMPORT)) {
    const specifier = match[2] ?? '';
    if (specifier.startsWith('.')) {
      const target = normalize(join(dirname(file), specifier))
        .split(sep)
        .join('/');
      const targetFolder = target.includes('/') ? target.slice(0, target.indexOf('/')) : '';
      if (target.startsWith('../')) report(match.index, specifier, 'src imports nothing outside src');
      else if (!/\.ts$/.test(specifier) && !(folder === 'web' && /\.(svelte|css)$/.test(specifier)))
        report(match.index, specifier, 'a relative import names the file with its .ts extension');
      else if (targetFolder === '') {
        const free = FREE_FILES.includes(target);
        const mayUseAny = file === 'index.ts' || layer > LAST_DETERMINISTIC;
        if (!free && !mayUseAny)
          report(match.index, specifier, `of the files in src/ only ${FREE_FILES.join(' and ')} are free for all layers`);
      } else if (file !== 'index.ts' && LAYERS.indexOf(targetFolder) > layer) {
        report(
          match.index,
          specifier,
          `${folder || file} is below ${targetFolder}: a file imports its own folder and those above it in the list`,
        );
      }
    } else if (deterministic && !PURE_PACKAGES[specifier]?.includes(folder)) {
      report(
        match.index,
        specifier,
        `${folder} is deterministic and runs in a browser: no node: module and no package that is not listed for it`,
      );
    }
  }
  if (deterministic) for (const match of code.matchAll(CHANCE)) report(match.index, match[0], 'chance has one door: choose()');
  return findings;
}

/** Checks every .ts file below `src` (a path). */
export function checkTree(src: string): Finding[] {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  return files.sort().flatMap((name) => checkFile(name.split(sep).join('/'), readFileSync(join(src, name), 'utf8')));
}

/** One line for a person: file, line, import, rule. */
export function describeFinding(finding: Finding): string {
  return `src/${finding.file}:${finding.line}: ${finding.what}: ${finding.rule}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const src = join(dirname(dirname(fileURLToPath(import.meta.url))), 'src');
  const findings = checkTree(src);
  for (const finding of findings) console.error(describeFinding(finding));
  console.log(`layers: ${findings.length} broken rule${findings.length === 1 ? '' : 's'} in ${relative(process.cwd(), src) || '.'}`);
  process.exitCode = findings.length === 0 ? 0 : 1;
}
