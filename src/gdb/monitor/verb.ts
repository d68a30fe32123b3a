import { TextpokeError } from '../../error.ts';
import type { Core } from '../../machine/core.ts';
import { didYouMean } from '../../suggest.ts';
import type { Stops } from '../runner.ts';
import type { Schedule } from '../schedule.ts';
import type { Target } from '../target.ts';

/** What a monitor verb works with. */
export interface Desk {
  readonly target: Target;
  /** The core that the client looks at. */
  readonly core: Core;
  readonly stops: Stops;
}

/** Lines for the client; work that takes long takes turns. */
export type Lines = readonly string[] | Generator<undefined, readonly string[]>;

/** A verb of gdb's `monitor` command. What is wrong with its arguments is thrown as `E_USAGE`. */
export interface MonitorVerb {
  readonly name: string;
  /** Arguments as the help shows them. */
  readonly usage: string;
  readonly help: string;
  /** Fewest and most arguments. */
  readonly args: readonly [number, number];
  run(desk: Desk, args: readonly string[]): Lines;
}

/** The schedule of the run. An image alone has none: `E_USAGE`. */
export function scheduleOf({ target }: Desk): Schedule {
  if (target.schedule !== undefined) return target.schedule;
  throw new TextpokeError('E_USAGE', 'an image alone runs by turns: it has no schedule', {
    hint: 'this is for tokens and scenarios: textpoke gdb SCENARIO',
  });
}

/** `ftrace_call`, `ftrace_call+0x1`, `0xffffffff81000000`, also by the name of a site. */
export function addressOf({ target }: Desk, text: string): bigint {
  const { image } = target.timeline;
  const [, base = '', offset] = /^(.*?)(?:\+(0x[0-9a-f]+|\d+))?$/is.exec(text) ?? [];
  const more = offset === undefined ? 0n : BigInt(offset);
  if (/^0x[0-9a-f]{1,16}$/i.test(base)) return BigInt.asUintN(64, BigInt(base) + more);
  const site = target.schedule?.timeline.world.sites.find((s) => s.name === base);
  if (site !== undefined) return site.address + more;
  if (image.hasSymbol(base)) return image.symbol(base).address + more;
  const names = [...image.symbols.map((s) => s.name), ...(target.schedule?.timeline.world.sites.map((s) => s.name) ?? [])];
  const hint = didYouMean(base, names) ?? 'a symbol, symbol+0x12, or an address as 0x...';
  throw new TextpokeError('E_USAGE', `'${text}' is no address`, { hint });
}

/** A whole number of at least 0, decimal or with 0x. */
export function countOf(text: string, what: string): number {
  const value = /^(0x[0-9a-f]{1,8}|\d{1,10})$/i.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value)) throw new TextpokeError('E_USAGE', `'${text}' is no ${what}`, { hint: 'a whole number' });
  return value;
}

/** Said behind whatever moves the machine behind gdb's back. */
export const FLUSH = 'gdb still shows the registers from before: maintenance flush register-cache';
