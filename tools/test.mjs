// npm test: installs what is missing, then runs the tests once. Further arguments go to vitest.
import { join } from 'node:path';
import { bootstrap, root, runNode } from './bootstrap.mjs';

bootstrap();
runNode([join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...process.argv.slice(2)]);
