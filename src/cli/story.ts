import { disassemble } from '../debug/disassemble.ts';
import { hexBytes, Names } from '../debug/names.ts';
import { wrap } from '../debug/wrap.ts';
import type { Site } from '../explore/site.ts';
import type { Actor, World } from '../explore/world.ts';
import { type CellRunner, smokeCell } from '../scenario/matrix.ts';
import type { Expectation, Scenario, Variant } from '../scenario/scenario.ts';
import { SIZE_NAMES, sayExtent } from '../scenario/sizes.ts';

const WIDTH = 76;
const TEXT_COLUMN = 10;
/** Variants whose names are told one by one. */
const FEW = 3;

/** What a scenario is about, in text of at most 76 columns. Who acts and which bytes change is read from the worlds that it builds. */
export function tellStory(runner: CellRunner, scenario: Scenario): string {
  const worlds = scenario.variants.map((variant) => ({ variant, world: runner.maker(scenario, variant.name, smokeCell(scenario))() }));
  const blocks = [
    [`${scenario.name}${scenario.alias === undefined ? '' : ` (${scenario.alias})`}`, ...wrap(scenario.title, WIDTH, 0)],
    wrap(scenario.story, WIDTH, 0),
    actors(worlds),
    bytes(worlds),
    sizes(scenario),
    ...(scenario.window === undefined ? [] : [['window', ...indented(scenario.window)]]),
    ['variants, and what an exhaustive run says of them', ...scenario.variants.flatMap(variantLines)],
  ];
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.map((line) => line.trimEnd()).join('\n')}\n`)
    .join('\n')}`;
}

interface Built {
  readonly variant: Variant;
  readonly world: World;
}

const indented = (text: string, by = 2): string[] => wrap(text, WIDTH - by, 0).map((line) => ' '.repeat(by) + line);

/** Equal lines of several variants are told once, with whose they are where not all have them. */
function told(built: readonly Built[], tell: (world: World) => readonly string[]): Told[] {
  return together(
    built.flatMap(({ variant, world }) => [...new Set(tell(world))].map((text) => [text, variant] as const)),
    built.length,
  );
}

interface Told {
  readonly text: string;
  readonly of: string;
}

function together(lines: readonly (readonly [string, Variant])[], all: number): Told[] {
  const variants = new Map<string, string[]>();
  for (const [text, variant] of lines) variants.set(text, [...(variants.get(text) ?? []), variant.name]);
  return [...variants].map(([text, names]) => ({
    text,
    of: names.length === all ? '' : names.length <= FEW ? names.join(', ') : `${names.length} of ${all} variants`,
  }));
}

function actors(built: readonly Built[]): string[] {
  const lines = told(built, (world) => world.actors.map((actor) => `CPU${actor.core}`.padEnd(TEXT_COLUMN - 2) + sayActor(actor, world)));
  const sorted = lines.sort((a, b) => Number(a.text.slice(3, 6)) - Number(b.text.slice(3, 6)));
  return ['actors (with the fewest victims)', ...sorted.flatMap(({ text, of }) => hanging(text, of))];
}

/** A line with a hanging indent, and whose it is behind it. */
function hanging(text: string, of: string, indent = TEXT_COLUMN - 2): string[] {
  return wrap(`${text}${of === '' ? '' : `   (${of})`}`, WIDTH - 2, indent).map((line) => `  ${line}`);
}

function sayActor(actor: Actor, world: World): string {
  const names = new Names(world);
  const isPending = actor.pendingInterrupt !== undefined || actor.pendingNmi === true;
  const does = [
    actor.patcher === undefined ? actor.entry : 'patcher_stub: a patcher in TypeScript',
    ...(actor.calls === undefined || actor.calls.length === 0 ? [] : [`calls ${actor.calls.join(', ')}`]),
    ...(actor.pendingInterrupt === undefined ? [] : [`an interrupt (${names.vector(actor.pendingInterrupt)}) is pending`]),
    ...(actor.pendingNmi === true ? ['an NMI is pending'] : []),
    ...(actor.interruptAnywhere === true ? [isPending ? 'before any instruction' : 'interrupts come before any instruction'] : []),
  ];
  return does.join(', ');
}

/** `--sites 1 to 2 (usually 2)`, with whose sizes they are where not all variants have them. */
function sizes(scenario: Scenario): string[] {
  const lines = SIZE_NAMES.flatMap((name) =>
    scenario.variants.flatMap((variant) => {
      const size = scenario.sizes(variant.name)[name];
      return size === undefined ? [] : [[`--${name}`.padEnd(TEXT_COLUMN - 2) + sayExtent(size), variant] as const];
    }),
  );
  const said = together(lines, scenario.variants.length);
  return said.length === 0 ? [] : ['sizes', ...said.flatMap(({ text, of }) => hanging(text, of))];
}

function bytes(built: readonly Built[]): string[] {
  const sites = told(built, (world) => world.sites.map((site) => saySite(site, new Names(world), world)));
  if (sites.length === 0) return ['bytes', '  no text is patched'];
  const shown = sites.slice(0, 2 * FEW);
  const more = sites.length - shown.length;
  return [
    'bytes',
    ...shown.flatMap(({ text, of }) => {
      const [head = '', ...rest] = text.split('\n');
      return [...wrap(`${head}${of === '' ? '' : `   (${of})`}`, WIDTH - 2, 2).map((line) => `  ${line}`), ...rest];
    }),
    ...(more === 0 ? [] : [`  and ${more} more sites in other variants`]),
  ];
}

/** The versions of a site, each disassembled: `old` first, then what is published, in order. */
function saySite(site: Site, names: Names, world: World): string {
  const at = world.lab.image.describe(site.address);
  const lines = site.versions.map((version, n) => {
    const text = disassemble(version, site.address).map((line) => line.text.replace(/0x[0-9a-f]{9,16}/, (a) => names.code(BigInt(a))));
    const mark = n === 0 ? 'old' : 'new';
    return `    ${mark}  ${hexBytes(version)}  ${text.join('; ')}${n === site.final && n !== site.versions.length - 1 ? ' (also at the end)' : ''}`;
  });
  const width = Math.max(...site.versions.map((v) => v.length * 3));
  const aligned = lines.map(
    (line) => line.slice(0, 9) + line.slice(9).replace(/^((?:[0-9a-f]{2} )+) /, (_, hex: string) => `${hex.padEnd(width)} `),
  );
  const where = site.name === at ? '' : ` = ${at}`;
  return [`${site.name}${where}, ${site.address % 64n} mod 64`, ...aligned.map((line) => line.slice(0, WIDTH))].join('\n');
}

function variantLines(v: Variant): string[] {
  return [
    ...hanging(`${v.name.padEnd(28)} ${sayExpectation(v.expected)}`, '', 2),
    ...indented(v.title, 4),
    ...(v.mutant === undefined ? [] : indented(`mutant: ${v.mutant}`, 4)),
    ...(v.history === undefined ? [] : indented(`history: "${v.history}"`, 4)),
    ...(v.catalogue === undefined
      ? []
      : indented(`the catalogue expected ${sayExpectation(v.catalogue.expected)}; ${v.catalogue.reason}`, 4)),
  ];
}

function sayExpectation(expectation: Expectation): string {
  if (typeof expectation === 'string') return expectation;
  const under = (verdict: string): string =>
    Object.entries(expectation)
      .filter(([, v]) => v === verdict)
      .map(([name]) => name)
      .join(', ');
  return `ok under ${under('ok') || 'none'}; violation under ${under('violation') || 'none'}`;
}
