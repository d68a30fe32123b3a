import type { CatalogueEntry } from '../catalogue-entry.ts';

/** Races that have all words of a query in their name, title, story or variants. */
export function filterCatalogue(catalogue: readonly CatalogueEntry[], query: string): CatalogueEntry[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...catalogue];
  return catalogue.filter((race) => {
    const variants = race.variants.flatMap((v) => [v.name, v.title, v.history ?? '']);
    const text = [race.name, race.alias ?? '', race.title, race.story, race.window ?? '', ...variants].join(' ').toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** The families in the order of the catalogue, each with its races. */
export function groupByFamily(races: readonly CatalogueEntry[]): { readonly family: string; readonly races: readonly CatalogueEntry[] }[] {
  const families = [...new Set(races.map((r) => r.family))];
  return families.map((family) => ({ family, races: races.filter((r) => r.family === family) }));
}
