import { describe, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { buildProgram } from '../../src/cli/program.ts';
import { recordingIo, textpoke } from './recording-io.ts';

const verbs = (await buildProgram(recordingIo().io)).commands.map((command) => command.name());

test('--version prints the version of the package', async () => {
  const { exit, stdout } = await textpoke(['--version']);
  expect(stdout()).toBe(`${packageJson.version}\n`);
  expect(exit).toBe(0);
});

describe('help', () => {
  test.each(verbs)('%s --help fits 24 lines of 80 columns and has two examples', async (verb) => {
    const { exit, stdout, stderr } = await textpoke([verb, '--help']);
    const lines = stdout().trimEnd().split('\n');
    expect(exit).toBe(0);
    expect(stderr()).toBe('');
    expect(lines.length).toBeLessThanOrEqual(24);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.slice(lines.indexOf('Examples') + 1)).toHaveLength(2);
  });

  test.each(verbs)('the examples of %s are accepted as far as its flags go', async (verb) => {
    const help = (await textpoke([verb, '--help'])).stdout();
    const examples = help.slice(help.indexOf('Examples\n')).match(/textpoke .*/g) ?? [];
    expect(examples.length).toBe(2);
    const program = await buildProgram(recordingIo().io);
    for (const example of examples) {
      const [name = '', ...args] = example.split(' ').slice(1);
      const command = program.commands.find((candidate) => candidate.name() === name);
      expect(command?.parseOptions(args).unknown, example).toEqual([]);
    }
  });

  test('help VERB is VERB --help, help alone lists every verb in a line of its own, with ten lines besides', async () => {
    expect((await textpoke(['help', 'explore'])).stdout()).toBe((await textpoke(['explore', '--help'])).stdout());
    const { exit, stdout } = await textpoke(['help']);
    expect(exit).toBe(0);
    for (const verb of verbs) expect(stdout()).toMatch(new RegExp(`^  ${verb} `, 'm'));
    expect(stdout().trimEnd().split('\n').length).toBeLessThanOrEqual(verbs.length + 10);
    expect(
      stdout()
        .split('\n')
        .filter((line) => line.length > 80),
    ).toEqual([]);
  });

  test('without a verb the help goes to stderr and the exit code is that of wrong usage', async () => {
    const { exit, stdout, stderr } = await textpoke([]);
    expect([exit, stdout()]).toEqual([129, '']);
    expect(stderr()).toBe((await textpoke(['--help'])).stdout());
  });
});

describe('wrong usage exits 129 and says what, where and what next', () => {
  test.each([
    [['explor', 'F1'], "unknown verb 'explor'", 'did you mean explore?'],
    [['frobnicate'], "unknown verb 'frobnicate'", 'textpoke --help shows what there is'],
    [['help', 'matrx'], "unknown verb 'matrx'", 'did you mean matrix?'],
    [['explore', 'F1', '--fetsh', 'zen3'], "'explore' has no flag '--fetsh'", 'did you mean --fetch?'],
    [['list', '--fetch', 'zen3'], "'list' has no flag '--fetch'", 'textpoke list --help'],
    [['--json', 'list'], "unknown flag '--json'", 'flags come after the verb'],
    [['run'], "missing required argument 'file'", 'textpoke run --help'],
    [['explore', 'F1', 'F2'], 'too many arguments', 'textpoke explore --help'],
    [['explore', 'F1', '--seed'], "'--seed <N>' argument missing", 'textpoke explore --help'],
    [['explore', ''], 'argument 1 is missing or empty', 'textpoke VERB --help'],
  ])('%j', async (argv, what, next) => {
    const { exit, stderr } = await textpoke(argv);
    expect(stderr()).toContain(what);
    expect(stderr()).toContain(next);
    expect(stderr()).toMatch(/^error: .* {3}\[E_USAGE\]\n( {3}.*\n)? {3}hint: .*\n$/);
    expect(exit).toBe(129);
  });
});
