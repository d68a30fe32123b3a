import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** True when every one of `tools` can be started. */
export function haveTools(...tools: readonly string[]): boolean {
  return tools.every((tool) => {
    try {
      execFileSync(tool, ['--version'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
}

/** Runs `body` with a fresh directory that is removed afterwards. */
export function inTemporaryDirectory<T>(body: (directory: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'textpoke-'));
  try {
    return body(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Builds a static executable from C with debug lines of the given DWARF version, and returns it with what `addr2line` says of `addresses`. */
export function buildWithGcc(
  source: string,
  flags: readonly string[],
  addresses: (elf: Uint8Array) => readonly bigint[],
): { elf: Uint8Array; addr2line: string[] } {
  return inTemporaryDirectory((directory) => {
    writeFileSync(join(directory, 'probe.c'), source);
    execFileSync('gcc', ['-m64', '-static', '-no-pie', '-nostdlib', '-ffreestanding', ...flags, '-o', 'probe', 'probe.c'], {
      cwd: directory,
    });
    const elf = new Uint8Array(readFileSync(join(directory, 'probe')));
    const list = addresses(elf).map((a) => a.toString(16));
    const addr2line =
      list.length === 0
        ? []
        : execFileSync('addr2line', ['-e', 'probe', ...list], { cwd: directory, encoding: 'utf8' })
            .trim()
            .split('\n');
    return { elf, addr2line };
  });
}
