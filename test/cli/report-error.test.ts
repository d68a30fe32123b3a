import { describe, expect, test } from 'vitest';
import { reportError } from '../../src/cli/report-error.ts';
import { TextpokeError } from '../../src/error.ts';
import { recordingIo, textpoke } from './recording-io.ts';

const plain = { json: false, color: true, verbose: false };
const elf = new TextpokeError('E_ELF', 'the section table ends outside the file', { where: 'a.elf @0x40', hint: 'is it whole?' });

describe('an error', () => {
  test('is three lines on stderr', () => {
    const recording = recordingIo();
    expect(reportError(elf, recording.io, plain)).toBe(128);
    expect(recording.stdout()).toBe('');
    expect(recording.stderr()).toBe('error: the section table ends outside the file   [E_ELF]\n   a.elf @0x40\n   hint: is it whole?\n');
  });

  test('is an event besides under --json', () => {
    const recording = recordingIo();
    reportError(elf, recording.io, { ...plain, json: true });
    expect(JSON.parse(recording.stdout())).toEqual({
      v: 1,
      type: 'error',
      code: 'E_ELF',
      message: elf.message,
      where: elf.where,
      hint: elf.hint,
      exit: 128,
    });
    expect(recording.stdout()).toMatch(/^[^\n]*\n$/);
  });

  test('keeps its own exit code', () => {
    expect(reportError(new TextpokeError('E_TOKEN', 'made for another image', { exitCode: 125 }), recordingIo().io, plain)).toBe(125);
    expect(reportError(new TextpokeError('E_BUDGET', 'spent'), recordingIo().io, plain)).toBe(125);
  });

  test('that nobody foresaw says so, with the stack only under --verbose', () => {
    for (const verbose of [false, true]) {
      const recording = recordingIo();
      expect(reportError(new RangeError('boom'), recording.io, { ...plain, verbose })).toBe(128);
      expect(recording.stderr()).toContain('error: internal error: boom   [E_INTERNAL]\n   RangeError\n   hint: ');
      expect(recording.stderr().includes('report-error.test.ts')).toBe(verbose);
    }
    expect(reportError('a string', recordingIo().io, plain)).toBe(128);
  });

  test('that parsing meets is an event too', async () => {
    const { exit, stdout } = await textpoke(['explore', 'F1', '--json', '--fetch', 'no']);
    expect(exit).toBe(129);
    expect(JSON.parse(stdout())).toMatchObject({ v: 1, type: 'error', code: 'E_USAGE', exit: 129 });
    expect((await textpoke(['asm', '--address', 'zz', '--', '--json'])).stdout()).toBe('');
  });
});

describe('colour', () => {
  const coloured = (world: Parameters<typeof recordingIo>[0], color = true): boolean => {
    const recording = recordingIo(world);
    reportError(elf, recording.io, { ...plain, color });
    return recording.stderr().includes('\x1b[');
  };

  test('on a terminal, unless somebody said no', () => {
    expect(coloured({ tty: true })).toBe(true);
    expect(coloured({ tty: false })).toBe(false);
    expect(coloured({ tty: true }, false)).toBe(false);
    expect(coloured({ tty: true, env: { NO_COLOR: '1' } })).toBe(false);
    expect(coloured({ tty: true, env: { NO_COLOR: '' } })).toBe(true);
    expect(coloured({ tty: true, env: { TERM: 'dumb' } })).toBe(false);
    expect(coloured({ tty: false, env: { FORCE_COLOR: '1' } })).toBe(true);
    expect(coloured({ tty: true, env: { FORCE_COLOR: '0' } })).toBe(false);
    expect(coloured({ tty: true, env: { FORCE_COLOR: '1', NO_COLOR: '1' } })).toBe(false);
  });
});
