// npm run build: dist/ from src/, from nothing, so that no file of a former build is packed: types, JavaScript, and the page.
import { spawnSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bootstrap, root } from './bootstrap.mjs';

bootstrap();
rmSync(join(root, 'dist'), { recursive: true, force: true });
const tsc = join(root, 'node_modules/typescript/bin/tsc');
for (const args of [
  [tsc, '-p', join(root, 'tsconfig.build.json')],
  ['--import', 'tsx', join(root, 'tools/build-dist.ts')],
  ['--import', 'tsx', join(root, 'tools/build-web.ts')],
]) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
chmodSync(join(root, 'dist/cli/main.js'), 0o755);
