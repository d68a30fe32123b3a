import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import process from 'node:process';
import { Fields } from '../../dap/fields.ts';
import type { DapHost } from '../../dap/host.ts';
import { checkTarget } from '../../dap/run.ts';
import { listen, serveStreams } from '../../dap/server.ts';
import { readTarget, type Target, targetOf } from '../../dap/target.ts';
import { Exit } from '../../error.ts';
import { CellRunner } from '../../scenario/matrix.ts';
import { fixtures } from '../fixtures.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';
import { packageFile } from '../package-file.ts';
import { knownScenarios } from '../scenarios.ts';
import { untilClosed } from '../until-closed.ts';

export interface DapOptions extends SharedFlags {
  /** What clients attach to: a token, a scenario or a file. */
  readonly what: string | undefined;
  /** A file of scenarios. */
  readonly scenarios: string | undefined;
  readonly variant: string | undefined;
  /** A TCP port; stdin and stdout when undefined. */
  readonly port: number | undefined;
}

/** Fixtures name their sources from the root of the package. */
const ROOT = packageFile('.');

/** The outside of a debug adapter. */
function dapHost(io: Io): DapHost {
  return {
    readFile: (path) => io.readFile(path),
    findFile: (path, folders) => {
      const candidates = isAbsolute(path) ? [path] : [...folders, '.', ROOT].map((folder) => resolve(folder, path));
      return candidates.find((candidate) => existsSync(candidate));
    },
    runner: (engine) => new CellRunner(fixtures(io), engine),
    scenarios: async (file) => (await knownScenarios(file, [], io)).known.all,
    later: (work) => setImmediate(work),
  };
}

/** Serves editors until there is no client any more, or ^C. */
export async function dapAction(options: DapOptions, io: Io): Promise<number> {
  const target = targetOfFlags(options);
  const host = dapHost(io);
  if (target !== undefined) await checkTarget(host, target);
  if (options.port === undefined) {
    await serveStreams(host, target, process.stdin, process.stdout);
    // A client that keeps its end open would keep this process.
    process.stdin.destroy();
    return Exit.ok;
  }
  const log = (text: string): void => {
    if (options.verbose) io.stderr(`${text}\n`);
  };
  const server = await listen(host, { port: options.port, target, log });
  io.stdout(`listening 127.0.0.1:${server.port}   in launch.json: "debugServer": ${server.port}\n`);
  return untilClosed(server);
}

/** What the command line names, read as a launch configuration is. Throws E_USAGE. */
function targetOfFlags({ what, variant, scenarios, cores, fetch, memory, engine }: DapOptions): Target | undefined {
  const given = { variant, cores, fetch, memory, engine, scenarios };
  const said = Object.entries(given).filter(([, value]) => value !== undefined);
  const named = what === undefined ? {} : targetOf(what);
  if (what === undefined && said.length === 0) return undefined;
  return readTarget(new Fields({ ...named, ...Object.fromEntries(said) }, 'dap'));
}
