import { type Access, type Happening, reads, type Trace, writes } from '../happening.ts';
import { sayAge } from '../trace-text.ts';
import { headline, type TraceAbout } from './about.ts';
import { rolesIn } from './roles.ts';

/**
 * A trace as a Mermaid sequence diagram: a participant a core, a note for what a core did in a step, an arrow for an IPI. Loads are told where some other core
 * writes what is loaded; `verbose` tells all of them, and what else happened.
 */
export function* mermaidDiagram(trace: Trace, about: TraceAbout, verbose = false): Generator<string> {
  yield `%% ${headline(about)}, ${about.machine}\n`;
  if (about.token !== undefined) yield `%% textpoke replay ${about.token}\n`;
  yield 'sequenceDiagram\n';
  yield rolesIn(trace)
    .map((role, core) => `  participant CPU${core} as CPU${core} (${escaped(role)})\n`)
    .join('');
  const shared = new SharedBytes(trace);
  for (const step of trace.steps) yield stepText(`@${step.at}`, step.happened, shared, verbose);
  if (trace.end.length > 0) yield stepText('end', trace.end, shared, verbose);
}

function stepText(at: string, happened: readonly Happening[], shared: SharedBytes, verbose: boolean): string {
  let out = '';
  let core = -1;
  let lines: string[] = [];
  const flush = (): void => {
    if (lines.length > 0) out += `  Note over CPU${core}: ${at} ${lines.map(escaped).join('<br/>')}\n`;
    lines = [];
  };
  for (const h of happened) {
    if (h.core !== core) flush();
    core = h.core;
    if (h.what === 'ipi') {
      flush();
      for (const target of h.targets) out += `  CPU${core}->>CPU${target}: ${at} IPI ${escaped(h.name)}\n`;
    } else lines.push(...say(h, shared, verbose));
  }
  flush();
  return out;
}

function say(h: Happening, shared: SharedBytes, verbose: boolean): string[] {
  switch (h.what) {
    case 'access':
      return sayAccess(h, shared, verbose);
    case 'fetch':
      return [`fetch ${h.name}: ${h.bytes}${h.text === '' ? '' : ` (${h.text})`}${sayAge(h)}`];
    case 'exception':
      return [`${h.name}, pushed rip ${h.rip}`];
    case 'interrupt':
      return [`takes ${h.name} at ${h.rip}`];
    case 'mark':
      return h.kind === 'phase' ? [] : [`${h.kind} ${h.text}`];
    case 'violation':
      return [`VIOLATION ${h.check}: ${h.message}`];
    case 'die':
      return [`dies: ${h.reason}`];
    case 'shutdown':
      return [`shuts down: ${h.why}`];
    case 'note':
      return h.id === 'SAY' ? [h.a] : verbose ? [`note ${h.id} ${h.a} ${h.b}`] : [];
    case 'iret':
      return verbose ? [`IRET to ${h.rip}`] : [];
    case 'serialize':
      return verbose ? [`serializing event: ${h.why}`] : [];
    case 'icache':
      return [`icache line ${h.line} ${h.event}`];
    case 'exit':
      return [`exits with ${h.code}`];
    case 'lost':
      return ['more accesses than a step can note'];
    case 'ipi':
      return [];
  }
}

function sayAccess(h: Access, shared: SharedBytes, verbose: boolean): string[] {
  if (h.access === 'buffer') return [`buffers ${h.name} = ${h.text}`];
  if (h.access === 'drain') return [`drains ${h.name} = ${h.text}`];
  if (writes(h)) return [`${h.name} = ${h.text}`];
  return verbose || (h.access === 'load' && shared.byOthers(h)) ? [`reads ${h.name}: ${h.text}`] : [];
}

/** Which cores write which bytes in a trace. */
class SharedBytes {
  readonly #writers = new Map<number, number>();

  constructor(trace: Trace) {
    const read = new Set<number>();
    const all = function* (): Generator<Happening> {
      for (const step of trace.steps) yield* step.happened;
    };
    for (const h of all()) if (reads(h)) for (let n = 0; n < h.size; n++) read.add(h.physical + n);
    for (const h of all())
      if (writes(h))
        for (let pa = h.physical; pa < h.physical + h.size; pa++)
          if (read.has(pa)) this.#writers.set(pa, (this.#writers.get(pa) ?? 0) | (1 << h.core));
  }

  byOthers({ core, physical, size }: Access): boolean {
    return Array.from({ length: size }, (_, n) => this.#writers.get(physical + n) ?? 0).some((mask) => (mask & ~(1 << core)) !== 0);
  }
}

/** Text inside a diagram: `;` would end the statement, `#` begin an entity, and markup is not meant. */
const escaped = (text: string): string =>
  text.replace(/[#;<>&"]/g, (c) => ({ '#': '#35;', ';': '#59;', '<': '#lt;', '>': '#gt;', '&': '#amp;', '"': '#quot;' })[c] as string);
