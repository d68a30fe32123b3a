import { type ParseArgsConfig, parseArgs } from 'node:util';
import { Exit } from '../src/error.ts';

type Options = NonNullable<ParseArgsConfig['options']>;
type Values<T extends Options> = ReturnType<typeof parseArgs<{ options: T; allowPositionals: true }>>['values'];

/** The flags of a tool, and what else stands on its command line. `--help` prints `usage` and ends the process with 0; a flag that does not exist ends it with 129. */
export function commandLine<const T extends Options>(options: T, usage: string): Values<T> & { readonly positionals: string[] } {
  const args = process.argv.slice(2);
  if (args.includes('--help')) {
    console.log(usage);
    process.exit(Exit.ok);
  }
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    return { ...(values as Values<T>), positionals };
  } catch (error) {
    // What Node says behind the first sentence is about operands that begin with a dash.
    return wrong((error instanceof Error ? error.message : String(error)).split('. ')[0]!, usage);
  }
}

/** Ends the process with what is wrong with its command line. */
export function wrong(what: string, usage: string): never {
  console.error(`error: ${what}\n${usage}`);
  process.exit(Exit.usage);
}
