// npm run build: dist/ from src/, from nothing, so that no file of a former build is packed.
import { spawnSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bootstrap, root } from './bootstrap.mjs';

bootstrap();
rmSync(join(root, 'dist'), { recursive: true, force: true });
const tsc = join(root, 'node_modules/typescript/bin/tsc');
const { status } = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);
const page = spawnSync(process.execPath, ['--import', 'tsx', join(root, 'tools/build-web.ts')], { cwd: root, stdio: 'inherit' });
if (page.status !== 0) process.exit(page.status ?? 1);
chmodSync(join(root, 'dist/cli/main.js'), 0o755);
