// Plain JavaScript without dependencies: this runs before anything is installed.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of package.json. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Compares what is installed with what the lock file asks for. Returns why an installation is needed, or undefined.
 * `lock` and `installed` are the parsed package-lock.json and node_modules/.package-lock.json; the latter is undefined when absent
 * (npm writes it last, so an interrupted installation has none).
 */
export function whyInstall(lock, installed) {
  if (installed === undefined) return 'nothing is installed yet';
  for (const [path, wanted] of Object.entries(lock.packages)) {
    if (path === '') continue;
    const found = installed.packages[path];
    if (found === undefined && !wanted.optional && !wanted.peer) return `${path} is missing`;
    if (found !== undefined && (found.version !== wanted.version || found.integrity !== wanted.integrity))
      return `${path} is not the locked one`;
  }
  return undefined;
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function fail(what, where, hint) {
  process.stderr.write(`error: ${what}\n   ${where}\n   hint: ${hint}\n`);
  process.exit(128);
}

/** Installs the locked packages when they are missing or differ from the lock file. Says so in one line on stderr. */
export function bootstrap() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    fail(`Node ${process.versions.node} is too old`, process.execPath, 'install Node 20.19 or newer');
  }
  const lock = readJson(join(root, 'package-lock.json'));
  if (lock === undefined) fail('package-lock.json is missing or damaged', root, 'git checkout package-lock.json');
  const why = whyInstall(lock, readJson(join(root, 'node_modules/.package-lock.json')));
  if (why === undefined) return;

  process.stderr.write(`textpoke: installing the locked packages with npm ci (${why})\n`);
  const npm = process.env.npm_execpath;
  const [command, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  const args = [...first, 'ci', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  // Both streams go to stderr: stdout belongs to the program that is started next. Git hooks and the like may have set
  // npm_config_omit or NODE_ENV=production, which would leave out what `npm test` needs.
  const { status, error } = spawnSync(command, [...args, '--include=dev'], { cwd: root, stdio: ['ignore', 2, 2] });
  if (error !== undefined) fail(`npm cannot be started: ${error.message}`, command, 'npm comes with Node; is it on PATH?');
  if (status !== 0) fail(`npm ci ended with ${status}`, root, 'its own message is above; a package registry must be reachable once');
}

/** Runs node with these arguments in `cwd`, with our terminal, and ends this process the way that one ended. */
export function runNode(args, cwd = root) {
  const child = spawn(process.execPath, args, { cwd, stdio: 'inherit' });
  // The terminal sends ^C to the whole group; the child decides what it means, we only wait for it.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

/** Runs the command line program from its sources. Relative paths are those of the folder where npm was called. */
export function runTextpoke(args) {
  const typescript = new URL('typescript.mjs', import.meta.url).href;
  runNode(['--import', typescript, join(root, 'src/cli/main.ts'), ...args], process.env.INIT_CWD ?? process.cwd());
}
