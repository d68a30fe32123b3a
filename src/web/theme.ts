export type Theme = 'auto' | 'light' | 'dark';

const KEY = 'textpoke-theme';
const dark = (): MediaQueryList => matchMedia('(prefers-color-scheme: dark)');

/** What the person chose; storage may be closed to the page. */
export function storedTheme(): Theme {
  try {
    const stored = localStorage.getItem(KEY);
    return stored === 'light' || stored === 'dark' ? stored : 'auto';
  } catch {
    return 'auto';
  }
}

function apply(theme: Theme): void {
  document.documentElement.dataset.theme = theme === 'auto' ? (dark().matches ? 'dark' : 'light') : theme;
  dispatchEvent(new Event('themechange'));
}

export function chooseTheme(theme: Theme): void {
  try {
    if (theme === 'auto') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // It holds for as long as the page is open.
  }
  apply(theme);
}

/** Follows the system as long as nothing was chosen. */
export function followTheme(): void {
  apply(storedTheme());
  dark().addEventListener('change', () => apply(storedTheme()));
}
