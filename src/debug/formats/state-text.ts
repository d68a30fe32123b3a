import { wrap } from '../wrap.ts';
import { line } from './json.ts';
import type { CoreLook, SiteLook, StateLook } from './state.ts';

/** Where in a run a state is. */
export interface Where {
  /** `@14`, `@14+3`. */
  readonly position: string;
  readonly steps: number;
  /** What is done next there, in a few words; undefined at the end. */
  readonly next: string | undefined;
}

const INDENT = '       ';

/** A state as text: each core, then the bytes of each site in memory beside what each core may fetch there. */
export function stateText(look: StateLook, where: Where, width: number): string {
  const next = where.next === undefined ? 'the end' : `next ${where.next}`;
  const lines = [`${where.position} of ${where.steps}   ${next}`, ''];
  for (const core of look.cores) lines.push(...coreLines(core, width));
  for (const site of look.sites) lines.push('', ...siteLines(site));
  return `${lines.map((l) => l.trimEnd()).join('\n')}\n\nstate ${look.hash}\n`;
}

function coreLines({ core, rip, symbol, changed, buffer, pending }: CoreLook, width: number): string[] {
  const hex = (value: bigint): string => `0x${value.toString(16)}`;
  const item = (name: string, text: string): string[] =>
    wrap(`${name.padEnd(10)}${text}`, width - INDENT.length, 10).map((l) => INDENT + l);
  return [
    `${`CPU${core}`.padEnd(6)} ${symbol} (${hex(rip)})`,
    ...changed.filter((c) => c.register !== 'rip').flatMap((c) => item(c.register, `${hex(c.before)} -> ${hex(c.now)}`)),
    ...(buffer.length === 0 ? [] : item('buffered', buffer.map((s) => `${s.name} = ${s.text}`).join(', '))),
    ...(pending.length === 0 ? [] : item('pending', pending.join(', '))),
  ];
}

function siteLines({ name, address, bytes, fetches }: SiteLook): string[] {
  const lines = [`${name} (0x${address.toString(16)})`, `  memory  ${bytes}`];
  for (const { core, choices } of fetches) {
    const head = `  ${`CPU${core}`.padEnd(6)}  `;
    if (choices.length === 0) lines.push(`${head}its own store has to drain first`);
    choices.forEach((c, n) => {
      lines.push(`${n === 0 ? head : ' '.repeat(head.length)}${c.bytes.padEnd(18)}${c.stale ? 'stale ' : ''}${c.text}`);
    });
  }
  return lines;
}

/** The same as one JSON object on a line. */
export const stateJson = (look: StateLook, where: Where): string => line('state', { ...where, next: where.next ?? null, ...look });
