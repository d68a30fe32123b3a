/** Number of single-character insertions, deletions, replacements and swaps of neighbours that turn `a` into `b` (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, beforeLast[j - 2]! + 1);
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}

/**
 * The candidates that `word` was probably meant to be, best first, at most three: an unfinished word, a part between slashes,
 * or about one wrong character in three. Case does not matter.
 */
export function suggest(word: string, candidates: Iterable<string>): string[] {
  const wanted = word.toLowerCase();
  const scored: { readonly candidate: string; readonly score: number }[] = [];
  for (const candidate of new Set(candidates)) {
    const name = candidate.toLowerCase();
    const parts = name.split('/').map((part) => editDistance(wanted, part) + 0.5);
    const distance = Math.min(editDistance(wanted, name), ...(name.includes('/') ? parts : []));
    const unfinished = wanted.length >= 2 && name.startsWith(wanted);
    if (unfinished || distance <= Math.max(1, Math.floor(wanted.length / 3)) + 0.5)
      scored.push({ candidate, score: unfinished ? 0.25 : distance });
  }
  scored.sort((a, b) => a.score - b.score || (a.candidate < b.candidate ? -1 : 1));
  return scored.slice(0, 3).map(({ candidate }) => candidate);
}

/** `did you mean X?`, or undefined when nothing is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const near = suggest(word, candidates);
  return near.length === 0 ? undefined : `did you mean ${near.join(' or ')}?`;
}
