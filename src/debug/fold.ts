import type { Draft, DraftKind } from './draft.ts';

/** Folds what belongs together and was not split by another core: a SYNC and its answers, a #BP and its emulation, a record's fields. */
export function fold(drafts: readonly Draft[]): Draft[] {
  return foldRepeats(foldFields(foldTraps(foldSyncs(drafts))));
}

/** The index of the first draft from `start` on that is meant, -1 when there is none. */
function findFrom(drafts: readonly Draft[], start: number, isMeant: (draft: Draft) => boolean): number {
  for (let i = start; i < drafts.length; i++) if (isMeant(drafts[i] as Draft)) return i;
  return -1;
}

/**
 * Send, answers, all answered: one line of the patcher, when nothing else happened meanwhile. An answer from inside a #BP handler stays: it
 * is the reason why such a SYNC protects nothing.
 */
function foldSyncs(drafts: readonly Draft[]): Draft[] {
  const out: Draft[] = [];
  const trapped = new Set<number>();
  for (let i = 0; i < drafts.length; i++) {
    const draft = drafts[i] as Draft;
    if (draft.kind === 'trap') trapped.add(draft.core);
    if (draft.kind === 'claimed') trapped.delete(draft.core);
    const end = draft.kind === 'send' ? findFrom(drafts, i + 1, (d) => d.kind !== 'answer' || trapped.has(d.core)) : -1;
    const last = drafts[end];
    if (last?.kind === 'synced' && last.core === draft.core) {
      out.push({ ...draft, kind: 'synced', text: `${last.text}: ${draft.text.replace(/^SYNC: /, '')}, acked` });
      i = end;
    } else if (draft.kind === 'synced' && i > 0) out.push({ ...draft, text: `${draft.text} is complete` });
    else if (draft.kind === 'answer' && trapped.has(draft.core))
      out.push({ ...draft, kind: 'other', text: `${draft.text}, in the handler` });
    else out.push(draft);
  }
  return out;
}

/** From the fetch of the INT3 to the claim, all on one core: the reads in between went well and are not the story. */
function foldTraps(drafts: readonly Draft[]): Draft[] {
  const out: Draft[] = [];
  for (let i = 0; i < drafts.length; i++) {
    const draft = drafts[i] as Draft;
    const end = draft.kind === 'trap' ? findFrom(drafts, i + 1, (d) => d.kind === 'claimed' || d.core !== draft.core) : -1;
    const last = drafts[end];
    const between = end < 0 ? [] : drafts.slice(i + 1, end);
    if (last?.kind === 'claimed' && last.core === draft.core && between.every((d) => d.kind === 'read' || d.kind === 'publish')) {
      out.push({ ...draft, kind: 'claimed', text: `${draft.text}, ${last.text}` });
      i = end;
    } else out.push(draft);
  }
  return out;
}

/** Stores to fields of one record or reads of them, or stores of equal values to one array, one behind the other. */
function foldFields(drafts: readonly Draft[]): Draft[] {
  const out: Draft[] = [];
  let fields = 0;
  for (const draft of drafts) {
    const last = out.at(-1);
    const record = /^((?:reads )?\S+\])\.\w+(?: =|:) /.exec(draft.text)?.[1];
    const cell = /^(\w+)\[(\d+)(?:\.\.(\d+))?\] = (\S+|[0-9a-f]{2} \.\.\.)$/.exec(draft.text);
    if ((draft.kind === 'publish' || draft.kind === 'read') && last?.kind === draft.kind && last.core === draft.core) {
      if (record !== undefined && (last.text.startsWith(`${record}.`) || last.text.startsWith(`${record}: `))) {
        fields = last.text.startsWith(`${record}: `) ? fields + 1 : 2;
        last.text = `${record}: ${fields} fields${draft.kind === 'read' ? '' : ' written'}`;
        continue;
      }
      const before = /^(\w+)\[(\d+)(?:\.\.\d+)?\] = (.+)$/.exec(last.text);
      if (cell !== null && before !== null && cell[1] === before[1] && cell[4] === before[3]) {
        last.text = `${cell[1]}[${before[2]}..${cell[3] ?? cell[2]}] = ${cell[4]}`;
        continue;
      }
    }
    out.push({ ...draft });
  }
  return out;
}

/** A recursion does one thing again and again. */
function foldRepeats(drafts: readonly Draft[]): Draft[] {
  const out: Draft[] = [];
  let times = 1;
  drafts.forEach((draft, i) => {
    const before = drafts[i - 1];
    if (before !== undefined && draft.kind !== 'violation' && before.core === draft.core && before.text === draft.text) {
      times++;
      (out.at(-1) as Draft).text = `${draft.text}, ${times} times`;
    } else {
      times = 1;
      out.push({ ...draft });
    }
  });
  return out;
}

/** What goes first when there are too many lines. */
const LEAST: readonly (readonly DraftKind[])[] = [['answer'], ['fetch', 'claimed', 'call'], ['other', 'buffered']];

/** At most `most` lines: drops the least telling kinds from the front, then the oldest; says how many. The last lines always stay. */
export function shorten(drafts: readonly Draft[], most: number): { drafts: Draft[]; dropped: number } {
  const keep = Math.floor(most / 2);
  let left = [...drafts];
  for (const kinds of LEAST) {
    for (let i = 0; i < left.length - keep && left.length > most; ) {
      if (kinds.includes((left[i] as Draft).kind)) left.splice(i, 1);
      else i++;
    }
  }
  left = left.slice(Math.max(0, left.length - most));
  return { drafts: left, dropped: drafts.length - left.length };
}
