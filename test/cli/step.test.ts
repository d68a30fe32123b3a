import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type StepOptions, stepAction } from '../../src/cli/actions/step.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { COMMANDS } from '../../src/debug/stepper/commands.ts';
import { root } from '../../tools/bootstrap.mjs';
import { recordingIo, type World } from './recording-io.ts';

const image = `${root}/fixtures/lab/lab.elf`;
const files = { [image]: readFileSync(image) };

/** The cursor is shown, and the screen is what it was before. */
const LEAVE = '\x1b[?25h\x1b[?1049l';
const TOKEN = 'tp1_AyDJUVKWAxwIAgEDAQEFAQICAQEEAADh1g';

const options: StepOptions = {
  cores: undefined,
  memory: undefined,
  fetch: undefined,
  engine: undefined,
  search: undefined,
  seed: 1,
  seedIsDefault: true,
  maxSeconds: undefined,
  maxSteps: undefined,
  maxMemory: undefined,
  jobs: undefined,
  json: false,
  quiet: false,
  verbose: false,
  color: true,
  width: 80,
  out: undefined,
  target: { token: TOKEN },
  scenarios: undefined,
  variant: undefined,
  victims: undefined,
  at: undefined,
};

/** Lines from somewhere that is no terminal. */
const given = (text: string, isTyped = false): Terminal => ({
  isScreen: false,
  isTyped,
  size: () => ({ columns: 80, rows: 24 }),
  write: () => {},
  keys: () => () => {},
  async *lines() {
    yield* text.split('\n');
  },
});

async function lines(text: string, more: Partial<StepOptions> = {}, world: World = {}) {
  const recording = recordingIo({ files, ...world });
  const exit = await stepAction({ ...options, ...more }, recording.io, given(text));
  return { exit, out: recording.stdout(), err: recording.stderr() };
}

/** Keys for a screen of this size, one after the other; gives what was drawn after each. */
async function keys(typed: readonly string[], more: Partial<StepOptions> = {}, world: World = {}) {
  const recording = recordingIo({ tty: true, files, ...world });
  const drawn: string[] = [''];
  let restored = 0;
  const terminal: Terminal = {
    isScreen: true,
    isTyped: true,
    size: () => ({ columns: 80, rows: 24 }),
    write: (text) => void drawn.push(`${drawn.pop() ?? ''}${text}`),
    keys(hear) {
      const next = (n: number): void => {
        if (typed[n] === undefined) return;
        drawn.push('');
        hear(typed[n]);
        whenStill(() => next(n + 1));
      };
      // What runs has its turns in between.
      const whenStill = (then: () => void): void => {
        const isRunning = drawn.at(-1)?.split('\x1b[H').at(-1)?.includes('running: any key stops it') === true;
        setTimeout(isRunning ? () => whenStill(then) : then, 1);
      };
      setTimeout(() => next(0), 0);
      return () => void restored++;
    },
    lines: () => given('').lines(),
  };
  const exit = await stepAction({ ...options, ...more }, recording.io, terminal);
  return { exit, drawn, restored, out: recording.stdout() };
}

/** Compares with a golden file; TEXTPOKE_ACCEPT=1 writes it. */
function expectGolden(name: string, text: string): void {
  const path = new URL(`./golden/${name}`, import.meta.url);
  if (process.env.TEXTPOKE_ACCEPT === '1') writeFileSync(path, text);
  expect(text).toBe(readFileSync(path, 'utf8'));
}

describe('line by line', () => {
  test('a session is a transcript, the same every time', async () => {
    const session =
      'goto @20\n2\ncontinue\nrestore\nwho ftrace_call\nfind modifying_ftrace_code = 0\ncode\nrun\nregisters\nnonsense\ntoken\nquit';
    const { exit, out } = await lines(session);
    expectGolden('step-session.txt', out);
    expect((await lines(session)).out).toBe(out);
    expect(exit).toBe(129);
  });

  test('what was taken by hand is the token at the end', async () => {
    const { exit, out } = await lines('@20\n3\nc');
    expect(exit).toBe(0);
    const token = /replay {3}textpoke replay (tp1_\S+)\n$/.exec(out)?.[1];
    expect(token).toBeDefined();
    expect(token).not.toBe(TOKEN);
    const again = await lines('goto end', { target: { token: token! } });
    expect(again.out).toContain('the end: nothing more can happen');
    expect(again.out).toContain(`textpoke replay ${token}`);
  });

  test('a scenario begins with its shortest run that fails, and --at says where', async () => {
    const { out, err } = await lines('', { target: { scenario: 'F1' }, variant: 'no-final-sync', at: '@20' });
    expect(err).toBe('ftrace/late-handler no-final-sync: the shortest run that fails\n');
    expect(out).toContain('\n@20 of 28     recorded run\n');
    expect(out).toContain(`replay   textpoke replay ${TOKEN}\n`);
  });

  test('a variant that holds goes on by itself', async () => {
    const { err, out } = await lines('goto end', { target: { scenario: 'F1' }, variant: 'final-sync', quiet: false });
    expect(err).toContain('goes on by itself: none was found that fails');
    expect(out).toContain('the end: nothing more can happen');
  });

  test('no line is wider than --width, none has a colour or a trailing space unless asked for', async () => {
    for (const width of [40, 60, 120]) {
      const { out } = await lines('@20\nbytes\ncode\nrun\nregisters\ncores\nchoices\nhelp', { width });
      for (const line of out.split('\n').filter((l) => !/^(replay|\S+ +\S.*) /.test(l))) expect(line.length).toBeLessThanOrEqual(width);
      expect(out).not.toContain('\x1b');
    }
    expect((await lines('', {}, { env: { FORCE_COLOR: '1' } })).out).toContain('\x1b[1m');
    expect((await lines('', { color: false }, { env: { FORCE_COLOR: '1' } })).out).not.toContain('\x1b');
    expect((await lines('', {}, { env: { FORCE_COLOR: '1', NO_COLOR: '1' } })).out).not.toContain('\x1b');
  });

  test('what does not fit is refused with a word about it', async () => {
    await expect(lines('', { variant: 'no-final-sync' })).rejects.toThrow('a token says its variant and models itself');
    await expect(lines('', { at: '@1000' })).rejects.toThrow('the run has no @1000');
    await expect(lines('', { json: true })).rejects.toThrow('for people');
  });
});

test('docs/step.md shows what there is', async () => {
  const page = readFileSync(`${root}/docs/step.md`, 'utf8');
  const [screen = '', script = ''] = [...page.matchAll(/```console\n\$ [^\n]*\n(.*?)```/gs)].map((m) => m[1] ?? '');
  const { drawn } = await keys(['q'], { at: '@13', color: false });
  const shown = drawn[0]!
    .slice(drawn[0]!.indexOf('\x1b[H') + 3)
    .replaceAll('\x1b[2K', '')
    .replaceAll('\x1b[J', '')
    .split('\r\n');
  expect(shown.filter((l) => l !== '').join('\n')).toBe(screen.trimEnd());
  const { out } = await lines('@20\n3\ncontinue');
  let from = 0;
  for (const line of script.split('\n').filter((l) => l !== '...' && l !== '')) {
    const at = out.indexOf(line, from);
    expect(at, line).toBeGreaterThanOrEqual(0);
    from = at + line.length;
  }
  for (const { names } of COMMANDS)
    expect(page).toContain(`\`${names.at(-1) === 'left' || names.at(-1) === 'right' ? names[1] : names.at(-1)}`);
});

describe('on a screen', () => {
  const last = (drawn: readonly string[]): string => drawn.at(-1) ?? '';

  test('keys go, choose, ask, turn panels; the screen is left at the end', async () => {
    const { drawn, exit, restored, out } = await keys(['\x1b[C', 'n', 'g', '20\r', '2', 'c', '\t\t\t', '?', '\x1b', 't', 'q']);
    expect(exit).toBe(0);
    expect(restored).toBe(1);
    expect(drawn[1]).toContain('@1 of 28');
    expect(drawn[3]).toContain('go to (@14, @14+3, end): ');
    expect(drawn[4]).toContain('@20 of 28');
    expect(drawn[5]).toContain('left the recorded run at @20');
    expect(drawn[6]).toContain('nothing more can happen');
    expect(drawn[7]).toContain('= code of CPU');
    expect(drawn[8]).toContain('escape goes back');
    expect(drawn[10]).toContain('tp1_');
    expect(last(drawn).endsWith(LEAVE)).toBe(true);
    expect(out).toMatch(/^replay {3}textpoke replay tp1_\S+\n$/);
  });

  test('^C ends it with 130, and a wrong answer is told', async () => {
    const { drawn, exit, restored } = await keys(['g', 'nowhere\r', '9', 'x', 'b', 'ftrace_cal\r', '\x03']);
    expect(exit).toBe(130);
    expect(restored).toBe(1);
    expect(drawn[2]).toContain('"nowhere" is no position');
    expect(drawn[3]).toContain('choices here');
    expect(drawn[4]).toContain("no key 'x'");
    expect(drawn[6]).toContain('did you mean');
  });

  test('NO_COLOR and --no-color leave the text alone', async () => {
    const colours = new RegExp(`${'\x1b'}\\[[0-9;]*m`);
    const escapesIn = async (more: Partial<StepOptions>, world: World): Promise<boolean> =>
      (await keys(['s', 'q'], more, world)).drawn.slice(0, 2).some((d) => colours.test(d.replaceAll('\x1b[0m\x1b[?25h', '')));
    expect(await escapesIn({}, { env: { TERM: 'xterm' } })).toBe(true);
    expect(await escapesIn({}, { env: { TERM: 'xterm', NO_COLOR: '1' } })).toBe(false);
    expect(await escapesIn({ color: false }, { env: { TERM: 'xterm' } })).toBe(false);
  });

  test('an error inside puts the terminal back first', async () => {
    let restored = 0;
    const written: string[] = [];
    const terminal: Terminal = {
      ...given('', true),
      isScreen: true,
      size: () => {
        if (written.length > 1) throw new Error('no size');
        return { columns: 80, rows: 24 };
      },
      write: (text) => void written.push(text),
      keys(hear) {
        setTimeout(() => hear('s'), 0);
        return () => void restored++;
      },
    };
    await expect(stepAction(options, recordingIo({ tty: true, files }).io, terminal)).rejects.toThrow('no size');
    expect(restored).toBe(1);
    expect(written.at(-1)?.endsWith(LEAVE)).toBe(true);
  });
});

const python = spawnSync('python3', ['-c', 'import pty']).status === 0;

describe.skipIf(!python)('on a real terminal', () => {
  interface Played {
    readonly written: string;
    readonly exit: number;
    readonly raw: boolean;
    readonly restored: boolean;
    readonly left: readonly unknown[];
  }

  /** [what must have been written, what is typed then: text, or a new size as [rows, columns]]. */
  type Script = readonly (readonly [string, string | readonly [number, number]])[];

  function played(script: Script, args: readonly string[], env: Record<string, string> = {}): Played {
    const helper = fileURLToPath(new URL('./on-terminal.py', import.meta.url));
    const command = [process.execPath, '--import', 'tsx', 'src/cli/main.ts', 'step', ...args];
    const { stdout, stderr } = spawnSync('python3', [helper, '24', '80', JSON.stringify(script), ...command], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', TERM: 'xterm', ...env },
    });
    expect(stderr).toBe('');
    return JSON.parse(stdout) as Played;
  }

  test('a session with keys, a new size, and the terminal as it was', { timeout: 300_000 }, () => {
    const { written, exit, raw, restored, left } = played(
      [
        ['q quit', '\x1b[C'],
        ['@1 of 28', 'g20\r'],
        ['@20 of 28', [40, 140]],
        ['- code of CPU1', '2'],
        ['left the recorded run at @20', 'c'],
        ['nothing more can happen', 'q'],
      ],
      [TOKEN],
    );
    expect(left).toEqual([]);
    expect([exit, raw, restored]).toEqual([0, true, true]);
    expect(written.slice(written.lastIndexOf(LEAVE) + LEAVE.length)).toMatch(/^replay {3}textpoke replay tp1_\S+\s+$/);
  });

  test('^C', { timeout: 300_000 }, () => {
    const { exit, restored, left } = played([['q quit', '\x03']], [TOKEN]);
    expect([exit, restored, left]).toEqual([130, true, []]);
  });

  test('a dumb terminal gets lines', { timeout: 300_000 }, () => {
    const { written, exit, raw, left } = played(
      [
        ['@0> ', 'goto @20\r'],
        ['@20> ', 'q\r'],
      ],
      [TOKEN],
      { TERM: 'dumb' },
    );
    expect([exit, raw, left]).toEqual([0, false, []]);
    expect(written).not.toContain('\x1b');
  });
});
