import { TextpokeError } from '../error.ts';

/** What a scenario may have more or fewer of, beside cores: sites that are patched, and calls that each victim makes. */
export const SIZE_NAMES = ['sites', 'calls'] as const;
export type SizeName = (typeof SIZE_NAMES)[number];

/** How many of something there may be, and how many there are where nobody says. */
export interface Extent {
  readonly fewest: number;
  readonly usual: number;
  readonly most: number;
}

/** The sizes that a variant comes in. What is not there is as it is. */
export type Sizes = Readonly<Partial<Record<SizeName, Extent>>>;

/** A choice of sizes; what is absent is as usual. */
export type Size = Readonly<Partial<Record<SizeName, number>>>;

export const extent = (fewest: number, usual: number, most: number): Extent => ({ fewest, usual, most });

/** Sizes that say something: without those that are as usual. Two cells of one size are so of one name. */
export function ownSize(sizes: Sizes, size: Size): Size {
  return Object.fromEntries(
    SIZE_NAMES.flatMap((name) => (size[name] === undefined || size[name] === sizes[name]?.usual ? [] : [[name, size[name]]])),
  );
}

/** Every size as a number; 1 of what a variant has no choice of. */
export function fullSize(sizes: Sizes, size: Size): Readonly<Record<SizeName, number>> {
  const of = (name: SizeName): number => size[name] ?? sizes[name]?.usual ?? 1;
  return { sites: of('sites'), calls: of('calls') };
}

/** The sizes that a variant has a choice of, as numbers. */
export function shownSize(sizes: Sizes, size: Size): Size {
  return Object.fromEntries(SIZE_NAMES.flatMap((name) => (sizes[name] === undefined ? [] : [[name, fullSize(sizes, size)[name]]])));
}

/** Whether a variant comes in a size. */
export const hasSize = (sizes: Sizes, size: Size): boolean => wrongSize(sizes, size) === undefined;

/** The first size that a variant does not come in. */
function wrongSize(sizes: Sizes, size: Size): SizeName | undefined {
  return SIZE_NAMES.find((name) => {
    const [n, of] = [size[name], sizes[name]];
    return n !== undefined && (of === undefined || !(n >= of.fewest && n <= of.most));
  });
}

/** Throws E_USAGE for a size that a variant, of that name, does not come in. */
export function checkSize(variant: string, sizes: Sizes, size: Size): void {
  const wrong = wrongSize(sizes, size);
  if (wrong === undefined) return;
  const has = saySizes(sizes);
  throw new TextpokeError('E_USAGE', `${variant} does not come with ${sayCount(wrong, size[wrong] as number)}`, {
    where: `--${wrong} ${size[wrong]}`,
    hint: has === undefined ? 'it has no sizes to choose: leave the flag out' : has,
  });
}

/** Every size of a variant but the usual one. */
export function otherSizes(sizes: Sizes): Size[] {
  const counts = (name: SizeName): (number | undefined)[] => {
    const of = sizes[name];
    return of === undefined ? [undefined] : Array.from({ length: of.most - of.fewest + 1 }, (_, n) => of.fewest + n);
  };
  const all = counts('sites').flatMap((sites) =>
    counts('calls').map((calls): Size => ownSize(sizes, { ...some('sites', sites), ...some('calls', calls) })),
  );
  return all.filter((size) => Object.keys(size).length > 0);
}

const some = (name: SizeName, n: number | undefined): Size => (n === undefined ? {} : { [name]: n });

/** `2 sites`, `1 call`. */
export const sayCount = (name: SizeName | 'victims', n: number): string => `${n} ${n === 1 ? name.slice(0, -1) : name}`;

/** `1 to 2 (usually 2)`. */
export const sayExtent = ({ fewest, usual, most }: Extent): string => `${fewest} to ${most} (usually ${usual})`;

/** `sites: 1 to 2 (usually 2), calls: 1 to 4 (usually 2)`; undefined where there is no choice. */
export function saySizes(sizes: Sizes): string | undefined {
  const said = SIZE_NAMES.flatMap((name) => {
    const of = sizes[name];
    return of === undefined ? [] : [`${name}: ${sayExtent(of)}`];
  });
  return said.length === 0 ? undefined : said.join(', ');
}

/** As many names, in turn, over and over. */
export const inTurn = (names: readonly string[], count: number): string[] =>
  Array.from({ length: count }, (_, n) => names[n % names.length] as string);
