/** The catalogue as text, made when the page is built (tools/build-web/data.ts). */
declare module 'virtual:catalogue' {
  export const catalogue: readonly import('./catalogue-entry.ts').CatalogueEntry[];
}

/** Addresses of built images by fixture, and of source files by their path as line tables have it. */
declare module 'virtual:fixtures' {
  export const images: Readonly<Record<string, string>>;
  export const sources: Readonly<Record<string, string>>;
}

declare module '*.svelte' {
  const component: import('svelte').Component<Record<string, unknown>>;
  export default component;
}

declare module '*.css';
