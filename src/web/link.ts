/** What the address of the page says: nothing (the catalogue), a race, or a place in a run. */
export type Place =
  | { readonly kind: 'home' }
  | { readonly kind: 'race'; readonly name: string; readonly variant: string | undefined }
  | {
      readonly kind: 'run';
      readonly token: string;
      readonly at: number | undefined;
      readonly inside: number;
      readonly core: number | undefined;
    };

const TOKEN = /tp\d+_[A-Za-z0-9_-]*/;

/** Reads the part behind `#`. A pasted token alone, with text around it, is a place, too. What is no number is as good as absent. */
export function readPlace(hash: string): Place {
  const text = hash.replace(/^#/, '');
  const parts = new URLSearchParams(text);
  const given = parts.get('t');
  const token = given ?? (text.includes('=') ? undefined : TOKEN.exec(decode(text))?.[0]);
  if (token !== undefined && token !== null) {
    const at = /^@?(\d{1,9})(?:\+(\d{1,9}))?$/.exec(parts.get('at') ?? '');
    // A space is what `+` means in such lists.
    const spaced = /^@?(\d{1,9}) (\d{1,9})$/.exec(parts.get('at') ?? '');
    const place = at ?? spaced;
    const core = /^\d$/.exec(parts.get('cpu') ?? '');
    return {
      kind: 'run',
      token: TOKEN.exec(token)?.[0] ?? token,
      at: place === null ? undefined : Number(place[1]),
      inside: Number(place?.[2] ?? 0),
      core: core === null ? undefined : Number(core[0]),
    };
  }
  const name = parts.get('s');
  if (name !== null && name !== '') return { kind: 'race', name, variant: parts.get('v') ?? undefined };
  return { kind: 'home' };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The part of the address for a place, `#` included. */
export function placeLink(place: Place): string {
  switch (place.kind) {
    case 'home':
      return '#/';
    case 'race':
      return `#s=${place.name}${place.variant === undefined ? '' : `&v=${place.variant}`}`;
    case 'run': {
      const inside = place.inside > 0 ? `+${place.inside}` : '';
      const at = place.at === undefined ? '' : `&at=${place.at}${inside}`;
      return `#t=${place.token}${at}${place.core === undefined ? '' : `&cpu=${place.core}`}`;
    }
  }
}
