import { existsSync } from 'node:fs';
import { Exit, TextpokeError } from '../../error.ts';
import { CATALOGUE, scenarioOf } from '../../scenario/catalogue.ts';
import { findToken } from '../../scenario/find-token.ts';
import { fixtures } from '../fixtures.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';
import { emitEvent } from '../json.ts';
import { packageFile } from '../package-file.ts';
import { serveFolder } from '../static-server.ts';

export interface ViewOptions extends SharedFlags {
  /** A token as text. */
  readonly token: string | undefined;
  /** A scenario's name or alias. */
  readonly scenario: string | undefined;
  readonly port: number;
}

/** The page as it was built. */
function builtPage(): string {
  const folder = packageFile('dist/web/');
  if (existsSync(`${folder}index.html`) && existsSync(`${folder}assets`)) return folder;
  throw new TextpokeError('E_FILE', 'the page is not built', { where: folder, hint: 'npm run build:web' });
}

/** Serves the page on this computer until ^C, or `until` ends, and prints its address. */
export async function viewAction(options: ViewOptions, io: Io, until: Promise<unknown> = untilAsked()): Promise<number> {
  const place = placeOf(options, io);
  const serving = await serveFolder(builtPage(), options.port);
  const url = `${serving.url}${place}`;
  if (options.json) emitEvent(io, 'listening', { url, port: serving.port });
  else io.stdout(`${url}\n`);
  if (!options.json && !options.quiet) io.stderr('serving until ^C\n');
  await until;
  await serving.close();
  return Exit.ok;
}

/** What is behind the address's `#`. A token or a name that is wrong is said here, not only on the page. */
function placeOf({ token, scenario }: ViewOptions, io: Io): string {
  if (token !== undefined) {
    findToken(token, fixtures(io));
    return `#t=${token}`;
  }
  return scenario === undefined ? '' : `#s=${scenarioOf(scenario, CATALOGUE).name}`;
}

function untilAsked(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}
