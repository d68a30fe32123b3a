/** What a key does on the page of a run. */
export type Command =
  | { readonly do: 'step'; readonly by: 1 | -1 }
  | { readonly do: 'switch'; readonly by: 1 | -1 }
  | { readonly do: 'instruction'; readonly by: 1 | -1 }
  | { readonly do: 'match'; readonly by: 1 | -1 }
  | { readonly do: 'mark'; readonly name: string }
  | { readonly do: 'zoom'; readonly by: 1 | -1 }
  | { readonly do: 'pan'; readonly by: 1 | -1 }
  | { readonly do: 'solo'; readonly core: number | undefined }
  | { readonly do: 'search' | 'goto' | 'help' | 'fit' };

/** As much of a KeyboardEvent as is needed. */
export interface Key {
  readonly key: string;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly metaKey: boolean;
}

/** What a key means; undefined for what belongs to the browser. */
export function commandOf({ key, shiftKey, ctrlKey, altKey, metaKey }: Key): Command | undefined {
  if (ctrlKey || altKey || metaKey) return undefined;
  switch (key) {
    case 'ArrowRight':
      return { do: shiftKey ? 'switch' : 'step', by: 1 };
    case 'ArrowLeft':
      return { do: shiftKey ? 'switch' : 'step', by: -1 };
    case '.':
      return { do: 'instruction', by: 1 };
    case ',':
      return { do: 'instruction', by: -1 };
    case 'n':
      return { do: 'match', by: 1 };
    case 'N':
      return { do: 'match', by: -1 };
    case 'Home':
      return { do: 'mark', name: '@start' };
    case 'End':
      return { do: 'mark', name: '@end' };
    case 'b':
      return { do: 'mark', name: '@bug' };
    case 'w':
      return { do: 'zoom', by: 1 };
    case 's':
      return { do: 'zoom', by: -1 };
    case 'a':
      return { do: 'pan', by: -1 };
    case 'd':
      return { do: 'pan', by: 1 };
    case 'f':
      return { do: 'fit' };
    case '/':
      return { do: 'search' };
    case 'g':
    case '@':
      return { do: 'goto' };
    case '?':
      return { do: 'help' };
    case '0':
    case 'Escape':
      return { do: 'solo', core: undefined };
    default:
      return /^[1-9]$/.test(key) ? { do: 'solo', core: Number(key) - 1 } : undefined;
  }
}

/** The keys as the page tells them. */
export const KEY_HELP: readonly (readonly [keys: string, what: string])[] = [
  ['← →', 'one step back, one step on'],
  ['Shift ← →', 'to the switch from one CPU to another'],
  [', .', 'one instruction inside a step'],
  ['Home End b', '@start, @end, @bug'],
  ['g', 'go to a place: 14, @14+3, @bug'],
  ['/ then n N', 'search a symbol, next and previous match'],
  ['1 to 9', 'one CPU alone: the first is CPU0; 0 or Esc: all'],
  ['w s', 'zoom the lanes in and out; f: all of the run'],
  ['a d', 'pan the lanes'],
  ['?', 'this help'],
];
