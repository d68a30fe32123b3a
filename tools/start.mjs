// npm start: installs what is missing, then shows the races.
import { bootstrap, runTextpoke } from './bootstrap.mjs';

bootstrap();
runTextpoke(['start', ...process.argv.slice(2)]);
