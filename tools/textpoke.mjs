// npm run -s textpoke -- VERB ...: installs what is missing, then runs the program from its sources.
import { bootstrap, runTextpoke } from './bootstrap.mjs';

bootstrap();
runTextpoke(process.argv.slice(2));
