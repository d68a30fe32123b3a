import { parseArgs } from 'node:util';
import { Exit, TextpokeError } from '../src/error.ts';
import { report } from './silicon/report.ts';
import { runVectors } from './silicon/run.ts';
import { TARGETS } from './silicon/targets.ts';
import { VectorDirectory } from './silicon/vectors.ts';

const USAGE = `usage: npm run conformance:silicon -- DIR [--engine NAME] [--class NAME[:PREFIX]...]
Runs recorded silicon vectors: CLASS.jsonl.gz or CLASS.jsonl in DIR, in the format of fixtures/silicon/README.md.
NAME:PREFIX takes the records of a class whose id starts with PREFIX.

engines: reference (the default), interpreter; region compiles each instruction first and says what it could not; judge is the reference alone, on flat memory

Exit code 0 when all pass, 1 when one fails or is unimplemented, 128 for a damaged file, 129 for a wrong command line.`;

interface Options {
  readonly directory: string;
  readonly engine: string;
  readonly classes: readonly string[];
}

function optionsOf(args: string[]): Options {
  const { values, positionals } = parse(args);
  // `--class a b c`: what follows a class name without a dash names more classes.
  const [directory, ...more] = positionals;
  if (directory === undefined) throw new TextpokeError('E_USAGE', 'no directory of vectors', { hint: USAGE });
  const classes = values.class ?? [];
  if (more.length > 0 && classes.length === 0)
    throw new TextpokeError('E_USAGE', 'more than one directory', { where: more[0], hint: USAGE });
  return { directory, engine: values.engine, classes: [...classes, ...more].flatMap((name) => name.split(',')) };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: { engine: { type: 'string', default: 'reference' }, class: { type: 'string', multiple: true } },
    });
  } catch (error) {
    throw new TextpokeError('E_USAGE', error instanceof Error ? error.message : String(error), { hint: USAGE });
  }
}

/** Runs the command; returns its exit code. */
function main(args: string[]): number {
  if (args.includes('--help')) {
    console.log(USAGE);
    return Exit.ok;
  }
  const { directory, engine, classes } = optionsOf(args);
  const create = TARGETS[engine];
  if (create === undefined) {
    throw new TextpokeError('E_USAGE', `unknown engine '${engine}'`, { hint: `known: ${Object.keys(TARGETS).join(', ')}` });
  }
  const vectors = new VectorDirectory(directory);
  const wanted = classes.length > 0 ? classes : vectors.classes;
  for (const name of wanted) {
    if (vectors.classes.includes(name.split(':')[0])) continue;
    throw new TextpokeError('E_USAGE', `unknown class '${name}'`, { where: directory, hint: `known: ${vectors.classes.join(', ')}` });
  }
  const target = create();
  console.log(`${target.name} engine, vectors of ${directory}`);
  let clean = true;
  for (const name of wanted) {
    const [file, prefix] = name.split(':');
    const records = vectors.read(file, prefix);
    if (records.length === 0) throw new TextpokeError('E_USAGE', `no records match '${name}'`, { where: directory });
    const result = runVectors(target, records);
    console.log(report(name, result));
    clean &&= result.passed === result.total;
  }
  const summary = target.summary?.();
  if (summary !== undefined) console.log(summary);
  return clean ? Exit.ok : Exit.violation;
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof TextpokeError)) throw error;
  console.error(`error: ${error.message}${error.where === undefined ? '' : ` (${error.where})`}`);
  if (error.hint !== undefined) console.error(error.hint);
  process.exitCode = error.exitCode;
}
