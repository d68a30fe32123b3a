/** What a piece of text means. Colour only repeats what the text says. */
export type Style = 'plain' | 'dim' | 'strong' | 'here' | 'changed' | 'stale' | 'pending' | 'bad';

export interface Span {
  readonly text: string;
  readonly style: Style;
}

/** A line of text in pieces. */
export type Line = readonly Span[];

export const span = (text: string, style: Style = 'plain'): Span => ({ text, style });

/** A line of pieces; a text alone is plain. */
export const line = (...parts: readonly (string | Span)[]): Line => parts.map((p) => (typeof p === 'string' ? span(p) : p));

/** Select Graphic Rendition (ECMA-48) of each style. */
const SGR: Record<Style, string> = {
  plain: '',
  dim: '2',
  strong: '1',
  here: '7',
  changed: '1;33',
  stale: '1;35',
  pending: '36',
  bad: '1;31',
};

export const lengthOf = (spans: Line): number => spans.reduce((sum, s) => sum + s.text.length, 0);

const DOTS = '...';

/** A line cut to a width: what is left out is told by dots. */
export function cut(spans: Line, width: number): Line {
  const whole = spans.map((s) => ({ ...s, text: s.text.replace(/[^\x20-\x7e]/g, '?') }));
  if (lengthOf(whole) <= width) return whole;
  const out: Span[] = [];
  let left = Math.max(0, width - DOTS.length);
  for (const s of whole) {
    if (left === 0) break;
    out.push({ ...s, text: s.text.slice(0, left) });
    left -= Math.min(left, s.text.length);
  }
  return [...out, span(DOTS.slice(0, width), 'dim')];
}

/** A line as a terminal takes it, without the spaces at its end. */
export function paint(spans: Line, colour: boolean): string {
  if (!colour)
    return spans
      .map((s) => s.text)
      .join('')
      .trimEnd();
  return spans.map(({ text, style }) => (SGR[style] === '' || text === '' ? text : `\x1b[${SGR[style]}m${text}\x1b[0m`)).join('');
}

/** A line over as many lines as it takes, broken at spaces where it can be; those behind the first are indented. */
export function broken(spans: Line, width: number, indent: number): Line[] {
  const whole = spans.flatMap((s) => [...s.text].map((text): Span => ({ text, style: s.style })));
  const out: Line[] = [];
  for (let from = 0; from < whole.length || out.length === 0; ) {
    const lead = out.length === 0 ? 0 : indent;
    const room = Math.max(1, width - lead);
    let to = Math.min(whole.length, from + room);
    if (to < whole.length) {
      const space = whole.slice(from + 1, to + 1).findLastIndex((c) => c.text === ' ');
      // Only where that leaves most of the line in use.
      if (space >= room / 2) to = from + 1 + space;
    }
    out.push(joined([span(' '.repeat(lead)), ...whole.slice(from, to)]));
    from = to;
    while (whole[from]?.text === ' ') from++;
  }
  return out;
}

function joined(pieces: Line): Line {
  const out: Span[] = [];
  for (const p of pieces) {
    const last = out.at(-1);
    if (last?.style === p.style) out[out.length - 1] = { ...last, text: last.text + p.text };
    else if (p.text !== '') out.push(p);
  }
  return out;
}
